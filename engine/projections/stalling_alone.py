"""Whether one journey is stalled: what stalling.is_stalled says of all at once, told of a plain row."""

from collections.abc import Callable, Mapping
from typing import Final

from engine.projections.rows_alone import Row
from engine.projections.stalling import LIMITS, Clock, latest_starts
from engine.stages.definition import Definition


def stalled_at(definition: Definition, as_of: int) -> Callable[[Row], bool]:
    """Of rows of the journeys frame. as_of: microseconds."""
    latest = {clock: latest_starts(clock, definition, as_of) for clock in LIMITS}

    def is_stalled(row: Row) -> bool:
        if row["outcome"] != "open" or (row["snoozed_until"] is not None and row["snoozed_until"] > as_of):
            return False
        return any(ran(clock, row, starts.get(row["stage"])) for clock, starts in latest.items())

    return is_stalled


def ran(clock: Clock, row: Row, latest: int | None) -> bool:
    started = STARTED_AT[clock](row)
    return latest is not None and started is not None and started <= latest


def touched_or_entered(row: Row) -> int | None:
    """The newest touch that counts here, or when it came here, whichever is later."""
    touched: int | None = row["touched_at"]
    entered: int | None = row["stage_since"]
    if touched is None or entered is None:
        return entered
    return max((touched, row["touched_position"]), (entered, row["stage_position"]))[0]


STARTED_AT: Final[Mapping[Clock, Callable[[Row], int | None]]] = {
    "idle": lambda row: row["active_at"],
    "touch": touched_or_entered,
    "stage": lambda row: row["stage_since"],
}
