"""The cells of the answers that look at where journeys stand."""

from functools import partial
from typing import Any

import polars as pl

from engine.projections.board import placed
from engine.projections.filters import Filters
from engine.projections.follow_ups import follow_ups as next_steps
from engine.projections.hygiene import kept_how, normal
from engine.projections.likeliest import OVERDUE, due
from engine.projections.likelihood import Basis, likelihoods
from engine.projections.look import Look
from engine.projections.stalled import idling, too_long
from engine.stages.criteria_polars import CODE
from replay.cells.counted import Counted, What, Word, all_rows, of_stage
from replay.cells.events import among, departures, mergers, of, openings, valuations
from replay.cells.funnel import conversion

WORTH = ("value", "weighted")
"""figures of money"""


def board(look: Look, filters: Filters, by: str | None, *, basis: Basis = "observed", **_: Any) -> list[Counted]:
    rows = placed(look, filters, by, likelihoods(look, basis))
    here = ~pl.col("outcome").is_in(["merged", "transferred"])
    parts = {
        "count": here,
        "value": here & pl.col("amount_minor").is_not_null(),
        "without_value": here & pl.col("amount_minor").is_null(),
        "weighted": here & pl.col("amount_minor").is_not_null(),
        "age_p50_seconds": here,
        "stalled": here & pl.col("stalled"),
        "transferred": pl.col("outcome") == "transferred",
        "merged": pl.col("outcome") == "merged",
    }
    return [Counted(rows.rename({"age": "spent"}), parts, partial(stands, look), {"stage": of_stage(look)})]


def stands(look: Look, rows: pl.DataFrame, part: str) -> list[What]:
    """How each came where it stands; what said its value, or when it was active last."""
    if part == "transferred":
        return [("opened", openings(look, rows)), ("left", departures(look, rows))]
    if part == "merged":
        return [("opened", openings(look, rows)), ("merged", mergers(look, rows))]
    found = [("entered", of(rows, "stage_position"))]
    if part in WORTH:
        now = rows.with_columns(now=pl.lit(look.as_of))
        found.append(("valued", valuations(look, now, "now")))
    if part in ("stalled", "silent"):
        found.append(("last_activity", of(rows, "last_activity_position")))
    return found


def likeliest(look: Look, filters: Filters, by: str | None, *, basis: Basis = "observed", **_: Any) -> list[Counted]:
    rows = placed(look, filters, by, likelihoods(look, basis)).filter(pl.col("outcome") == "open")
    valued, likely = pl.col("amount_minor").is_not_null(), pl.col("likelihood").is_not_null()
    parts = {
        "count": all_rows(),
        "value": valued,
        "weighted": valued & likely,
        "without_value": ~valued,
        "without_likelihood": ~likely,
    }
    month = due(look, filters).str.replace(OVERDUE, "overdue", literal=True)
    standing = Counted(rows, parts, partial(stands, look), {"stage": of_stage(look), "month": Word(month)})
    passing = conversion(look, filters, None)[1].figures(entered="entered", conversion="conversion")
    return [standing, passing]


def stalled(look: Look, filters: Filters, _: str | None, *, idle_days: float | None = None, **__: Any) -> list[Counted]:
    rows = idling(look, filters).filter(too_long(idle_days)).with_columns(group=pl.lit(None, pl.String), spent="idle")
    return [Counted(rows, {"count": all_rows()}, lambda found, _: stands(look, found, "stalled"), in_stage(look))]


def hygiene(
    look: Look, filters: Filters, _: str | None, *, silent_days: float = 14, note_days: float = 30, **__: Any
) -> list[Counted]:
    rows = kept_how(look, filters, normal(look), silent_days, note_days)

    def untidy(found: pl.DataFrame, part: str) -> list[What]:
        if part == "stale_notes":
            never = found.filter(pl.col("noted_position").is_null())
            return [("noted", of(found, "noted_position")), ("opened", openings(look, never))]
        return stands(look, found, part)

    parts = {name: pl.col(name) for name in ("silent", "stuck", "stale_notes")}
    open_ones = Counted(rows, {"n": all_rows(), **parts}, untidy, in_stage(look))
    return [open_ones]


def in_stage(look: Look) -> dict[str, Word]:
    return {"stage": of_stage(look)}


def follow_ups(look: Look, filters: Filters, _: str | None, *, overdue: bool = False, **__: Any) -> list[Counted]:
    told = next_steps(look, filters)
    ids = look.journeys.select("journey", "journey_id")
    steps = [(each.journey.replace("-", ""), each.follow_up, each.overdue, each.stage) for each in told.follow_ups]
    bare = [(each.journey.replace("-", ""), each.stage) for each in told.journeys]
    asked = pl.DataFrame(steps, ("journey_id", "follow_up", "overdue", "stage"), orient="row", schema_overrides=TEXTS)
    idle = pl.DataFrame(bare, ("journey_id", "stage"), orient="row", schema_overrides=TEXTS)
    group = pl.lit(None, pl.String).alias("group")
    words = {"stage": Word(pl.col("stage"))}

    def scheduled(found: pl.DataFrame, _: str) -> list[What]:
        """What asked for it, and what was said of it last."""
        said = among(look.seen().sides["follow_ups"], found)
        own = said.with_columns(pl.col("follow_up").str.replace_all("-", "")).join(
            found.select("journey", follow_up=pl.col("follow_up").str.replace_all("-", "")), on=["journey", "follow_up"]
        )
        first = pl.col("kind") == CODE["FollowUpScheduled"]
        return [("scheduled", of(own.filter(first), "position")), ("changed", of(own.filter(~first), "position"))]

    return [
        Counted(
            asked.lazy().join(ids.lazy(), on="journey_id").with_columns(group),
            {"count": pl.col("overdue") if overdue else all_rows(), "overdue": pl.col("overdue")},
            scheduled,
            words,
        ),
        Counted(
            idle.lazy().join(look.journeys.lazy(), on="journey_id", suffix="_rank").with_columns(group),
            {"without_next_step": all_rows()},
            lambda found, _: stands(look, found, "silent"),
            words,
        ),
    ]


TEXTS = {"journey_id": pl.String, "follow_up": pl.String, "overdue": pl.Boolean, "stage": pl.String}
