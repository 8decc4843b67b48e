"""Rows become facts: which event, when, of which journey. A fact no event can come of is told as a bad row."""

from collections.abc import Iterator

import polars as pl

from service.importers.conditions import holds
from service.importers.dates import instants
from service.importers.naming import named
from service.importers.part import Part
from service.importers.reading import ROW, Reading, repeated
from service.importers.references import other_of, thing_of
from service.importers.report import Skipped, tally
from service.importers.rule import At
from service.importers.ruled import Ruled, rules_of
from service.importers.shaping import KEY, PART
from service.importers.tidy import JOURNEY, TWICE, instant_column

UNKNOWN = "unknown activity"


def facts_of(rows: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """One row a fact, in the order to write them; bad rows have none.

    Columns: _row; rule (i32, place in rules_of); key and journey; at (i64 micros); kind; side (lead | deal);
    stream (hex); fact (its permanent name in the stream); event_id and first_id (hex; the same until the fact is
    corrected); other (hex: the lead of a deal, the deal of a lead); thing (the proposal or follow-up last begun).
    """
    mapping = reading.mapping
    rules = rules_of(mapping)
    rows = rows.filter(~pl.col(ROW).is_in([*reading.bad.rows, *reading.left_out]))
    parts: list[pl.DataFrame] = []
    for place, part in enumerate(mapping.parts):
        own = rows.filter(pl.col(PART) == place) if mapping.several else rows
        parts += part_facts(own, part, [item for item in enumerate(rules) if item[1].place == place], reading)
    facts = named(pl.concat(parts), rows, rules, reading)
    facts = facts.with_columns(thing_of(facts, rows, rules), other_of(facts, reading))
    if not mapping.linked:
        return facts
    # Nothing to convert where the file opens a deal without a lead.
    return facts.filter((pl.col("kind") != "LeadConverted") | pl.col("other").is_not_null())


def part_facts(
    rows: pl.DataFrame, part: Part, rules: list[tuple[int, Ruled]], reading: Reading
) -> Iterator[pl.DataFrame]:
    spoken = repeated("spoken", None, rows.height).is_not_null()
    nth = 0
    for number, ruled in rules:
        rule = ruled.rule
        nth += ruled.own
        chosen = rows.select(holds(rule.when).alias("chosen"))["chosen"]
        if rule.otherwise or (not ruled.own and rule.event == "SignalRecorded"):
            chosen = chosen & ~spoken
        if ruled.own:
            tally(reading.report.rule_rows, {f"{part.name} {nth}. {rule.key}".strip(): int(chosen.sum())})
        if rule.skip is not None:
            note_skipped(rows.filter(chosen), rule.skip, part, reading)
        else:
            facts = timed(rows.filter(chosen), number, ruled, reading)
            if rule.each != "every":
                # It speaks of the one row it takes; the others are for the rules below, or told as unknown.
                chosen = rows[ROW].is_in(facts[ROW].implode())
            yield facts
        if ruled.own:
            spoken = spoken | chosen
    note_unknown(rows.filter(~spoken & ~pl.col(ROW).is_in(list(reading.bad.rows))), part, reading)


def activity_of(rows: pl.DataFrame, part: Part) -> pl.Series:
    told = [pl.lit(part.name)] if part.name else []
    if not part.activity:
        return repeated("activity", part.name or "rows", rows.height)
    cells = pl.concat_str([*told, *(pl.col(column) for column in part.activity)], separator=" ", ignore_nulls=True)
    return rows.select(cells.alias("activity"))["activity"]


def note_skipped(rows: pl.DataFrame, reason: str, part: Part, reading: Reading) -> None:
    for activity, count in activity_of(rows, part).value_counts().sort("activity").iter_rows():
        reading.report.skip(Skipped(activity=activity or "", reason=reason, rows=count))


def note_unknown(rows: pl.DataFrame, part: Part, reading: Reading) -> None:
    if part.shape == "wide":
        why = "no event of the mapping speaks of this row: add one, or a `skip` with the reason"
        reading.bad.add(rows, None, why)
    elif part.unknown == "skip":
        note_skipped(rows, UNKNOWN, part, reading)
    else:
        counts = activity_of(rows, part).value_counts()
        tally(reading.report.unknown_activities, {activity or "": count for activity, count in counts.iter_rows()})


def timed(rows: pl.DataFrame, number: int, ruled: Ruled, reading: Reading) -> pl.DataFrame:
    """The rows of a rule with the moment of the event; refused where there is none, or one to come."""
    part, rule, bad = ruled.part, ruled.rule, reading.bad
    bad.add(rows.filter(pl.col(KEY).is_null()), part.key, "the journey's id is empty")
    for name in part.row_id:
        bad.add(rows.filter(pl.col(name).is_null()), name, TWICE)
    at = rule.at or At(column=part.time or "")
    moment = pl.col(instant_column(at.column))
    if at.fallback is not None and at.fallback.column is not None:
        moment = moment.fill_null(pl.col(instant_column(at.fallback.column)))
    elif at.fallback is not None:
        moment = moment.fill_null(constant(at, part))
    facts = rows.with_columns(moment.alias("at"))
    taken = facts.filter(pl.col(at.column).is_null() & pl.col("at").is_not_null()).height
    if taken:
        tally(reading.report.fallbacks, {f"{rule.key}: {at.column}": taken})
    without = facts.filter(pl.col("at").is_null())
    bad.add(without, at.column, f"the event {rule.key!r} has no date: add a condition, or a fallback to `at`")
    ahead = facts.filter(pl.col("at") > reading.now)
    if part.future == "skip":
        note_skipped(ahead, f"{rule.key} is still to come", part, reading)
        facts = facts.filter(pl.col("at").is_null() | (pl.col("at") <= reading.now))
    else:
        bad.add(ahead, at.column, "lies in the future: an event has happened")
    facts = facts.filter(pl.col("at").is_not_null() & pl.col(KEY).is_not_null())
    place = pl.lit(number, pl.Int32).alias("rule")
    facts = facts.select(ROW, place, pl.col(KEY).alias("key"), pl.col(JOURNEY).alias("journey"), "at")
    if rule.each != "every":
        facts = facts.sort("key", "at", ROW).unique("key", keep=rule.each, maintain_order=True)
    return facts


def constant(at: At, part: Part) -> int:
    assert at.fallback is not None
    return int(instants(pl.Series([at.fallback.const]), part.dates[at.column])[0])
