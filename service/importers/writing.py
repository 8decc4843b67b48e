"""What was prepared goes into the log: some streams at a time, each with its people, texts and key."""

from collections.abc import Iterable, Iterator
from uuid import UUID

import polars as pl

from engine.log.bulk import Overtaken, append_bulk
from engine.log.writes import Erasable, StreamKey
from service.importers.job import Job
from service.importers.prepare import BATCH_SCHEMA, Prepared

WRITTEN = 50_000
"""Events handed to the log at a time, so that progress is seen."""
CAUSES = ("command_id", "correlation_id", "causation_id", "origin")


def write(piece: Prepared, job: Job, run: str) -> Iterator[int]:
    """Appends the new events; yields how many of them are written. run: id of the import, in hex.

    Overtaken, with how many are written, where somebody went on with a stream since the piece was compared.
    """
    events = piece.events.with_columns(
        pl.lit(run).alias("command_id"),
        pl.lit(run).alias("correlation_id"),
        pl.lit(None, pl.String).alias("causation_id"),
        pl.lit(job.mapping.origin).alias("origin"),
    )
    begins = events.select(pl.col("stream_id") != pl.col("stream_id").shift())["stream_id"].fill_null(True)
    starts = events.with_row_index("at").filter(begins)["at"].to_list()
    start = 0
    while start < events.height:
        # A stream is never cut in two: killed in between, the log holds whole streams.
        end = next((at for at in starts if at >= start + WRITTEN), events.height)
        batch = events[start:end]
        try:
            append_bulk(job.log, batch, erasable_of(batch, piece, job), piece.versions)
        except Overtaken as error:
            raise Overtaken(str(error), start + error.written) from error
        start = end
        yield start


def erasable_of(batch: pl.DataFrame, piece: Prepared, job: Job) -> Erasable:
    ids = batch["event_id"].to_list()
    people = {UUID(hex=actor) for actor in batch["actor"].unique()}
    people |= {person for event_id in ids for person in piece.people.get(event_id, ())}
    streams = batch["stream_id"].unique(maintain_order=True).to_list()
    keys = [(stream, piece.keys[stream]) for stream in streams if stream in piece.keys]
    return Erasable(
        people=job.cast.take(sorted(people)),
        texts=[text for event_id in ids for text in piece.texts.get(event_id, ())],
        keys=[StreamKey(UUID(hex=stream), job.mapping.source, key) for stream, key in keys],
    )


def introduce(job: Job, people: Iterable[UUID]) -> None:
    """Writes the rows of people before a command names them; else it would meet them anew, under another id."""
    rows = job.cast.take(people)
    if rows:
        nothing = pl.DataFrame(schema=BATCH_SCHEMA | dict.fromkeys(CAUSES, pl.String))
        append_bulk(job.log, nothing, Erasable(people=rows))
