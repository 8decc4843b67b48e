"""An archive of a made-up log of any size, written range by range: what the rebuild benchmarks read."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import polars as pl

from benchmarks.made_up_columns import DEFINITION, give_codes, journeys_of, made_up_parts
from engine.aggregates.pipeline.events import DefinitionPublished
from engine.projections.columns import Codes
from replay.archive_files import write_part
from replay.archive_manifest import MEANING, TOLD, WIDTH, Manifest, Range, write_manifest


def made_up_archive(folder: Path, events: int, *, seed: int = 7) -> Manifest:
    """Of about so many events; never more than a range of them in memory."""
    ranges, codes, position = [], Codes(), 0
    give_codes(codes)
    for tables in made_up_parts(events, seed=seed):
        rows = tables["events"]
        first, position = int(rows["journey"][0]), position + rows.height
        ranges.append(Range(first=first, parts={name: write_part(folder, name, of) for name, of in tables.items()}))
    manifest = Manifest(
        meaning=MEANING,
        log_id=UUID(int=0),
        position=position,
        event_id=UUID(int=0),
        written_at=datetime.now(UTC),
        width=WIDTH,
        journeys=journeys_of(events),
        codes=codes,
        told=write_part(folder, "told", published()),
        ranges=tuple(ranges),
    )
    write_manifest(folder, manifest)
    return manifest


def published() -> pl.DataFrame:
    """The one row of the feed that is no journey's."""
    payload = DefinitionPublished(version=1, definition=DEFINITION, reason="made up").payload()
    row = dict.fromkeys(TOLD) | {"position": 0, "type": DefinitionPublished.TOPIC, "payload": payload}
    return pl.DataFrame([row | {"occurred_at": 0, "recorded_at": 0, "actor": "0" * 32}], schema=TOLD)
