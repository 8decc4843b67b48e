"""Four answers out of what the ranges add up to: the same, figure by figure, that the live views give."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from engine.projections import conversion as funnel
from engine.projections import win_rate as decisions
from engine.projections.board import Board, StageStanding, Standing
from engine.projections.conversion import Conversion
from engine.projections.cycle_time import CycleTime, StageTime
from engine.projections.figures import NO_DURATIONS, Amount, Durations, amounts, timed
from engine.projections.likelihood import likelihood
from engine.projections.narrowing import narrowings
from engine.projections.transitions import in_order, transition
from engine.projections.win_rate import WinRate
from engine.stages.definition import UNMAPPED, Definition, Stage
from engine.stages.names import called
from replay.rebuild_part import Partial

Head = Mapping[str, Any]
"""the fields of Answer, but for n"""


@dataclass(frozen=True)
class Answers:
    """About one pipeline. The board is without cards."""

    board: Board
    conversion: Conversion
    cycle_time: CycleTime
    win_rate: WinRate


def answers(head: Head, definition: Definition, whole: Partial) -> Answers:
    """whole: all partials added up. Its spans are used up one after the other, so that they are never there twice."""
    ages = {rank: durations(whole, ("age", str(rank))) for rank in range(UNMAPPED, len(definition.stages))}
    lives = {outcome: durations(whole, ("cycle", outcome)) for outcome in ("won", "lost", "disqualified")}
    lives["closed"] = durations(whole, ("cycle", "won"), ("cycle", "lost"))
    return Answers(
        board_of(head, definition, whole, ages),
        conversion_of(head, definition, whole),
        cycle_time_of(head, definition, whole, ages, lives),
        win_rate_of(head, whole, lives["closed"]),
    )


def durations(whole: Partial, *keys: tuple[str, ...]) -> Durations:
    """Of the spans under all of these keys together."""
    parts = [part for key in keys for part in whole.spans.get(key, ())]
    if not parts:
        return NO_DURATIONS
    rows = pl.DataFrame({"spent": pl.concat(parts)})
    return Durations(**timed(rows.with_columns(all=pl.lit(1)), "spent", "all").drop("all").row(0, named=True))


def used_up(whole: Partial, key: tuple[str, ...]) -> Durations:
    found = durations(whole, key)
    whole.spans.pop(key, None)
    return found


def board_of(head: Head, definition: Definition, whole: Partial, ages: Mapping[int, Durations]) -> Board:
    counts = whole.counts

    def standing(rank: int) -> dict[str, Any]:
        key = definition.key_of(rank)
        return {
            "stage": key,
            "count": counts.get(("board", "count", key), 0),
            "without_value": counts.get(("board", "without_value", key), 0),
            "value": amounts(money(whole, "board", key)),
            "age_p50_seconds": ages[rank].p50_seconds,
        }

    def stage_standing(rank: int, stage: Stage) -> StageStanding:
        closed, won = (counts.get(("likelihood", part, stage.key), 0) for part in ("closed", "won"))
        chance = likelihood(stage, (closed, won), "observed")
        share = chance.value
        worth = money(whole, "board", stage.key)
        return StageStanding(
            name=called(stage.name, None, stage.key),
            kind=stage.kind,
            weighted=() if share is None else tuple(Amount.of(row["minor"] * share, row["currency"]) for row in worth),
            likelihood=None if share is None else float(share),
            closed_n=chance.closed_n,
            insufficient_history=chance.insufficient_history,
            stalled=counts.get(("board", "stalled", stage.key), 0),
            **standing(rank),
        )

    stages = tuple(stage_standing(rank, stage) for rank, stage in enumerate(definition.stages))
    unmapped = Standing(**standing(UNMAPPED))
    return Board(
        **head,
        n=sum(stage.count for stage in stages) + unmapped.count,
        stages=stages,
        unmapped=unmapped,
        cards=(),
        next=None,
        transferred=counts.get(("outcome", "transferred", ""), 0),
        **left_out(whole),
    )


def conversion_of(head: Head, definition: Definition, whole: Partial) -> Conversion:
    counts = whole.counts
    stages = []
    for stage in definition.stages:
        if stage.kind != "lost":
            row = {part: counts.get(("conversion", part, stage.key), 0) for part in ("entered", *funnel.PARTS)}
            # All is mature: there is no within_days.
            stages.append(funnel.stage_conversion(stage.key, row | {"immature": 0, "ripe": row["advanced"]}))
    moves = [key for key in whole.spans if key[0] == "move"]
    timed_moves = [{"stage": int(key[1]), "to": int(key[2]), **used_up(whole, key).model_dump()} for key in moves]
    in_turn = pl.DataFrame(timed_moves).sort(in_order("stage"), in_order("to")).to_dicts() if moves else []
    return Conversion(
        **head,
        n=counts.get(("conversion", "n", ""), 0),
        stages=tuple(stages),
        overall=funnel.overall({part: counts.get(("overall", part, ""), 0) for part in funnel.NONE}),
        transitions=tuple(transition(row, definition) for row in in_turn),
        narrowings=narrowings(stages, definition),
        **left_out(whole),
    )


def cycle_time_of(
    head: Head,
    definition: Definition,
    whole: Partial,
    ages: Mapping[int, Durations],
    lives: Mapping[str, Durations],
) -> CycleTime:
    def stage_time(rank: int) -> StageTime:
        lasting = ages[rank]
        return StageTime(
            stage=definition.key_of(rank),
            **used_up(whole, ("stay", str(rank))).model_dump(),
            open_n=lasting.n,
            open_age_p50_seconds=lasting.p50_seconds,
        )

    return CycleTime(
        **head,
        n=lives["closed"].n,
        since="opened",
        **lives,
        stages=tuple(stage_time(rank) for rank in range(len(definition.stages))),
        unmapped=stage_time(UNMAPPED),
        **left_out(whole),
    )


def win_rate_of(head: Head, whole: Partial, closed: Durations) -> WinRate:
    counts = {outcome: whole.counts.get(("outcome", outcome, ""), 0) for outcome in decisions.COUNTED}
    worth = [row for outcome in ("won", "lost") for row in money(whole, "close", outcome)]
    found = decisions.rates(counts, worth, whole.counts.get(("outcome", "qualified", ""), 0), closed)
    return WinRate(**head, n=decisions.decided(found), **dict(found), void=left_out(whole)["void"])


def money(whole: Partial, answer: str, place: str) -> list[dict[str, Any]]:
    """Rows as figures.sums gives them, of a stage or an outcome."""
    return [
        {"outcome": place, "currency": currency, "minor": minor, "valued": valued}
        for (what, where, currency), (minor, valued) in sorted(whole.money.items())
        if (what, where) == (answer, place)
    ]


def left_out(whole: Partial) -> dict[str, int]:
    return {part: whole.counts.get(("outcome", part, ""), 0) for part in ("merged", "void")}
