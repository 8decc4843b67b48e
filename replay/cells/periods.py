"""The cells of the answers over time: the points of a trend, and two periods side by side."""

from typing import Any

import polars as pl

from engine.periods import Every
from engine.projections.comparison import bounds, within
from engine.projections.filters import Filters, Window
from engine.projections.look import Look
from engine.projections.points import LAST, number, placed
from engine.projections.trend import axis_of, parts_of
from replay.cells.closed import cycle_time, is_, valued, win_rate
from replay.cells.counted import Counted, What, Word, all_rows
from replay.cells.events import of, openings, valuations
from replay.cells.funnel import conversion

SIDES = ("then", "now")


def trend(
    look: Look,
    filters: Filters,
    by: str | None,
    *,
    every: Every = "month",
    count: int = 12,
    stage: str | None = None,
    **_: Any,
) -> list[Counted]:
    axis = axis_of(look, filters, every, count)
    names = [period.name for period in axis]
    found = parts_of(look, filters, by, stage)
    moments = pl.Series("until", [min(period.until - 1, look.as_of) for period in axis], dtype=pl.Int64)
    since = axis[0].since
    came = seen_twice(placed(found.entries, moments, since), "merged_at")
    done = seen_twice(placed(found.closings, moments, since), "ends")
    number_of = pl.col("period").replace_strict(range(len(names)), names, return_dtype=pl.String)
    words = {"period": Word(number_of, tuple(names)), "side": Word(pl.col("side"), SIDES, "then")}
    begins, over = number(moments, pl.col("at")), number(moments, pl.col("ends"))
    stood = (
        found.stretches.with_columns(begins=begins, over=over)
        .filter(pl.col("begins") < pl.col("over"))
        .with_columns(period=pl.int_ranges("begins", "over"))
        .explode("period")
    )
    stood = stood.with_columns(until=moments.gather(stood["period"]))
    further = (pl.col("far_at") <= pl.col("late")).fill_null(False)

    def entered(rows: pl.DataFrame, _: str) -> list[What]:
        far = rows.filter(further).select("journey", at="far_at")
        steps = look.visits.select("journey", "entered_position", at="entered_at")
        reached = steps.join(far, on=["journey", "at"]).unique(["journey", "at"], keep="last", maintain_order=True)
        return [("entered", of(rows, "entered_position")), ("advanced", of(reached, "entered_position"))]

    def closed(rows: pl.DataFrame, part: str) -> list[What]:
        worth = [("valued", valuations(look, rows, "at", "entered_position"))] if part == "won_value" else []
        return [("opened", openings(look, rows)), ("closed", of(rows, "entered_position")), *worth]

    def open_then(rows: pl.DataFrame, part: str) -> list[What]:
        worth = [("valued", valuations(look, rows, "until"))] if part == "pipeline_value" else []
        return [("stands", of(rows, "position")), *worth]

    return [
        Counted(came, {"entered": all_rows(), "advanced": further, "conversion": all_rows()}, entered, words),
        Counted(
            done,
            {
                "won": is_("won"),
                "lost": is_("lost"),
                "disqualified": is_("disqualified"),
                "win_rate": is_("won", "lost"),
                "won_value": is_("won") & valued(),
                "cycle_p50_seconds": is_("won"),
            },
            closed,
            words,
        ),
        Counted(
            stood.lazy(),
            {"open": all_rows(), "qualified_open": pl.col("qualified"), "pipeline_value": valued()},
            open_then,
            {"period": words["period"]},
        ),
    ]


def seen_twice(rows: pl.DataFrame, ends: str) -> pl.LazyFrame:
    """What held at the end of its period (side then) and what holds now, with `late`, the moment looked from."""
    sides = [
        rows.lazy().with_columns(side=pl.lit(side), late=pl.col("until") if side == "then" else pl.lit(LAST))
        for side in SIDES
    ]
    return pl.concat(sides).filter((pl.col(ends) > pl.col("late")).fill_null(True))


def comparison(
    look: Look, filters: Filters, by: str | None, *, against: Window | None = None, **_: Any
) -> list[Counted]:
    since, until = bounds(filters.window, look.as_of)
    start, end = (2 * since - until, since) if against is None else bounds(against, look.as_of)
    after = side_of(look, within(filters, since, until), by, "after")
    return [*after, *side_of(look, within(filters, start, end), by, "before")]


def side_of(look: Look, filters: Filters, by: str | None, name: str) -> list[Counted]:
    whole, stages, *_ = conversion(look, filters, by, in_period=True)
    rates, *_ = win_rate(look, filters, by)
    cycle, stays, *_ = cycle_time(look, filters, by)
    told = [
        whole.figures(entered="entered", conversion="conversion"),
        stages.figures(entered="entered", conversion="conversion"),
        rates.figures(
            won="won",
            lost="lost",
            disqualified="disqualified",
            win_rate="win_rate",
            won_value="won_value",
            average_sale="average_won_value",
        ),
        cycle.figures(cycle_p50="won"),
        stays.figures(time_in_stage_p50="n"),
    ]
    return [each.named(period=Word(pl.lit(name), (name,))) for each in told]
