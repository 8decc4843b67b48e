"""What a few journeys add to conversion, cycle time and win rate, told journey by journey from plain rows.

Each says what the tally of the same name, which counts all at once, says of these journeys. docs/adr/0011.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from engine.projections.closings import CLOSED
from engine.projections.cohort import TRANSFERRED, followers, ranks_of, step
from engine.projections.lengths import Lengths
from engine.projections.rows_alone import Row
from engine.projections.tally import Key, Tally
from engine.stages.definition import Definition

if TYPE_CHECKING:
    from engine.projections.live import Few


def with_lengths(found: Tally, told: dict[Key, list[int]]) -> Tally:
    found.lengths = {key: Lengths.of(each) for key, each in told.items()}
    return found


def unmerged(journeys: "Few", found: Tally) -> Iterator[tuple[Row, Sequence[Row]]]:
    """The journey and its visits, of those that were not merged; the others are counted."""
    for rows in journeys:
        for row in rows.journeys:
            if row["outcome"] == "merged":
                found.raise_by(1, "gone merged", None)
            else:
                yield row, rows.visits


def decided_alone(journeys: "Few") -> Tally:
    """win_rate.decided."""
    found, lifetimes = Tally(), []
    for rows in journeys:
        for row in rows.journeys:
            outcome = row["outcome"]
            found.raise_by(1, "decided n", None, outcome)
            found.raise_by(outcome != "merged" and row["qualified_at"] is not None, "qualified n", None)
            if outcome in ("won", "lost"):
                lifetimes.append(row["closed_at"] - row["opened_at"])
                if row["close_amount_minor"] is not None:
                    found.value(row["close_amount_minor"], row["close_currency"], "decided", None, outcome)
    return with_lengths(found, {("lifetime", None): lifetimes})


def spent_alone(journeys: "Few", *, from_first_touch: bool) -> Tally:
    """cycle_time.spent."""
    found, told = Tally(), defaultdict[Key, list[int]](list)
    starts = "first_touch_at" if from_first_touch else "opened_at"
    for row, visits in unmerged(journeys, found):
        if row["outcome"] in CLOSED and row[starts] is not None and row["closed_at"] >= row[starts]:
            told["life", None, row["outcome"]].append(row["closed_at"] - row[starts])
        stays = defaultdict[int, list[int]](list)
        for visit in visits:
            if visit["left_at"] is None:
                told["lasting", None, visit["stage"]].append(-visit["entered_at"])
            else:
                stays[visit["stage"]].append(visit["left_at"] - visit["entered_at"])
        repeated = {visit["stage"] for visit in visits if visit["again"] and visit["left_at"] is not None}
        for stage, each in stays.items():
            # Several stages that the definition does not know are several stays in what it does not know.
            told["stay", None, stage] += [sum(each)] if stage in repeated else each
    return with_lengths(found, told)


def passed_alone(journeys: "Few", definition: Definition, *, strict: bool) -> Tally:
    """passed.passed."""
    found, told = Tally(), defaultdict[Key, list[int]](list)
    lost, won = ranks_of(definition, "lost"), ranks_of(definition, "won")
    steps = [step(definition, rank) for rank in range(len(definition.stages))]
    after = {
        rank: {other for other, own in enumerate(steps) if own == following}
        for rank, following in followers(definition).items()
    }
    for _, visits in unmerged(journeys, found):
        found.raise_by(1, "all n", None)
        last = visits[-1]
        place = TRANSFERRED if last["transferred"] else last["stage"]
        for number, visit in enumerate(visits):
            stage, later = visit["stage"], {each["stage"] for each in visits[number:]}
            if visit["left_at"] is not None:
                to = TRANSFERRED if visit["transferred"] else visits[number + 1]["stage"]
                told["move", None, stage, to].append(visit["left_at"] - visit["entered_at"])
            reach = max((rank for rank in later if rank >= 0 and rank not in lost), default=-1)
            if number == 0:
                end = ended(place, lost, far=bool(won) and reach >= won[0])
                found.raise_by(1, "all entered", None)
                found.raise_by(1, f"all {end}", None)
            if stage >= 0 and stage not in lost and not visit["again"]:
                passes = not strict or not later.isdisjoint(after.get(stage, ()))
                part = became(stage, reach, place, lost, passes=passes)
                found.raise_by(1, "stage entered", None, stage)
                found.raise_by(1, f"stage {part}", None, stage)
                found.raise_by(part == "advanced", "stage ripe", None, stage)
    return with_lengths(found, told)


def ended(place: int, lost: Sequence[int], *, far: bool) -> str:
    """Which part of conversion.Overall the journey is."""
    if far:
        return "won"
    return "lost" if place in lost else "transferred" if place == TRANSFERRED else "open"


def became(stage: int, reach: int, place: int, lost: Sequence[int], *, passes: bool) -> str:
    """Which of conversion.PARTS an entry is. passes: skipping the next stage counts, or it was not skipped."""
    if reach > stage:
        return "advanced" if passes else "skipped"
    if place == TRANSFERRED:
        return "transferred"
    if place in lost:
        return "lost"
    return "moved_back" if place < stage else "still_there"
