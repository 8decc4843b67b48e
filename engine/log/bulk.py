"""Many events of many streams at once, as imports bring them: what append stores, at a far higher rate."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import polars as pl
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError as RefusedByDatabase

from engine.errors import Conflict
from engine.log.application import Log
from engine.log.beside import Beside
from engine.log.connect import SQLITE
from engine.log.frames import read_frame
from engine.log.locked import append_lock
from engine.log.rows import BODY, copy_rows, insert_rows, packed
from engine.log.sides import insert_erasable
from engine.log.tables import events
from engine.log.writes import NOTHING, Erasable

CHUNK = 10_000
"""Events and streams a transaction, unless one stream alone has more: other writers wait less than 200 ms."""
_IDS = [name for name in BODY if name == "actor" or name.endswith("_id")]
_PAUSE = 0.003


class Overtaken(Conflict):
    """Somebody else was first: look at the log again and append what is still missing."""

    def __init__(self, message: str, written: int) -> None:
        super().__init__(message)
        self.written = written
        """rows of the batch, from its beginning as far as whole streams go, that were committed before and stay"""


def append_bulk(
    log: Log, batch: pl.DataFrame, erasable: Erasable = NOTHING, expected: Mapping[str, int] | None = None
) -> int:
    """Appends the batch's events and returns how many they are.

    batch: event_id, stream_id, actor, command_id, correlation_id, causation_id (may be null) as 32 hex digits, type,
    occurred_at (microseconds), origin, payload (as Event.payload() writes it). A stream's rows stand in the order of
    the versions they shall get, which go on from what the stream has; positions follow the batch's order as far as
    whole streams go into one transaction. Texts and keys are written with their stream's events (one that is there
    already is left as it is), people and what belongs to no stream of the batch before all. Killed in between, it
    leaves whole streams. expected: by stream (32 hex digits) the version the batch was made for, 0 where absent;
    without it versions go on from whatever is there. Raises Busy or Overtaken (a stream is at another version, a row
    clashes); what was committed before stays, nothing of that transaction is written.
    """
    _refuse_holes(batch)
    beside = Beside(erasable, set(batch["stream_id"].unique().str.decode("hex")))
    if beside.first:
        with _clashes_told(0), append_lock(log.engine) as writing:
            insert_erasable(writing, beside.first, again=True)
    sqlite = log.engine.dialect.name == SQLITE
    written = 0
    for part in _parts(batch):
        with _clashes_told(written):
            _write(log.engine, _ready(part, pack=not sqlite), beside, expected, written)
        written += part.height
        if sqlite:
            # Whoever waits for the lock looks again every millisecond or two (turns.py); PostgreSQL has a queue.
            time.sleep(_PAUSE)
    return batch.height


def _refuse_holes(batch: pl.DataFrame) -> None:
    missing = [name for name in BODY if name not in batch.columns]
    if missing:
        raise ValueError(f"the batch lacks {', '.join(missing)}")
    causes = pl.col("causation_id")
    wrong = batch.select(
        *(pl.col(name).is_null() | pl.col(name).str.contains(_HEX).not_() for name in _IDS if name != "causation_id"),
        causes.is_not_null() & causes.str.contains(_HEX).not_(),
        *(pl.col(name).is_null() for name in BODY if name not in _IDS),
    ).sum()
    for name, count in wrong.row(0, named=True).items():
        if count:
            raise ValueError(f"{count} of {batch.height} rows of the batch have no proper {name}")


_HEX = "^[0-9a-f]{32}$"


def existing_events(log: Log, stream_ids: Sequence[str]) -> pl.DataFrame:
    """What those streams (32 hex digits) hold, by stream and version.

    Columns: position, event_id, stream_id, version, type, occurred_at, payload.
    """
    names = ("position", "event_id", "stream_id", "version", "type", "occurred_at", "payload")
    columns = [events.c[name] for name in names]
    with log.engine.connect() as connection:
        if connection.dialect.name == SQLITE:
            parts = [
                read_frame(
                    connection,
                    columns,
                    f"FROM events WHERE stream_id IN ({', '.join('?' * len(some))})",
                    [bytes.fromhex(stream) for stream in some],
                )
                for some in (stream_ids[start : start + _ASKED] for start in range(0, len(stream_ids) or 1, _ASKED))
            ]
        else:
            parts = [
                read_frame(connection, columns, "FROM events WHERE stream_id = ANY(?::uuid[])", [list(stream_ids)])
            ]
    return pl.concat(parts).sort("stream_id", "version")


_ASKED = 500


@dataclass(frozen=True)
class _Chunk:
    """What one transaction writes, ready but for the stamps."""

    streams: Sequence[bytes]
    versions: Sequence[int]
    """of each event in its stream, from 1, as if the stream were new"""
    stream_of: Sequence[int]
    """of each event: which of streams it belongs to"""
    columns: Sequence[Sequence[Any]]
    packed: Sequence[bytes] | None
    """the rows as COPY wants them, where it is used"""


def _parts(batch: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The batch in parts of whole streams, in its own order."""
    by_stream = batch.with_row_index("n").group_by("stream_id").agg(pl.col("n").min(), size=pl.len()).sort("n")
    part = by_stream.select("stream_id", part=(pl.col("size") + 1).cum_sum() // CHUNK)
    parted = batch.select(BODY).join(part, on="stream_id", how="left").sort("part", maintain_order=True)
    start = 0
    for (size,) in parted.group_by("part").agg(pl.len()).sort("part").select("len").iter_rows():
        yield parted.slice(start, size)
        start += size


def _ready(part: pl.DataFrame, pack: bool) -> _Chunk:
    numbered = part.with_columns(
        pl.col(_IDS).str.decode("hex"),
        version=pl.int_range(1, pl.len() + 1).over("stream_id"),
        of=pl.col("stream_id").rank("dense") - 1,
    )
    columns = [numbered[name].to_list() for name in BODY]
    return _Chunk(
        streams=numbered["stream_id"].unique().sort().to_list(),
        versions=numbered["version"].to_list(),
        stream_of=numbered["of"].to_list(),
        columns=columns,
        packed=list(packed(zip(*columns, strict=True))) if pack else None,
    )


@contextmanager
def _clashes_told(written: int) -> Iterator[None]:
    try:
        yield
    except RefusedByDatabase as error:
        raise Overtaken(f"a row of the batch clashes with one that is there: {error.orig}", written) from error


def _write(
    engine: Engine, chunk: _Chunk, beside: Beside, expected: Mapping[str, int] | None = None, written: int = 0
) -> None:
    with append_lock(engine, [UUID(bytes=stream) for stream in chunk.streams]) as writing:
        head = writing.head
        if expected is not None:
            for stream, version in zip(chunk.streams, head.versions, strict=True):
                if version != expected.get(stream.hex(), 0):
                    raise Overtaken(f"stream {UUID(bytes=stream)} is at version {version} by now", written)
        versions = chunk.versions
        if any(head.versions):
            versions = [head.versions[of] + n for of, n in zip(chunk.stream_of, versions, strict=True)]
        if chunk.packed is None:
            insert_rows(writing, versions, chunk.columns)
        else:
            copy_rows(writing, versions, chunk.packed)
        insert_erasable(writing, beside.of(chunk.streams), again=True)
