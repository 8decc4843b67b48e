"""Rows become facts: which event, when, of which journey. A fact no event can come of is told as a bad row."""

import polars as pl

from service.importers.conditions import holds
from service.importers.dates import instants
from service.importers.mapping import Mapping
from service.importers.naming import named
from service.importers.reading import ROW, Reading, repeated
from service.importers.references import other_of, thing_of
from service.importers.report import Skipped, tally
from service.importers.rule import At, Rule
from service.importers.tidy import instant_column
from service.importers.words import Source

UNKNOWN = "unknown activity"


def rules_of(mapping: Mapping) -> list[Rule]:
    """The mapping's rules and, where it asks for them, those for unknown activities and for conversions of leads."""
    rules = list(mapping.rules)
    if mapping.unknown == "signal":
        rules.append(Rule(event="SignalRecorded", fields={"signal": Source(column=mapping.activity[0])}))
    if mapping.journeys == "lead_then_deal":
        # The conversion stands on the lead at the moment the deal opens, so it comes from the same rows.
        rules += [
            Rule(name=f"{rule.key}.converted", when=rule.when, event="LeadConverted", each=rule.each, at=rule.at)
            for rule in mapping.rules
            if rule.event == "DealOpened"
        ]
    return rules


def facts_of(rows: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """One row a fact, in the order to write them; bad rows have none.

    Columns: _row; rule (i32, place in rules_of); key (of the journey); at (i64 micros); kind; side (lead | deal);
    stream (hex); fact (its permanent name in the stream); event_id and first_id (hex; the same until the fact is
    corrected); other (hex: the lead of a deal, the deal of a lead); thing (the proposal or follow-up last begun).
    """
    mapping, report = reading.mapping, reading.report
    rules = rules_of(mapping)
    rows = rows.filter(~pl.col(ROW).is_in(list(reading.bad.rows)))
    spoken = repeated("spoken", None, rows.height).is_not_null()
    parts: list[pl.DataFrame] = []
    for number, rule in enumerate(rules):
        own = number < len(mapping.rules)
        chosen = rows.select(holds(rule.when).alias("chosen"))["chosen"]
        if not own and rule.event == "SignalRecorded":
            chosen = ~spoken
        matched = rows.filter(chosen)
        if own:
            spoken = spoken | chosen
            tally(report.rule_rows, {f"{number + 1}. {rule.key}": matched.height})
        if rule.skip is not None:
            note_skipped(matched, rule.skip, reading)
        else:
            parts.append(timed(matched, number, rule, reading))
    note_unknown(rows.filter(~spoken), reading)
    facts = named(pl.concat(parts), rows, rules, reading)
    facts = facts.with_columns(thing_of(facts, rows, rules), other_of(facts, reading))
    if mapping.journeys != "lead_then_deal":
        return facts
    # Nothing to convert where the file opens a deal without a lead.
    return facts.filter((pl.col("kind") != "LeadConverted") | pl.col("other").is_not_null())


def activity_of(rows: pl.DataFrame, mapping: Mapping) -> pl.Series:
    if not mapping.activity:
        return repeated("activity", "rows", rows.height)
    cells = pl.concat_str([pl.col(column) for column in mapping.activity], separator=" ", ignore_nulls=True)
    return rows.select(cells.alias("activity"))["activity"]


def note_skipped(rows: pl.DataFrame, reason: str, reading: Reading) -> None:
    for activity, count in activity_of(rows, reading.mapping).value_counts().sort("activity").iter_rows():
        reading.report.skip(Skipped(activity=activity or "", reason=reason, rows=count))


def note_unknown(rows: pl.DataFrame, reading: Reading) -> None:
    if reading.mapping.shape == "wide":
        why = "no event of the mapping speaks of this row: add one, or a `skip` with the reason"
        reading.bad.add(rows, None, why)
    elif reading.mapping.unknown == "skip":
        note_skipped(rows, UNKNOWN, reading)
    else:
        counts = activity_of(rows, reading.mapping).value_counts()
        tally(reading.report.unknown_activities, {activity or "": count for activity, count in counts.iter_rows()})


def timed(rows: pl.DataFrame, number: int, rule: Rule, reading: Reading) -> pl.DataFrame:
    """The rows of a rule with the moment of the event; refused where there is none, or one to come."""
    mapping, bad = reading.mapping, reading.bad
    at = rule.at or At(column=mapping.time or "")
    moment = pl.col(instant_column(at.column))
    if at.fallback is not None and at.fallback.column is not None:
        moment = moment.fill_null(pl.col(instant_column(at.fallback.column)))
    elif at.fallback is not None:
        moment = moment.fill_null(constant(at, mapping))
    facts = rows.with_columns(moment.alias("at"))
    taken = facts.filter(pl.col(at.column).is_null() & pl.col("at").is_not_null()).height
    if taken:
        tally(reading.report.fallbacks, {f"{rule.key}: {at.column}": taken})
    without = facts.filter(pl.col("at").is_null())
    bad.add(without, at.column, f"the event {rule.key!r} has no date: add a condition, or a fallback to `at`")
    bad.add(facts.filter(pl.col("at") > reading.now), at.column, "lies in the future: an event has happened")
    facts = facts.select(ROW, pl.lit(number, pl.Int32).alias("rule"), pl.col(mapping.key).alias("key"), "at")
    facts = facts.filter(pl.col("at").is_not_null())
    if rule.each != "every":
        facts = facts.sort("key", "at", ROW).unique("key", keep=rule.each, maintain_order=True)
    return facts


def constant(at: At, mapping: Mapping) -> int:
    assert at.fallback is not None
    return int(instants(pl.Series([at.fallback.const]), mapping.dates[at.column])[0])
