"""Reopenings that a file implies: a person's move of a closed deal to an open stage; a win of what stands lost.

Other systems close a deal the other way in one step. Here the first close stands until somebody opens the deal again:
a rule that says `reopens: STAGE` brings that step with it.
"""

import polars as pl

from service.importers.conditions import text_of
from service.importers.reading import ROW, Reading, repeated
from service.importers.report import tally
from service.importers.rule import CLOSING
from service.importers.ruled import rules_of
from service.importers.words import Source

UNFIT = "LeadDisqualified"
OPENING_AGAIN = ("DealReopened", "PipelineChanged")


def with_reopenings(facts: pl.DataFrame, rows: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """The facts, with kind DealReopened for the moves that reopen; moves to won or lost stages are bad rows.

    Of the reopenings that wins and losses may bring with them those are left whose deal stands closed the other way.
    """
    implied = implied_by(reading)
    is_implied = pl.col("rule").is_in(list(implied))
    told = facts.filter(~is_implied)
    if not told["kind"].is_in(["StageMoved", *CLOSING, *OPENING_AGAIN]).any():
        return told
    kinds = reading.stage_kinds()
    moves = told.with_columns(stages(told, rows, reading)).with_columns(
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
    ends = pl.col("kind").is_in([*CLOSING, *OPENING_AGAIN, UNFIT])
    marks = moves.with_row_index("place").filter(opens | ends)
    marks = marks.select("place", "stream", "journey", "at", "kind", ROW, "rule")
    marks = pl.concat([told_before(told, kinds, reading), marks], how="diagonal")
    deals = marks.filter(pl.col("kind") != UNFIT).sort("stream", "at", maintain_order=True)
    before = pl.col("kind").shift().over("stream")
    reopening = deals.filter((pl.col("kind") == "StageMoved") & before.is_in(CLOSING) & pl.col("place").is_not_null())
    reading.report.reopened_by_move += reopening.height
    other = pl.col("kind").is_in(CLOSING) & before.is_in(CLOSING) & (pl.col("kind") != before)
    closed_twice = deals.filter(other & pl.col("place").is_not_null())
    again = pl.col("place").is_in(reopening["place"].implode())
    kind = pl.when(again).then(pl.lit("DealReopened")).otherwise("kind").alias("kind")
    found = told.with_row_index("place").with_columns(kind).drop("place")
    if not implied:
        reading.report.closed_twice += closed_twice.height
        return found
    late = pl.concat([closed_twice, won_though_unfit(marks)]).filter(pl.col("rule").is_in(list(implied.values())))
    reading.report.closed_twice += closed_twice.join(late, on=[ROW, "rule"], how="anti").height
    reading.report.reopened_by_close += late.height
    tally(reading.report.unmapped_stages, unknown_stages(late, kinds, reading))
    pairs = late.select(ROW, rule=pl.col("rule").replace_strict({own: of for of, own in implied.items()}))
    kept = facts.filter(is_implied).join(pairs.cast({"rule": pl.Int32}), on=[ROW, "rule"], how="semi")
    return in_order(pl.concat([found, kept]), facts)


def implied_by(reading: Reading) -> dict[int, int]:
    """The rules of reopenings that follow from others, and the win or loss each goes before."""
    return {n - 1: n for n, ruled in enumerate(rules_of(reading.mapping)) if ruled.rule.reopens is not None}


def unknown_stages(late: pl.DataFrame, kinds: dict[str, str], reading: Reading) -> dict[str, int]:
    """How many are reopened into a stage that is no open one of the definition, by its key."""
    rules = rules_of(reading.mapping)
    counts = {rules[n].rule.reopens: count for n, count in late["rule"].value_counts().iter_rows()}
    return {stage: count for stage, count in counts.items() if stage is not None and kinds.get(stage) != "open"}


def won_though_unfit(marks: pl.DataFrame) -> pl.DataFrame:
    """Wins of journeys whose lead was found unfit before, and nothing opened since: they stand lost."""
    journeys = marks.filter(pl.col("journey").is_not_null()).sort("journey", "at", maintain_order=True)
    before = pl.col("kind").shift().over("journey")
    return journeys.filter((pl.col("kind") == "DealWon") & (before == UNFIT) & pl.col("place").is_not_null())


def in_order(kept: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Facts in the order they had, for equal times are told apart by it."""
    places = facts.select(ROW, "rule", "event_id").with_row_index("_place")
    return kept.join(places, on=[ROW, "rule", "event_id"], how="left").sort("_place").drop("_place")


def told_before(facts: pl.DataFrame, kinds: dict[str, str], reading: Reading) -> pl.DataFrame:
    """What the log holds beyond this file that closed deals or opened them again: a file may tell just what is new."""
    held = reading.known.marks.filter(~pl.col("event_id").is_in(facts["first_id"].implode()))
    stage = (
        pl.col("payload").str.json_path_match("$.stage").replace_strict(kinds, default="open", return_dtype=pl.String)
    )
    moved = (pl.col("kind") == "StageMoved") & (stage == "open")
    held = held.filter(moved | pl.col("kind").is_in([*CLOSING, *OPENING_AGAIN, UNFIT]))
    leads = facts.filter(pl.col("other").is_not_null()).select("journey", stream="other")
    lives = pl.concat([facts.select("journey", "stream"), leads]).unique("stream", keep="first", maintain_order=True)
    held = held.join(lives, on="stream", how="left", maintain_order="left")
    return held.select(pl.lit(None, pl.UInt32).alias("place"), "stream", "journey", "at", "kind")


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
