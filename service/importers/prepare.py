"""One piece of a file, from rows to what would be written; writes nothing."""

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import polars as pl

from engine.aggregates.deal import events as deal
from engine.aggregates.lead import events as lead
from engine.entries import EntryRetracted
from engine.log.application import Log
from engine.log.bulk import existing_events
from engine.log.texts import texts as read_texts
from engine.log.writes import Text
from service.importers.compare import Known, Told, differences, known_of
from service.importers.csv_rows import LINE
from service.importers.facts import facts_of
from service.importers.ids import retraction_hex, revision_hex, stream_hex
from service.importers.job import Job
from service.importers.kinds import KINDS, OPENING
from service.importers.mapping import Mapping
from service.importers.payloads import Builder, Built
from service.importers.reading import ROW, Bad, Reading
from service.importers.references import opened_once
from service.importers.reopenings import with_reopenings
from service.importers.report import ChangedFact, ImportReport, tally
from service.importers.ruled import rules_of
from service.importers.shaping import FILE, KEY, PART
from service.importers.tidy import ACTOR, tidy

RETRACTIONS: dict[str, type[EntryRetracted]] = {"lead": lead.EntryRetracted, "deal": deal.EntryRetracted}
RETRACTED = "the source tells it otherwise now"
BATCH_SCHEMA = {
    "event_id": pl.String,
    "stream_id": pl.String,
    "type": pl.String,
    "occurred_at": pl.Int64,
    "actor": pl.String,
    "payload": pl.String,
}


@dataclass
class Prepared:
    """What a piece comes to."""

    report: ImportReport
    events: pl.DataFrame
    """new ones, in the order to write them: BATCH_SCHEMA"""
    people: dict[str, tuple[UUID, ...]] = field(default_factory=dict)
    texts: dict[str, list[Text]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    """new streams in hex -> the journey's id in the source"""
    versions: dict[str, int] = field(default_factory=dict)
    """of the streams in hex that were there when it was compared; the others are new"""


def prepared(rows: pl.DataFrame, job: Job) -> Prepared:
    """What a piece comes to, with what the log holds now."""
    mapping = job.mapping
    report = job.report()
    rows = whole(rows, mapping).with_row_index(ROW)
    bad = Bad([file.name for file in job.files], rows.select(FILE, LINE))
    known = known_of(existing_events(job.log, possible_streams(rows, mapping)))
    reading = Reading(mapping, job.definitions, job.now, report, bad, known)
    job.look_up_pipelines(rows)
    report.rows = rows.height
    rows = tidy(rows, reading)
    report.rows_without_actor = rows[ACTOR].null_count()
    facts = facts_of(rows, reading)
    rules = rules_of(mapping)
    facts = with_reopenings(facts, rows, reading)
    facts = facts.with_columns(is_known(facts, known))

    new, old = Built(), Built()
    writing = Builder(mapping, rows, job.cast, job.definitions, bad, writing=True)
    comparing = replace(writing, writing=False)
    for number, ruled in enumerate(rules):
        if ruled.rule.event is not None:
            own = facts.filter(pl.col("rule") == number)
            writing.build(ruled, own.filter(~pl.col("known")), new)
            comparing.build(ruled, own.filter(pl.col("known")), old)
    facts = facts.filter(~pl.col(ROW).is_in(list(bad.rows)))
    facts = opened_once(facts, rows, reading)

    tally(report.events, dict(facts["kind"].value_counts().sort("kind").iter_rows()))
    report.rows_told = facts[ROW].n_unique()
    report.journeys = facts["journey"].n_unique()
    changed = changes(facts.filter("known"), (old, known), reading, job)
    report.already_known = int(facts["known"].sum()) - report.changed_count
    fresh = facts.filter(~pl.col("known"))
    if job.corrections and changed.height:
        for number, ruled in enumerate(rules):
            if ruled.rule.event is not None:
                writing.build(ruled, changed.filter(pl.col("rule") == number), new)
        changed = changed.filter(~pl.col(ROW).is_in(list(bad.rows)))
        fresh = pl.concat([fresh, changed.select(fresh.columns)])
    events = written(fresh, rows, new, job)
    if job.corrections and changed.height:
        events = pl.concat([retractions(changed, job), events])
    events = grouped(events)
    keys = new_keys(fresh, known)
    report.new_events = events.height
    report.new_journeys = len(keys)
    report.add_bad(bad.found)
    return Prepared(report, events, new.people, new.texts, keys, known.versions)


def whole(rows: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """With every column of every part, empty where none of the part's files has a row in the piece."""
    keys = {f"{name}.{mapping.tables[name].key}" for part in mapping.parts for name in part.join}
    lacking = sorted(({name for part in mapping.parts for name in part.columns} | keys).difference(rows.columns))
    return rows.with_columns(pl.lit(None, pl.String).alias(name) for name in lacking)


def possible_streams(rows: pl.DataFrame, mapping: Mapping) -> list[str]:
    """The streams of all journeys of the piece, whether the file speaks of their lead, their deal or both."""
    streams: dict[str, None] = {}
    for place, part in enumerate(mapping.parts):
        own = rows.filter(pl.col(PART) == place) if mapping.several else rows
        keys = own[KEY].drop_nulls().unique(maintain_order=True)
        streams |= dict.fromkeys(stream_hex(mapping.source, side, key) for key in keys for side in part.sides)
    return list(streams)


def is_known(facts: pl.DataFrame, known: Known) -> pl.Series:
    return facts["event_id"].is_in(list(known.events)).alias("known")


def grouped(events: pl.DataFrame) -> pl.DataFrame:
    """Streams together, in order of first appearance; within a stream corrections first, then the file's order."""
    first = events.select("stream_id").with_row_index("_at").unique("stream_id", keep="first")
    return events.join(first, on="stream_id", maintain_order="left").sort("_at", maintain_order=True).drop("_at")


def written(facts: pl.DataFrame, rows: pl.DataFrame, built: Built, job: Job) -> pl.DataFrame:
    tags = {f"{kind.name} {side}": model.TOPIC for kind in KINDS.values() for side, model in kind.models.items()}
    payloads = [built.payloads[event_id] for event_id in facts["event_id"]]
    return facts.select(
        "event_id",
        pl.col("stream").alias("stream_id"),
        pl.format("{} {}", "kind", "side").replace_strict(tags, return_dtype=pl.String).alias("type"),
        pl.col("at").alias("occurred_at"),
        actors(facts, rows, job),
        pl.Series("payload", payloads, dtype=pl.String),
    )


def actors(facts: pl.DataFrame, rows: pl.DataFrame, job: Job) -> pl.Series:
    """Who did it: the person the row names, else the one who imports."""
    importing = job.actor.hex
    cells = rows[ACTOR][facts[ROW]]
    if cells.null_count() == facts.height:
        return pl.Series("actor", [importing]).new_from_index(0, facts.height)
    source = job.mapping.source
    ids = {key: job.cast.meet(source, key.strip(), "actor").hex for key in cells.unique() if key and key.strip()}
    return cells.replace_strict(ids, default=importing, return_dtype=pl.String).fill_null(importing).alias("actor")


def changes(facts: pl.DataFrame, sides: tuple[Built, Known], reading: Reading, job: Job) -> pl.DataFrame:
    """The known facts the file tells otherwise now, with `old_id` and the event_id of the next revision.

    sides: what the file tells, and what the log holds.
    """
    built, known = sides
    people = {person.hex for person in job.cast.known.values() if person not in job.cast.unwritten}
    kept = kept_texts(built, known, job.log)
    tags = {(kind.name, side): model.TOPIC for kind in KINDS.values() for side, model in kind.models.items()}
    found: list[tuple[int, str, str]] = []
    columns = facts.select(ROW, "event_id", "stream", "fact", "kind", "side", "at", "key")
    for place, (row, first, stream, fact, kind, side, at, key) in enumerate(columns.iter_rows()):
        current, revision = known.current(stream, fact, first)
        held = known.events[current]
        payload = built.payloads[first]
        if current in known.retracted or (held[0], held[1], held[2]) == (tags[kind, side], at, payload):
            continue
        told = Told(kind, tags[kind, side], at, payload, built.bodies.get(first, {}))
        fields = differences(told, held, kept.get, people)
        if fields:
            found.append((place, current, revision_hex(stream, fact, revision + 1)))
            file, line = reading.bad.place(row)
            reading.report.change(
                ChangedFact(
                    file=file,
                    line=line,
                    key=key,
                    event=kind,
                    event_id=str(UUID(current)),
                    changed=fields,
                    corrected=job.corrections,
                )
            )
    places, olds, nexts = ([item[n] for item in found] for n in range(3))
    return facts[places].with_columns(
        pl.Series("old_id", olds, dtype=pl.String), pl.Series("event_id", nexts, dtype=pl.String)
    )


def kept_texts(built: Built, known: Known, log: Log) -> dict[UUID, str]:
    """The texts that the known events refer to and that were not erased."""
    told = known.events if known.corrected else built.bodies
    ids = [text_id for event_id in told for text_id in known.text_ids(event_id)]
    return read_texts(log, ids) if ids else {}


def retractions(changed: pl.DataFrame, job: Job) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for stream, side, old in changed.select("stream", "side", "old_id").iter_rows():
        model = RETRACTIONS[side]
        rows.append(
            {
                "event_id": retraction_hex(old),
                "stream_id": stream,
                "type": model.TOPIC,
                "occurred_at": job.now,
                "actor": job.actor.hex,
                "payload": model(event_id=UUID(hex=old), reason=RETRACTED).payload(),
            }
        )
    return pl.DataFrame(rows, schema=BATCH_SCHEMA)


def new_keys(facts: pl.DataFrame, known: Known) -> dict[str, str]:
    """The first stream of each new journey (the lead's where there is one), with the journey's id."""
    opened = facts.filter(pl.col("kind").is_in(list(OPENING.values())))
    begun = facts.filter(pl.col("stream").is_in(list(known.streams)) | pl.col("other").is_in(list(known.streams)))
    first = opened.join(begun, on="journey", how="anti").unique("journey", keep="first", maintain_order=True)
    return dict(first.select("stream", "key").iter_rows())
