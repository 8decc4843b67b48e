"""Whole journeys for formats that tell stories: what was taken back left out, the rest in the order it happened.

The log is in the order of recording. To bring journeys together it is read once into buckets on the disk, each small
enough for the memory, and each holding all of its journeys.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from engine.log.application import Log
from engine.log.feed import upcast
from engine.log.keys import keys_frame
from engine.log.registry import TAGS
from engine.scratch import scratch
from engine.stages.facts import OPENINGS
from engine.values import from_micros
from replay.export.shown import dashed
from replay.export.stored import STORY, Progress, Scope, silent, stored_events

BUCKET: Final = 150_000
"""events in a bucket, about"""
DIVIDED: Final = 300_000
"""events that are divided together, about: each time every bucket gets a file"""
AT_ONCE: Final = 5_000
"""events given on together, about: what becomes Python objects is kept small, or the garbage collector walks it"""
KIND: Final = {tag: event.__name__ for tag, event in TAGS.items()}
RETRACTED: Final = r'"event_id":"([0-9a-f-]{36})"'


def lives(
    log: Log, scope: Scope, stages: pl.DataFrame, left_out: Counter[str], *, names: bool, progress: Progress = silent
) -> Iterator[pl.DataFrame]:
    """Batches of whole journeys, and of rosters and pipelines (journey null), each by (occurred_at, position).

    Columns: stored.STORY and journey, upcast; kind, the name of the event; entered, the stage that it brought the
    journey to (stages: position, stage); key, what the stream is called in its source system (null without names).
    left_out is told what is missing, by why. progress: of events read, of nobody knows how many; then
    of those given on, of all.
    """
    buckets = -(-max(scope.position, 1) // BUCKET)
    keys = keys_frame(log).select(dashed("stream_id"), "key").filter(pl.lit(names))
    with scratch() as folder:
        parts, total = split(log, scope, folder, buckets, lambda done, _: progress(done, None))
        done = 0
        for bucket in sorted(parts):
            rows = pl.read_parquet(parts[bucket]).join(keys, on="stream_id", how="left")
            live = living(rows.join(stages, on="position", how="left"), left_out)
            if scope.as_of is not None:
                live = live.filter(pl.col("occurred_at") <= from_micros(scope.as_of))
            yield from told(live)
            done += rows.height
            progress(done, total)


def told(live: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Journey by journey, some at a time."""
    began = pl.col("position").min().over("life")
    rows = live.with_columns(began=began).sort("began", "occurred_at", "position")
    first = pl.when(pl.col("began") != pl.col("began").shift(fill_value=0)).then(pl.int_range(pl.len()))
    some = rows.with_columns(some=first.forward_fill() // AT_ONCE)
    yield from some.drop("began", "life").partition_by("some", maintain_order=True, include_key=False)


def split(log: Log, scope: Scope, folder: Path, buckets: int, progress: Progress) -> tuple[dict[int, list[Path]], int]:
    """The events by the bucket of their journey, as files; and how many they are."""
    # A correction counts whenever it was made, so as_of waits until journeys are whole.
    everything = Scope(scope.position, None, scope.journeys)
    parts: dict[int, list[Path]] = {}
    total = 0
    for n, batch in enumerate(gathered(stored_events(log, everything, progress, STORY))):
        total += batch.height
        rows = upcast(log, batch).with_columns(life=pl.coalesce("journey", "stream_id"))
        rows = rows.with_columns(bucket=pl.col("life").hash(0) % buckets)
        for (bucket,), some in rows.partition_by("bucket", as_dict=True, include_key=False).items():
            file = folder / f"{bucket}-{n}.parquet"
            some.write_parquet(file, compression="lz4")
            parts.setdefault(int(bucket), []).append(file)
    return parts, total


def gathered(batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Some batches together."""
    some: list[pl.DataFrame] = []
    for batch in batches:
        some.append(batch)
        if sum(each.height for each in some) >= DIVIDED:
            yield pl.concat(some)
            some = []
    if some:
        yield pl.concat(some)


def living(rows: pl.DataFrame, left_out: Counter[str]) -> pl.DataFrame:
    """Without corrections, what they take back, and journeys whose opening was taken back."""
    rows = rows.with_columns(kind=pl.col("type").replace_strict(KIND, return_dtype=pl.String))
    correction = pl.col("kind") == "EntryRetracted"
    taken = rows.filter(correction)["payload"].str.extract(RETRACTED)
    back = pl.col("event_id").is_in(taken.implode())
    opening = pl.col("kind").is_in(sorted(OPENINGS)) & ~pl.col("payload").str.contains('"from_lead":', literal=True)
    standing = rows.filter(opening & ~back)["life"]
    void = pl.col("journey").is_not_null() & ~pl.col("life").is_in(standing.implode())
    marked = rows.with_columns(void=void, back=back, correction=correction)
    for why, column in (("of void journeys", "void"), ("taken back", "back"), ("that are corrections", "correction")):
        gone = marked.filter(column)
        if gone.height:
            left_out[why] += gone.height
        marked = marked.filter(~pl.col(column))
    return marked.drop("void", "back", "correction")
