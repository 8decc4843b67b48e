"""A person's move of a closed deal to an open stage is a reopening, and is imported as one."""

import polars as pl

from service.importers.conditions import text_of
from service.importers.reading import ROW, Reading, repeated
from service.importers.report import tally
from service.importers.ruled import rules_of
from service.importers.words import Source

CLOSING = ["DealWon", "DealLost"]
OPENING_AGAIN = ["DealReopened", "PipelineChanged"]


def with_reopenings(facts: pl.DataFrame, rows: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """The facts, with kind DealReopened for the moves that reopen; moves to won or lost stages are bad rows."""
    if not facts["kind"].is_in(["StageMoved", *CLOSING, *OPENING_AGAIN]).any():
        return facts
    kinds = reading.stage_kinds()
    moves = facts.with_columns(stages(facts, rows, reading)).with_columns(
        pl.col("stage").replace_strict(kinds, default="unmapped", return_dtype=pl.String).alias("stage_kind")
    )
    moved = (pl.col("kind") == "StageMoved") & pl.col("stage").is_not_null()
    closed = moves.filter(moved & pl.col("stage_kind").is_in(["won", "lost"])).select(ROW, "stage")
    why = "a move can't win or lose a deal: make this value a DealWon or DealLost, by a condition"
    reading.bad.add(closed, "stage", why)
    unmapped = moves.filter(pl.col("stage").is_not_null() & (pl.col("stage_kind") == "unmapped"))
    tally(reading.report.unmapped_stages, dict(unmapped["stage"].value_counts(sort=True).iter_rows()))
    # After a move to an open stage the deal is open whatever it was before: only the last such fact matters.
    opens = moved & pl.col("stage_kind").is_in(["open", "unmapped"])
    marks = moves.with_row_index("place").filter(opens | pl.col("kind").is_in(CLOSING + OPENING_AGAIN))
    marks = pl.concat([told_before(facts, kinds, reading), marks.select("place", "stream", "at", "kind")])
    marks = marks.sort("stream", "at", maintain_order=True)
    reopening = marks.filter((pl.col("kind") == "StageMoved") & pl.col("kind").shift().over("stream").is_in(CLOSING))
    reopening = reopening.filter(pl.col("place").is_not_null())
    reading.report.reopened_by_move += reopening.height
    note_closed_twice(marks, reading)
    again = pl.col("place").is_in(reopening["place"].implode())
    kind = pl.when(again).then(pl.lit("DealReopened")).otherwise("kind").alias("kind")
    return facts.with_row_index("place").with_columns(kind).drop("place")


def note_closed_twice(marks: pl.DataFrame, reading: Reading) -> None:
    """A win or loss of a deal that stands closed the other way changes no stage: told, for other systems may say so."""
    before = pl.col("kind").shift().over("stream")
    other = pl.col("kind").is_in(CLOSING) & before.is_in(CLOSING) & (pl.col("kind") != before)
    reading.report.closed_twice += marks.filter(other & pl.col("place").is_not_null()).height


def told_before(facts: pl.DataFrame, kinds: dict[str, str], reading: Reading) -> pl.DataFrame:
    """What the log holds beyond this file that closed deals or opened them again: a file may tell just what is new."""
    held = reading.known.marks.filter(~pl.col("event_id").is_in(facts["first_id"].implode()))
    stage = (
        pl.col("payload").str.json_path_match("$.stage").replace_strict(kinds, default="open", return_dtype=pl.String)
    )
    moved = (pl.col("kind") == "StageMoved") & (stage == "open")
    held = held.filter(moved | pl.col("kind").is_in(CLOSING + OPENING_AGAIN))
    return held.select(pl.lit(None, pl.UInt32).alias("place"), "stream", "at", "kind")


def stages(facts: pl.DataFrame, rows: pl.DataFrame, reading: Reading) -> pl.Series:
    """The stage each move or reopening names; null for other facts."""
    stage = repeated("stage", None, facts.height)
    cells = rows[facts[ROW]]
    for number, ruled in enumerate(rules_of(reading.mapping)):
        source = ruled.rule.fields.get("stage")
        if ruled.rule.event is not None and isinstance(source, Source):
            told = cells.select(ROW, text_of(source, []).alias("told"))["told"]
            chosen = pl.when(facts["rule"] == number).then(told).otherwise(stage)
            stage = pl.select(chosen.alias("stage")).to_series()
    return stage
