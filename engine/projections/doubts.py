"""Won in spite of doubts: what spoke against a journey when it was qualified, and what settled it afterwards."""

from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from engine.projections.cohort import ranks_of
from engine.projections.figures import Figures
from engine.projections.kept import ORDER
from engine.stages.criteria_polars import DIMENSION, VERDICT, is_kind
from engine.stages.facts import KINDS
from engine.values import from_micros

if TYPE_CHECKING:
    from engine.projections.look import Look

DIMENSIONS = {code: name for name, code in DIMENSION.items()}
VERDICTS = {code: name for name, code in VERDICT.items()}
SCORE = "score"
UNKNOWN_ENOUGH = 2
"""unknown dimensions that make a doubt; one alone does not, for three of four confirmed qualify a lead"""


class Doubt(Figures):
    about: str
    """budget, authority, need, timeline or score"""
    verdict: str
    """denied, unknown, or low"""
    score: int | None = None


class Evidence(Figures):
    """An event behind the win."""

    about: str
    """the doubt it settled; won: the event that won it"""
    event: str
    """name of the event"""
    event_id: str
    position: int
    occurred_at: datetime


Found = dict[int, tuple[tuple[Doubt, ...], tuple[Evidence, ...]]]
Entry = tuple[str, int, int]
"""what settled which doubt: about, position, kind of event"""


def doubtful(look: "Look", won: pl.DataFrame, score_below: int | None) -> Found:
    """By journey code, of won rows of Look.journeys: those with a doubt when they were qualified.

    Denied dimensions and several unknown ones are doubts, the latter where this pipeline assesses BANT at all.
    """
    seen = look.seen()
    told = pl.concat(
        [seen.rows.filter(is_kind("BantAssessed")), seen.numbers.filter(is_kind("Scored"))], how="diagonal"
    ).sort(ORDER)
    told = told.filter(pl.col("journey").is_in(look.journeys["journey"].implode()))
    start = dict.fromkeys(DIMENSION, "unknown") if told.select(is_kind("BantAssessed").any()).item() else {}
    rows = told.filter(pl.col("journey").is_in(won["journey"].implode())).rows_by_key("journey", named=True)
    found: dict[int, tuple[tuple[Doubt, ...], list[Entry]]] = {}
    for moment in moments(look, won).iter_rows(named=True):
        doubts, settled = weighed(rows.get(moment["journey"], []), moment, dict(start), score_below)
        if doubts:
            found[moment["journey"]] = doubts, [*settled, ("won", moment["won_position"], moment["by_kind"])]
    return with_ids(look, found)


def moments(look: "Look", won: pl.DataFrame) -> pl.DataFrame:
    """journey, qualified_at, qualified_position, won_position, by_kind (of the standing win) of each won journey."""
    of_won = look.visits.filter(pl.col("journey").is_in(won["journey"].implode()))
    ready = (pl.col("stage") >= look.definition.qualified_rank) & ~pl.col("stage").is_in(
        ranks_of(look.definition, "lost")
    )
    qualified = of_won.filter(ready).unique("journey", keep="first", maintain_order=True)
    wins = of_won.filter(pl.col("stage").is_in(ranks_of(look.definition, "won"))).unique("journey", keep="last")
    return qualified.select("journey", qualified_at="entered_at", qualified_position="entered_position").join(
        wins.select("journey", "by_kind", won_position="entered_position"), on="journey", maintain_order="left"
    )


def weighed(
    rows: list[dict[str, int | None]], moment: dict[str, int], verdicts: dict[str, str], score_below: int | None
) -> tuple[tuple[Doubt, ...], list[Entry]]:
    """The doubts at qualification, from what had been told until then (itself included), and what settled them."""
    fit, engagement = 0, 0
    doubts: dict[str, Doubt] | None = None
    settled: list[Entry] = []

    def standing() -> dict[str, Doubt]:
        told = [verdict for verdict in verdicts.values() if verdict != "confirmed"]
        enough = "denied" in told or len(told) >= UNKNOWN_ENOUGH
        open_ones = {
            name: Doubt(about=name, verdict=verdict)
            for name, verdict in verdicts.items()
            if enough and verdict != "confirmed"
        }
        if score_below is not None and fit + engagement < score_below:
            open_ones[SCORE] = Doubt(about=SCORE, verdict="low", score=fit + engagement)
        return open_ones

    until = moment["qualified_at"], moment["qualified_position"]
    for row in rows:
        if doubts is None and (row["occurred_at"], row["position"]) > until:
            doubts = standing()
        code, kind, position = row["code"] or 0, row["kind"] or 0, row["position"] or 0
        if KINDS[kind] == "Scored":
            fit = code if code >= 0 else fit
            engagement = engagement if row["value"] is None else row["value"]
            about = SCORE if score_below is not None and fit + engagement >= score_below else None
        else:
            dimension, verdict = DIMENSIONS[code // 3], VERDICTS[code % 3]
            verdicts[dimension] = verdict
            about = dimension if verdict == "confirmed" else None
        if doubts and about in doubts and about not in {done for done, *_ in settled}:
            settled.append((about, position, kind))
    return tuple((standing() if doubts is None else doubts).values()), settled


def with_ids(look: "Look", found: dict[int, tuple[tuple[Doubt, ...], list[Entry]]]) -> Found:
    """The same with the events' ids and times."""
    positions = [position for _, entries in found.values() for _, position, _ in entries]
    ids = look.event_ids(positions)
    events = look.seen().events
    times = dict(events.filter(pl.col("position").is_in(positions)).select("position", "occurred_at").iter_rows())
    return {
        journey: (
            doubts,
            tuple(
                Evidence(
                    about=about,
                    event=KINDS[kind],
                    event_id=str(ids[position]),
                    position=position,
                    occurred_at=from_micros(times[position]),
                )
                for about, position, kind in entries
            ),
        )
        for journey, (doubts, entries) in found.items()
    }
