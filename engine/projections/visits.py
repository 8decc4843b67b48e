"""Stages of all journeys at once: the rules of engine/stages/fold.py as a handful of passes over columns.

No .over(): the rows are clustered by journey, so "first of a journey" is a comparison with the row before, a running
count is a global sum less its value at the journey's first row, and a running maximum that starts anew in every epoch
is one global maximum over epoch * 64 + rank.
"""

from typing import Final

import polars as pl
from polars._typing import PolarsDataType
from polars.expr.whenthen import ChainedThen, Then

from engine.projections.columns import POSITION, Codes
from engine.projections.firing import fired, visiting
from engine.projections.kept import BEGINS, ENDS
from engine.projections.newest import has_twin
from engine.projections.seen import Seen
from engine.stages.criteria_polars import is_kind
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
    "entered_position": POSITION,
    "left_at": pl.Int64,
    "how": HOW,
    "transferred": pl.Boolean,
    "by_kind": pl.UInt8,
    "again": pl.Boolean,
    "row": pl.UInt32,
}


def derive_visits(seen: Seen, definition: Definition, codes: Codes) -> pl.DataFrame:
    """All visits of any journeys in the definition's pipeline.

    Returns SCHEMA, sorted by (journey, n); `again`: the journey was in the stage before; `row` is the index of the
    causing event in seen.rows.
    """
    pipeline = codes.pipelines.get(definition.pipeline)
    if pipeline is None or seen.rows.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    rows = with_whereabouts(telling(seen, definition, codes), seen, pipeline)
    rows = with_targets(without_later_closings(rows, definition), definition, codes)
    return visits(raising(rows, definition), seen.rows)


def telling(seen: Seen, definition: Definition, codes: Codes) -> pl.DataFrame:
    """The rows that can raise, move or close a journey of the pipeline, and its first, with `row`: the place in
    seen.rows; `fired`, `fired_after`: the highest ranks.

    fired_after is of the after-sale stages, fired of all others; NOTHING where none fires.
    """
    pipeline = codes.pipelines[definition.pipeline]
    rows = visiting(seen, pipeline, codes)
    ranks = [rank for rank, stage in enumerate(definition.stages) if stage.enter is not None]
    criteria = [enter for stage in definition.stages if (enter := stage.enter) is not None]
    masks = dict(zip(ranks, fired(seen, rows, pipeline, criteria, codes), strict=True))

    def highest(*, after_sale: bool) -> pl.Expr:
        choice: Then | ChainedThen = pl.when(is_move()).then(pl.lit(NOTHING, pl.Int8))
        for rank in reversed(ranks):
            if (definition.stages[rank].kind == "after_sale") == after_sale:
                choice = choice.when(pl.lit(masks[rank])).then(pl.lit(rank, pl.Int8))
        return choice.otherwise(pl.lit(NOTHING, pl.Int8))

    return (
        rows.lazy()
        .with_columns(fired=highest(after_sale=False), fired_after=highest(after_sale=True))
        .filter(pl.col("first") | is_move() | (pl.col("fired") != NOTHING) | (pl.col("fired_after") != NOTHING))
        .collect()
    )


def is_move() -> pl.Expr:
    return is_kind(*sorted(MOVES))


def with_whereabouts(rows: pl.DataFrame, seen: Seen, pipeline: int) -> pl.DataFrame:
    """Adds `here`: the journey is in the pipeline, elsewhere nothing fires; `gone`: it leaves for another."""
    changes = is_kind("PipelineChanged")
    moved = seen.numbers.lazy().filter(changes).select("row", to="value")
    place = pl.int_range(pl.len(), dtype=pl.UInt32)
    into = rows.lazy().select("row", "kind", place=place).filter(changes).join(moved, on="row").collect()
    if into.is_empty():
        return rows.with_columns(here=pl.lit(True), gone=pl.lit(False))
    began = pl.lit(seen.began[rows["journey"]]).cast(pl.Int64)
    to = pl.repeat(None, rows.height, dtype=pl.Int64, eager=True).scatter(into["place"], into["to"])
    stands = pl.when(changes).then(pl.lit(to)).when(pl.col("first")).then(began)
    rows = rows.with_columns(here=(stands.forward_fill() == pipeline).fill_null(False))
    here, nothing = pl.col("here"), pl.lit(NOTHING, pl.Int8)
    return rows.with_columns(
        gone=changes & ~here,
        fired=pl.when(here).then("fired").otherwise(nothing),
        fired_after=pl.when(here).then("fired_after").otherwise(nothing),
    )


def without_later_closings(rows: pl.DataFrame, definition: Definition) -> pl.DataFrame:
    """Of the wins and losses that fired the first one of each life is left; adds `resets`: a new life begins."""
    rows = rows.with_columns(resets=is_kind("PipelineChanged", *sorted(REOPENINGS)))
    life, closes = pl.col("life"), pl.col("closes")
    # Every journey's first row begins a life, so the turn before is of the same journey.
    turns = rows.select(
        place=pl.int_range(pl.len(), dtype=pl.UInt32),
        life=pl.col("first") | pl.col("resets"),
        closes=pl.col("fired") >= definition.open_count,
    ).filter(life | closes)
    later = turns.filter(closes & ~life & (~life.shift() | closes.shift()))
    return rows.with_columns(rows["fired"].scatter(later["place"], NOTHING))


def with_targets(rows: pl.DataFrame, definition: Definition, codes: Codes) -> pl.DataFrame:
    """Adds `target`: the rank that a person's move names; UNMAPPED for none it may name, and where nothing moves."""
    ranks = [UNMAPPED, *(definition.ranks.get(key, UNMAPPED) for key in codes.stages), UNMAPPED]
    moves = (
        rows.lazy().select("kind", "code", "resets", place=pl.int_range(pl.len(), dtype=pl.UInt32)).filter(is_move())
    )
    # By place in the list, which costs a tenth of looking a code up; a code is -1 where no stage is named.
    named = pl.lit(pl.Series(ranks, dtype=pl.Int8)).gather((pl.col("code") + 1).clip(0, len(ranks) - 1))
    strange = pl.col("resets") & (named >= definition.open_count)
    told = moves.select("place", target=pl.when(strange).then(pl.lit(UNMAPPED, pl.Int8)).otherwise(named)).collect()
    nowhere = pl.repeat(UNMAPPED, rows.height, dtype=pl.Int8, eager=True)
    return rows.with_columns(target=nowhere.scatter(told["place"], told["target"]))


def raising(rows: pl.DataFrame, definition: Definition) -> pl.DataFrame:
    """The rows that may change the stage: `raises`, the rank they contribute, and `moves`, by a person's move."""
    opens = definition.open_count
    won = [rank for rank, stage in enumerate(definition.stages) if stage.kind == "won"]
    after_sale = [rank for rank, stage in enumerate(definition.stages) if stage.kind == "after_sale"]
    life, fired, target = pl.col("first") | pl.col("resets"), pl.col("fired"), pl.col("target")
    # The first win or loss of each life stands until the life ends.
    outcome = pl.when(fired >= opens).then(fired).when(life).then(pl.lit(NOTHING, pl.Int8)).forward_fill()
    rows = rows.with_columns(before=pl.when(~life).then(outcome.shift()))
    before = pl.col("before").fill_null(NOTHING)
    is_closed, is_won = before >= 0, before.is_in(won)
    may_move = pl.when(is_closed).then(is_won & target.is_in(after_sale)).otherwise(target < opens)
    return (
        rows.lazy()
        .with_columns(moves=pl.col("resets") | (is_kind("StageMoved") & may_move))
        .with_columns(
            raises=pl.when("gone")
            .then(pl.lit(GONE, pl.Int8))
            .when(~pl.col("here"))
            .then(pl.lit(None, pl.Int8))
            .when("moves")
            .then(target)
            .when("first")
            .then(pl.max_horizontal(fired, pl.lit(0, pl.Int8)))
            .when(~is_closed & (fired >= 0))
            .then(fired)
            .when(is_won & (pl.col("fired_after") >= 0))
            .then("fired_after")
        )
        .filter(pl.col("raises").is_not_null())
        .select("row", "journey", "kind", "first", "moves", "gone", "raises")
        .collect()
    )


def visits(rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """In an epoch the stage is the highest rank raised so far; a visit begins where the stage changes."""
    epoch = (pl.col("first") | pl.col("moves")).cast(pl.Int64).cum_sum()
    level = (epoch * WIDTH + pl.col("raises") + 1).cum_max()
    changes = (pl.col("stage") != pl.col("stage").shift()).fill_null(True)
    entered = rows.lazy().with_columns(stage=(level & (WIDTH - 1)).cast(pl.Int8) - 1).filter(BEGINS | changes).collect()
    at = events.select(entered_at="occurred_at", entered_position="position")[entered["row"]]
    number = pl.int_range(pl.len(), dtype=pl.UInt32)
    found = (
        entered.hstack(at)
        .lazy()
        .with_columns(
            left_at=pl.when(~ENDS).then(pl.col("entered_at").shift(-1)),
            transferred=~ENDS & (pl.col("stage").shift(-1, fill_value=UNMAPPED) == GONE),
        )
        .filter(pl.col("stage") != GONE)
        .with_columns(
            n=(number - pl.when(BEGINS).then(number).otherwise(0).cum_max() + 1).cast(pl.UInt16),
            how=pl.when(pl.col("moves") & is_kind(*sorted(REOPENINGS)))
            .then(pl.lit("reopened", HOW))
            .when("moves")
            .then(pl.lit("moved", HOW))
            .otherwise(pl.lit("automatic", HOW)),
            by_kind="kind",
        )
        .collect()
    )
    return found.with_columns(again=has_twin(found, "stage", later=False)).select(SCHEMA.keys())
