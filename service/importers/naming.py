"""Facts get their streams, their permanent names and ids, and the order in which they are written."""

import polars as pl

from service.importers.ids import revision_hex, stream_hex
from service.importers.kinds import KINDS
from service.importers.part import Part
from service.importers.reading import ROW, Reading
from service.importers.ruled import Ruled
from service.importers.shaping import PART
from service.importers.tidy import JOURNEY, instant_column


def named(facts: pl.DataFrame, rows: pl.DataFrame, rules: list[Ruled], reading: Reading) -> pl.DataFrame:
    """Adds kind, side, stream, fact, event_id, first_id.

    Order: journeys as the files begin them; within one the lead before the deal, then by time, then as the rows stand
    in the file, then as the rules stand in the mapping. So events at the same instant keep the order of the file.
    """
    mapping = reading.mapping
    first = rows.group_by(pl.col(JOURNEY).alias("journey")).agg(pl.min(ROW).alias("first"))
    facts = facts.join(first, on="journey").sort("first", "at", ROW, "rule")
    kinds = {number: ruled.rule.event for number, ruled in enumerate(rules)}
    facts = facts.with_columns(pl.col("rule").replace_strict(kinds, return_dtype=pl.String).alias("kind"))
    facts = facts.with_columns(side_of(facts, rules, reading))
    pairs = facts.select("key", "side").unique(maintain_order=True)
    streams = [stream_hex(mapping.source, side, key) for key, side in pairs.iter_rows()]
    pairs = pairs.with_columns(pl.Series("stream", streams, dtype=pl.String))
    facts = facts.join(pairs, on=["key", "side"], maintain_order="left")
    facts = facts.sort("first", pl.col("side") != "lead", maintain_order=True).drop("first")
    facts = facts.with_columns(name_of(facts, rows, rules))
    facts = facts.with_columns(distinguished(facts))
    ids = [revision_hex(stream, fact, 1) for stream, fact in facts.select("stream", "fact").iter_rows()]
    event_id = pl.Series("event_id", ids, dtype=pl.String)
    return facts.with_columns(event_id, event_id.alias("first_id"))


def side_of(facts: pl.DataFrame, rules: list[Ruled], reading: Reading) -> pl.Series:
    """lead or deal: what the event or the rule says, else the deal from its opening on.

    A deal that the log holds and this file does not open was opened before what the file tells.
    """
    mapping = reading.mapping
    if not mapping.linked:
        sides = {number: ruled.part.sides[0] for number, ruled in enumerate(rules)}
        return facts.select(pl.col("rule").replace_strict(sides, return_dtype=pl.String).alias("side"))["side"]
    stated: dict[int, str | None] = {}
    for number, ruled in enumerate(rules):
        own = sorted(KINDS[ruled.rule.event].sides) if ruled.rule.event is not None else []
        stated[number] = ruled.rule.of or (own[0] if len(own) == 1 else None)
    opens = pl.col("kind") == "DealOpened"
    keys = facts["key"].unique()
    before = [key for key in keys if stream_hex(mapping.source, "deal", key) in reading.known.streams]
    opened_before = pl.col("key").is_in(before) & ~opens.any().over("key")
    opened = opened_before | (opens.cast(pl.Int32).cum_sum().over("key") > 0)
    by_time = pl.when(opened).then(pl.lit("deal")).otherwise(pl.lit("lead"))
    side = pl.col("rule").replace_strict(stated, return_dtype=pl.String).fill_null(by_time)
    return facts.select(side.alias("side"))["side"]


def name_of(facts: pl.DataFrame, rows: pl.DataFrame, rules: list[Ruled]) -> pl.Series:
    """What the fact is called for ever: the rule's name and, where a journey can have several, which row told it."""
    names = {number: ruled.name for number, ruled in enumerate(rules)}
    name = pl.col("rule").replace_strict(names, return_dtype=pl.String)
    named = facts.select(ROW, "rule", name.alias("name"))
    once = [n for n, ruled in enumerate(rules) if ruled.part.shape == "wide" or ruled.rule.each != "every"]
    parts = {ruled.place: ruled.part for ruled in rules if ruled.part.shape == "long"}
    if not parts:
        return named["name"].alias("fact")
    told = pl.lit(None, pl.String)
    for place, part in parts.items():
        told = pl.when(pl.col(PART) == place).then(row_name(part)).otherwise(told)
    cells = named.join(rows.select(ROW, told.alias("told")), on=ROW, maintain_order="left")
    full = pl.when(pl.col("rule").is_in(once)).then("name").otherwise(pl.concat_str("name", "told", separator="|"))
    return cells.select(full.alias("fact"))["fact"]


def row_name(part: Part) -> pl.Expr:
    if part.row_id:
        return pl.concat_str(part.row_id, separator="|")
    activity = [pl.col(column).fill_null("") for column in part.activity]
    moment = pl.col(instant_column(part.time or "")).cast(pl.String)
    return pl.concat_str([*activity, moment], separator="|")


def distinguished(facts: pl.DataFrame) -> pl.Series:
    """The names, with a number where the same thing is told several times at the same moment."""
    twice = facts.select(pl.struct("stream", "fact").is_duplicated().alias("twice"))["twice"]
    if not twice.any():
        return facts["fact"]
    nth = pl.int_range(1, pl.len() + 1).over("stream", "fact")
    counted = pl.when(nth > 1).then(pl.format("{}|{}", "fact", nth)).otherwise("fact")
    return facts.select(counted.alias("fact"))["fact"]
