"""What one fact says of others: the lead of a deal, the proposal an answer is for, the opening a journey needs."""

from collections.abc import Set

import polars as pl

from service.importers.conditions import text_of
from service.importers.ids import stream_hex
from service.importers.kinds import OPENING, THINGS
from service.importers.reading import ROW, Bad, Reading, repeated
from service.importers.rule import Rule
from service.importers.words import Source


def other_of(facts: pl.DataFrame, reading: Reading) -> pl.Series:
    """The lead of a deal, the deal of a lead; null where neither the file nor the log has both."""
    source = reading.mapping.source
    if reading.mapping.journeys != "lead_then_deal":
        return repeated("other", None, facts.height)
    there = reading.known.streams | set(facts.filter(pl.col("kind").is_in(list(OPENING.values())))["stream"])
    keys = facts["key"].unique()
    pairs = [(key, stream_hex(source, "lead", key), stream_hex(source, "deal", key)) for key in keys]
    both = pl.DataFrame(
        [pair for pair in pairs if {pair[1], pair[2]} <= there],
        schema={"key": pl.String, "lead": pl.String, "deal": pl.String},
        orient="row",
    )
    told = facts.select("key", "side").join(both, on="key", how="left", maintain_order="left")
    other = pl.when(pl.col("side") == "deal").then("lead").otherwise("deal")
    return told.select(other.alias("other"))["other"]


def thing_of(facts: pl.DataFrame, rows: pl.DataFrame, rules: list[Rule]) -> pl.Series:
    """The proposal or follow-up that an event without an id for it means: the last one begun before it."""
    thing = repeated("thing", None, facts.height)
    for field, begins in THINGS.items():
        later = [n for n, rule in enumerate(rules) if rule.event and rule.event != begins and field in rule.kind.slots]
        if not later:
            continue
        begun = facts["first_id"]
        for number, rule in enumerate(rules):
            source = rule.fields.get(field)
            if rule.event == begins and isinstance(source, Source):
                told = rows.select(ROW, text_of(source, []).alias("told"))
                cells = facts.select(ROW).join(told, on=ROW, maintain_order="left")["told"]
                own = pl.when(facts["rule"] == number).then(pl.coalesce(cells, begun)).otherwise(begun)
                begun = pl.select(own.alias("begun")).to_series()
        last = pl.when(pl.col("kind") == begins).then("begun").forward_fill().over("stream")
        known = facts.select("rule", "kind", "stream", begun.alias("begun")).select("rule", last.alias("last"))
        meant = pl.when(pl.col("rule").is_in(later)).then("last").otherwise(thing)
        thing = known.select(meant.alias("thing"))["thing"]
    return thing


def opened_once(facts: pl.DataFrame, known: Set[str], rows: pl.DataFrame, bad: Bad) -> pl.DataFrame:
    """The facts of journeys that are opened once, in the file or (known) in the log already; the others are bad."""
    opens = pl.col("kind").is_in(list(OPENING.values()))
    counts = facts.group_by("stream", maintain_order=True).agg(opens.sum().alias("opened"), pl.first(ROW))
    twice = counts.filter(pl.col("opened") > 1)
    never = counts.filter((pl.col("opened") == 0) & ~pl.col("stream").is_in(list(known)))
    again = facts.filter(opens & pl.col("stream").is_in(twice["stream"].implode()))
    why = "the journey is opened more than once: set `each: first`, or add a condition"
    bad.add(rows.join(again.select(ROW).unique(), on=ROW, how="semi"), None, why)
    why = "nothing opens this journey: its opening row is bad or missing, or no event of the mapping is for it"
    bad.add(rows.join(never.select(ROW), on=ROW, how="semi"), None, why)
    out = pl.concat([twice["stream"], never["stream"]])
    return facts.filter(~pl.col("stream").is_in(out.implode()))
