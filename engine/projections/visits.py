"""Stages of all journeys at once: the rules of engine/stages/fold.py as a handful of passes over columns.

No .over(): the rows are clustered by journey, so "first of a journey" is a comparison with the row before, a running
count is a global sum less its value at the journey's first row, and a running maximum that starts anew in every epoch
is one global maximum over epoch * 64 + rank.
"""

from typing import Final

import polars as pl
from polars._typing import PolarsDataType
from polars.expr.whenthen import ChainedThen, Then

from engine.projections.columns import Codes
from engine.stages.criteria_polars import CODE, fires, is_kind, looked_at
from engine.stages.definition import UNMAPPED, Definition
from engine.stages.facts import MOVES, REOPENINGS

HOW: Final = pl.Enum(["automatic", "moved", "reopened"])
WIDTH: Final = 64
"""room for the levels of one epoch: unmapped, up to 60 stages, gone"""
GONE: Final = 62
"""rank that stands for being in another pipeline"""
NOTHING: Final = -2
"""rank where nothing fires"""

SCHEMA: Final[dict[str, PolarsDataType]] = {
    "journey": pl.UInt32,
    "n": pl.UInt16,
    "stage": pl.Int8,
    "entered_at": pl.Int64,
    "entered_position": pl.Int64,
    "left_at": pl.Int64,
    "how": HOW,
    "transferred": pl.Boolean,
    "by_kind": pl.UInt8,
    "again": pl.Boolean,
    "row": pl.UInt32,
}


def derive_visits(events: pl.DataFrame, began: pl.Series, definition: Definition, codes: Codes) -> pl.DataFrame:
    """All visits in the definition's pipeline.

    events: live entries of any journeys (columns.EVENTS), sorted by (journey, occurred_at, position).
    began: the pipeline code of every journey, by journey code; -1 for a void one.
    Returns SCHEMA, sorted by (journey, n); `again`: the journey was in the stage
    before; `row` is the index of the causing event in `events`.
    """
    pipeline = codes.pipelines.get(definition.pipeline)
    if pipeline is None or events.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    rows = candidates(events, began, definition, codes, pipeline)
    rows = rows.with_columns(
        fired=highest(definition, codes, after_sale=False), fired_after=highest(definition, codes, after_sale=True)
    )
    rows = with_moves(rows, definition, codes, pipeline)
    return stays(with_closing(rows, definition))


def candidates(
    events: pl.DataFrame, began: pl.Series, definition: Definition, codes: Codes, pipeline: int
) -> pl.DataFrame:
    """The rows that can raise, move or close a journey of this pipeline, or be its first; `here`: it is in it there."""
    first = (pl.col("journey") != pl.col("journey").shift()).fill_null(True)
    rows = events.with_row_index("row").with_columns(first=first)
    changes = events.filter(is_kind("PipelineChanged"))
    if len(codes.pipelines) > 1 or not changes.is_empty():
        visitors = changes.filter(pl.col("value") == pipeline)["journey"].implode()
        starts = began.gather(rows["journey"])
        rows = rows.with_columns(began=starts).filter(
            (pl.col("began") == pipeline) | ((pl.col("began") >= 0) & pl.col("journey").is_in(visitors))
        )
    criteria = [stage.enter for stage in definition.stages if stage.enter is not None]
    useful = is_move() | pl.col("first")
    for criterion in criteria:
        useful = useful | looked_at(criterion, codes.signals)
    rows = rows.filter(useful)
    if changes.is_empty():
        return rows.with_columns(here=pl.lit(True))
    stands = (
        pl.when(is_kind("PipelineChanged"))
        .then(pl.col("value"))
        .when(pl.col("first"))
        .then(began.gather(rows["journey"]))
    )
    return rows.with_columns(here=stands.forward_fill() == pipeline)


def highest(definition: Definition, codes: Codes, *, after_sale: bool) -> pl.Expr:
    """The highest rank that fires at the row, of the after-sale stages or of the others; NOTHING for none."""
    choice: Then | ChainedThen = pl.when(is_move()).then(pl.lit(NOTHING, pl.Int16))
    for rank in range(len(definition.stages) - 1, -1, -1):
        stage = definition.stages[rank]
        if stage.enter is not None and (stage.kind == "after_sale") == after_sale:
            choice = choice.when(fires(stage.enter, codes.signals, codes.currencies)).then(pl.lit(rank, pl.Int16))
    return choice.otherwise(pl.lit(NOTHING, pl.Int16))


def is_move() -> pl.Expr:
    return is_kind(*sorted(MOVES))


def with_moves(rows: pl.DataFrame, definition: Definition, codes: Codes, pipeline: int) -> pl.DataFrame:
    """Adds `target`: the rank a person's move names (UNMAPPED for none it may name), and `resets`: it starts anew."""
    ranks = [UNMAPPED, *(definition.ranks.get(key, UNMAPPED) for key in codes.stages), UNMAPPED]
    resets = is_kind("PipelineChanged", *sorted(REOPENINGS))
    gone = is_kind("PipelineChanged") & (pl.col("value").fill_null(-1) != pipeline)
    moved = is_kind("StageMoved") | resets
    if not codes.stages or rows.filter(moved).is_empty():
        return rows.with_columns(
            target=pl.lit(UNMAPPED, pl.Int16), resets=pl.lit(False), moved=pl.lit(False), gone=pl.lit(False)
        )
    # By place in the list, which costs a tenth of looking a code up; a code is -1 where no stage is named.
    place = pl.when(moved).then(pl.col("code") + 1).otherwise(0).clip(0, len(ranks) - 1)
    named = pl.lit(pl.Series(ranks, dtype=pl.Int16)).gather(place)
    target = pl.when(resets & (named >= definition.open_count)).then(pl.lit(UNMAPPED, pl.Int16)).otherwise(named)
    return rows.with_columns(target=target, resets=resets, moved=moved, gone=gone)


def with_closing(rows: pl.DataFrame, definition: Definition) -> pl.DataFrame:
    """Adds `closed`: won or lost before this row, `won`: by a win, and `raises`: the rank the row contributes.

    Closing depends only on what can reopen: the first win or loss of each life stands until the life ends.
    """
    opens = definition.open_count
    won_ranks = [rank for rank, stage in enumerate(definition.stages) if stage.kind == "won"]
    after_ranks = [rank for rank, stage in enumerate(definition.stages) if stage.kind == "after_sale"]
    closes = (pl.col("fired") >= opens) & pl.col("here")
    life = pl.col("first") | pl.col("resets")
    rows = rows.with_columns(closes=closes, life=life, closings=closes.cast(pl.Int64).cum_sum())
    before = pl.when(pl.col("life")).then(pl.col("closings") - pl.col("closes").cast(pl.Int64)).forward_fill()
    rows = rows.with_columns(in_life=pl.col("closings") - before)
    closing = pl.col("closes") & (pl.col("in_life") == 1)
    outcome = pl.when(closing).then(pl.col("fired")).when(pl.col("life")).then(pl.lit(NOTHING, pl.Int16))
    rows = rows.with_columns(
        closed=pl.col("in_life") - pl.col("closes").cast(pl.Int64) > 0, won=outcome.forward_fill().is_in(won_ranks)
    )
    may_move = (
        pl.when(pl.col("closed"))
        .then(pl.col("won") & pl.col("target").is_in(after_ranks))
        .otherwise(pl.col("target") < opens)
    )
    effective = pl.col("moved") & (pl.col("resets") | may_move)
    rows = rows.with_columns(effective=effective)
    nothing = pl.lit(None, pl.Int16)
    raises = (
        pl.when(pl.col("gone"))
        .then(pl.lit(GONE, pl.Int16))
        .when(~pl.col("here"))
        .then(nothing)
        .when(pl.col("effective"))
        .then(pl.col("target"))
        .when(pl.col("first"))
        .then(pl.max_horizontal(pl.col("fired"), pl.lit(0, pl.Int16)))
        .when(~pl.col("closed"))
        .then(pl.when(pl.col("fired") >= 0).then(pl.col("fired")).otherwise(nothing))
        .when(pl.col("won") & (pl.col("fired_after") >= 0))
        .then(pl.col("fired_after"))
        .otherwise(nothing)
    )
    return rows.with_columns(raises=raises)


def stays(rows: pl.DataFrame) -> pl.DataFrame:
    """The visits: in an epoch the stage is the highest rank raised so far; a visit begins where the stage changes."""
    rows = rows.filter(pl.col("raises").is_not_null())
    epoch = (pl.col("first") | pl.col("effective") | pl.col("gone")).cast(pl.Int64).cum_sum()
    level = (epoch * WIDTH + pl.col("raises") + 1).cum_max()
    same = pl.col("journey") == pl.col("journey").shift()
    rows = rows.with_columns(stage=(level % WIDTH - 1).cast(pl.Int8))
    entered = rows.filter((same & (pl.col("stage") == pl.col("stage").shift())).fill_null(False).not_())
    follows = (pl.col("journey") == pl.col("journey").shift(-1)).fill_null(False)
    number = pl.int_range(pl.len(), dtype=pl.Int64)
    begins = (pl.col("journey") != pl.col("journey").shift()).fill_null(True)
    return (
        entered.with_columns(
            left_at=pl.when(follows).then(pl.col("occurred_at").shift(-1)),
            transferred=follows & (pl.col("stage").shift(-1) == GONE),
        )
        .filter(pl.col("stage") != GONE)
        .select(
            "journey",
            (number - pl.when(begins).then(number).forward_fill() + 1).cast(pl.UInt16).alias("n"),
            "stage",
            pl.col("occurred_at").alias("entered_at"),
            pl.col("position").alias("entered_position"),
            "left_at",
            pl.when(pl.col("effective") & pl.col("kind").is_in([CODE[name] for name in sorted(REOPENINGS)]))
            .then(pl.lit("reopened"))
            .when(pl.col("effective"))
            .then(pl.lit("moved"))
            .otherwise(pl.lit("automatic"))
            .cast(HOW)
            .alias("how"),
            pl.col("transferred").fill_null(False),
            pl.col("kind").alias("by_kind"),
            (pl.col("journey").cast(pl.Int64) * WIDTH + pl.col("stage")).is_first_distinct().not_().alias("again"),
            "row",
        )
    )
