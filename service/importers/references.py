"""What one fact says of others: the lead of a deal, the proposal an answer is for, the opening a journey needs."""

import polars as pl

from service.importers.conditions import text_of
from service.importers.ids import stream_hex
from service.importers.kinds import OPENING, THINGS
from service.importers.reading import ROW, Reading, repeated
from service.importers.report import Skipped
from service.importers.ruled import Ruled
from service.importers.shaping import KEY, PART
from service.importers.words import Source


def other_of(facts: pl.DataFrame, reading: Reading) -> pl.Series:
    """The lead of a deal, the deal of a lead; null where neither the file nor the log has both."""
    source = reading.mapping.source
    if not reading.mapping.linked:
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


def thing_of(facts: pl.DataFrame, rows: pl.DataFrame, rules: list[Ruled]) -> pl.Series:
    """The proposal or follow-up that an event without an id for it means: the last one begun before it."""
    thing = repeated("thing", None, facts.height)
    for field, begins in THINGS.items():
        later = [
            number
            for number, ruled in enumerate(rules)
            if ruled.rule.event not in (None, begins) and field in ruled.rule.kind.slots
        ]
        if not later:
            continue
        begun = facts["first_id"]
        for number, ruled in enumerate(rules):
            source = ruled.rule.fields.get(field)
            if ruled.rule.event == begins and isinstance(source, Source):
                told = rows.select(ROW, text_of(source, []).alias("told"))
                cells = facts.select(ROW).join(told, on=ROW, maintain_order="left")["told"]
                own = pl.when(facts["rule"] == number).then(pl.coalesce(cells, begun)).otherwise(begun)
                begun = pl.select(own.alias("begun")).to_series()
        last = pl.when(pl.col("kind") == begins).then("begun").forward_fill().over("stream")
        known = facts.select("rule", "kind", "stream", begun.alias("begun")).select("rule", last.alias("last"))
        meant = pl.when(pl.col("rule").is_in(later)).then("last").otherwise(thing)
        thing = known.select(meant.alias("thing"))["thing"]
    return thing


def opened_once(facts: pl.DataFrame, rows: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """The facts of journeys that are opened once, in the files or in the log already; the others are bad or skipped."""
    bad, known = reading.bad, reading.known.streams
    opens = pl.col("kind").is_in(list(OPENING.values()))
    counts = facts.group_by("stream", maintain_order=True).agg(opens.sum().alias("opened"), pl.first(ROW))
    twice = counts.filter(pl.col("opened") > 1)
    never = counts.filter((pl.col("opened") == 0) & ~pl.col("stream").is_in(list(known)))
    again = facts.filter(opens & pl.col("stream").is_in(twice["stream"].implode()))
    why = "the journey is opened more than once: set `each: first`, or add a condition"
    bad.add(rows.join(again.select(ROW).unique(), on=ROW, how="semi"), None, why)
    told = facts.filter(pl.col("stream").is_in(never["stream"].implode())).select(ROW).unique()
    rows_of_never = rows.join(told, on=ROW, how="semi")
    for place, part in enumerate(reading.mapping.parts):
        own = rows_of_never.filter(pl.col(PART) == place)
        if own.height and part.unopened == "skip":
            reading.report.skip(Skipped(activity=part.name or "rows", reason=UNOPENED, rows=own.height))
        elif own.height:
            # One row stands for the journey: the others have the same reason.
            own = own.unique(KEY, keep="first", maintain_order=True)
            bad.add(own, None, f"{UNOPENED}: its opening row is bad or missing, or no event of the mapping is for it")
    out = pl.concat([twice["stream"], never["stream"]])
    return facts.filter(~pl.col("stream").is_in(out.implode()))


UNOPENED = "nothing opens this journey"
