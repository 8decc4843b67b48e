"""What happened when: entries, closings and stretches of being open, each with the moment until which it held.

One pass over the visits tells them for every point in time at once: what stood at a moment is what began by then and
had not ended. (Under the lens as_of=T the visits are those of now, cut off at T.)
"""

from typing import TYPE_CHECKING

import polars as pl

from engine.projections.cohort import ranks_of
from engine.projections.filters import Filters, chosen
from engine.projections.journeys import named
from engine.stages.criteria_polars import CODE, valued

if TYPE_CHECKING:
    from engine.projections.look import Look

OF_THE_JOURNEY = ("owner", "source", "channel")


def passed(look: "Look", filters: Filters) -> pl.DataFrame:
    """Visits of the chosen journeys, merged ones too, with what follows.

    Adds owner, source, channel, opened_at, merged_at; first; far_at (when it was won, itself included); ends (when it
    stopped standing: reopened, gone to another pipeline or merged); qualified (by then) and qualified_before.
    """
    definition = look.definition
    kept = chosen(look, filters).select(
        "journey",
        *OF_THE_JOURNEY,
        "opened_at",
        merged_at=pl.when(pl.col("outcome") == "merged").then("closed_at"),
    )
    visits = look.visits.lazy().join(kept, on="journey", how="inner", maintain_order="left").with_row_index("row")
    lost = pl.col("stage").is_in(ranks_of(definition, "lost"))
    ready = ((pl.col("stage") >= definition.qualified_rank) & ~lost).cast(pl.Int64)
    first = (pl.col("journey") != pl.col("journey").shift()).fill_null(True)
    far = pl.col("stage").is_in(ranks_of(definition, "won", "after_sale"))
    so_far = ready.cum_sum() - pl.when(first).then(ready.cum_sum() - ready).forward_fill()
    found = visits.with_columns(
        first=first,
        open=pl.col("stage") < definition.open_count,
        qualified=so_far > 0,
        qualified_before=so_far - ready > 0,
        far_at=following(far, "entered_at"),
        gone_at=following(pl.col("transferred"), "left_at"),
        reopened_at=following(pl.col("stage") < definition.open_count, "entered_at", itself=False),
    )
    return found.with_columns(
        ends=pl.min_horizontal("reopened_at", "gone_at", "merged_at"),
    ).collect()


def following(rows: pl.Expr, moment: str, *, itself: bool = True) -> pl.Expr:
    """The moment of the nearest such visit of the journey from this one on; null where there is none."""
    place = pl.when(rows).then(pl.col("row"))
    nearest = (place if itself else place.shift(-1)).backward_fill()
    same = pl.col("journey").gather(nearest) == pl.col("journey")
    return pl.when(same).then(pl.col(moment).gather(nearest))


def entries(visits: pl.DataFrame, look: "Look", stage: int | None) -> pl.DataFrame:
    """First visits of the pipeline, or of one stage (rank): at, and far_at, when they were won, or went further."""
    if stage is None:
        return visits.filter("first").rename({"entered_at": "at"})
    further = (pl.col("stage") > stage) & pl.col("stage").is_in(ranks_of(look.definition, "open", "won", "after_sale"))
    return (
        visits.with_columns(far_at=following(further, "entered_at"))
        .filter(pl.col("stage") == stage)
        .unique("journey", keep="first", maintain_order=True)
        .rename({"entered_at": "at"})
    )


def closings(visits: pl.DataFrame, look: "Look") -> pl.DataFrame:
    """Every win and loss, also those that were taken up again: at, ends, outcome, spent since the opening."""
    won = pl.col("stage").is_in(ranks_of(look.definition, "won"))
    unfit = (pl.col("by_kind") == CODE["LeadDisqualified"]) & ~pl.col("qualified_before")
    outcome = pl.when(won).then(pl.lit("won")).when(unfit).then(pl.lit("disqualified")).otherwise(pl.lit("lost"))
    return (
        visits.filter(pl.col("stage").is_in(ranks_of(look.definition, "won", "lost")))
        .rename({"entered_at": "at"})
        .with_columns(outcome=outcome, spent=pl.col("at") - pl.col("opened_at"))
    )


def by_membership(stretches: pl.DataFrame, look: "Look") -> pl.DataFrame:
    """The same cut where the owner's team, manager or region changed, so that each part belongs where it did then."""
    roster = look.membership
    edges = pl.concat([roster.select(owner="rep", edge=pl.col(name)) for name in ("since", "until")]).drop_nulls()
    inside = (pl.col("at") < pl.col("edge")) & (pl.col("edge") < pl.col("ends")).fill_null(True)
    numbered = stretches.with_row_index("stretch")
    cuts = numbered.join(edges.unique(), on="owner").filter(inside)
    if cuts.is_empty():
        return stretches
    parts = pl.concat([numbered, cuts.with_columns(at="edge").drop("edge")]).sort("stretch", "at")
    same = (pl.col("stretch") == pl.col("stretch").shift(-1)).fill_null(False)
    return parts.with_columns(ends=pl.when(same).then(pl.col("at").shift(-1)).otherwise("ends")).drop("stretch")


def stretches(visits: pl.DataFrame, look: "Look") -> pl.DataFrame:
    """Times of being open at one value: at, ends (null: it lasts), qualified, amount_minor, currency."""
    values = (
        look.seen()
        .numbers.lazy()
        .filter(valued())
        .select("journey", "position", at="occurred_at", worth="value", money=named("code", look.codes.currencies))
    )
    stays = visits.lazy().select(
        "journey",
        *OF_THE_JOURNEY,
        "open",
        "qualified",
        "merged_at",
        "left_at",
        at="entered_at",
        position="entered_position",
        worth="amount_minor",
        money="currency",
        of="journey",
    )
    rows = pl.concat([stays, values], how="diagonal").sort("journey", "at", "position", maintain_order=True)
    told = ["open", "qualified", "merged_at", "left_at", "of", *OF_THE_JOURNEY]
    is_stay = pl.col("of").is_not_null()
    number = pl.when(is_stay).then(pl.int_range(pl.len(), dtype=pl.UInt32)).forward_fill()
    same = (pl.col("journey") == pl.col("journey").shift(-1)).fill_null(False)
    return (
        # Of its visit, not forward-filled one by one: a visit that lasts has no left_at to fill with.
        rows.with_columns(next_at=pl.when(same).then(pl.col("at").shift(-1)), stay=number)
        .with_columns(pl.col(name).gather(pl.col("stay")) for name in told)
        .filter((pl.col("of") == pl.col("journey")) & pl.col("open"))
        .with_columns(ends=pl.min_horizontal("next_at", "left_at", "merged_at"))
        .filter(pl.col("ends").is_null() | (pl.col("at") < pl.col("ends")))
        .rename({"worth": "amount_minor", "money": "currency"})
        .collect()
    )
