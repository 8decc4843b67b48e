"""An export from one end to the other: which rows, into which file, and the manifest beside it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import polars as pl

from engine.errors import Rejected
from engine.log.application import Log
from engine.projections.figures import head
from engine.projections.filters import EVERYTHING, Filters
from engine.projections.lens import Lens
from engine.projections.views import Views
from engine.values import from_micros
from replay.disk import writing
from replay.export import frames
from replay.export.files import WRITERS, Batches
from replay.export.lines import lines
from replay.export.lives import lives
from replay.export.manifest import Format, Kind, Manifest, beside
from replay.export.ocel_json import write_ocel_json
from replay.export.ocel_sqlite import write_ocel_sqlite
from replay.export.output import digest_of, refuse_loss, replacing
from replay.export.people import People
from replay.export.stored import Progress, Scope, position_at, silent, stored_events
from replay.export.xes import write_xes

FORMATS: Final[dict[Kind, tuple[Format, ...]]] = {
    "visits": ("parquet", "csv"),
    "journeys": ("parquet", "csv"),
    "events": ("parquet", "csv", "jsonl", "xes", "ocel-json", "ocel-sqlite"),
}


@dataclass(frozen=True)
class Asked:
    """What to export. pipeline None: of visits and journeys the only one; of events all."""

    kind: Kind
    lens: Lens
    filters: Filters = EVERYTHING
    pipeline: str | None = None
    names: bool = True


class Tally:
    """Batches of events counted, and their lines digested, on their way to a file."""

    def __init__(self) -> None:
        self.rows = 0
        self.first: int | None = None
        self.last: int | None = None
        self._digest = sha256()

    def of(self, batches: Batches) -> Batches:
        for batch in batches:
            if not batch.is_empty():
                self.rows += batch.height
                self.first = self.first or batch["position"][0]
                self.last = batch["position"][-1]
            self._digest.update(lines(batch))
            yield batch

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()


class Source:
    """What is exported from."""

    def __init__(self, log: Log, opened: Callable[[Log], Views]) -> None:
        self.log = log
        self._opened = opened

    @cached_property
    def views(self) -> Views:
        """The answers over the log, opened where they are needed: the events alone are not asked of them."""
        return self._opened(self.log)


def export(
    log: Log,
    asked: Asked,
    path: Path,
    form: Format,
    *,
    force: bool = False,
    progress: Progress = silent,
    opened: Callable[[Log], Views] = Views,
) -> Manifest:
    """Writes the file and its manifest; neither is seen before it is whole. opened: opens the answers over the log.

    Rejected: a format that the kind does not have, a file that is there already (without force), a filter that nobody
    has heard of, a disk that is full or not to be written on. progress: of rows.
    """
    if form not in FORMATS[asked.kind]:
        raise Rejected(f"--format {form}: {asked.kind} are written as {', '.join(FORMATS[asked.kind])}")
    with writing(path):
        refuse_loss(path, force)
        return written(Source(log, opened), asked, path, form, progress)


def written(source: Source, asked: Asked, path: Path, form: Format, progress: Progress) -> Manifest:
    """The file, then its manifest."""
    with replacing(path) as temporary:
        write = table if asked.kind != "events" else events if form in WRITERS else stories
        told = write(source, asked, temporary, form, progress)
        manifest = Manifest(
            **told,
            kind=asked.kind,
            format=form,
            file=path.name,
            bytes=temporary.stat().st_size,
            sha256=digest_of(temporary),
            log_id=str(source.log.log_id),
            filters=asked.filters.model_dump(mode="json", exclude_defaults=True),
            program=f"dealtrail {version('dealtrail')}",
            exported_at=datetime.now(UTC),
        )
    with replacing(beside(path)) as temporary:
        temporary.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return manifest


def table(source: Source, asked: Asked, path: Path, form: Format, progress: Progress) -> dict[str, Any]:
    """Visits or journeys; returns its part of the manifest."""
    look = source.views.look(asked.pipeline, asked.lens)
    rows = frames.picked(look, asked.filters)
    counted = 0

    def batches() -> Batches:
        nonlocal counted
        of = frames.visits(look, rows) if asked.kind == "visits" else frames.journeys(look, rows, asked.names)
        for batch in of:
            counted += batch.height
            progress(counted, None if asked.kind == "visits" else rows.height)
            yield batch

    WRITERS[form](batches(), path)
    return head(look) | {"rows": counted, "names": asked.names and asked.kind == "journeys"}


def events(source: Source, asked: Asked, path: Path, form: Format, progress: Progress) -> dict[str, Any]:
    """Events as they are stored; returns its part of the manifest."""
    scope, told = scope_of(source, asked)
    if scope.journeys is None and asked.lens.definition != "now":
        raise Rejected(
            "--definition: events are stored the same whatever the definition is: leave it out, or "
            "name a --pipeline, of whose journeys it speaks"
        )
    tally = Tally()
    WRITERS[form](tally.of(stored_events(source.log, scope, progress)), path)
    return told | {
        "rows": tally.rows,
        "whole": scope.whole,
        "first_position": tally.first,
        "last_position": tally.last,
        "content_sha256": tally.digest,
    }


def stories(source: Source, asked: Asked, path: Path, form: Format, progress: Progress) -> dict[str, Any]:
    """Events of live entries for process mining; returns its part of the manifest."""
    scope, told = scope_of(source, asked)
    left_out: Counter[str] = Counter()
    people = People(source.log, asked.names)
    whole = lives(source.log, scope, entered(source.views, asked), left_out, names=asked.names, progress=progress)
    write = {"xes": write_xes, "ocel-json": write_ocel_json, "ocel-sqlite": write_ocel_sqlite}[form]
    rows = write(whole, path, people, left_out)
    return told | {"rows": rows, "names": asked.names, "left_out": dict(left_out)}


def entered(views: Views, asked: Asked) -> pl.DataFrame:
    """position and `entered`, the key of the stage that the event there brought its journey to."""
    views.catch_up()
    found = [pl.DataFrame(schema={"position": pl.Int64, "entered": pl.String})]
    for pipeline in views.pipelines() if asked.pipeline is None else [asked.pipeline]:
        look = views.look(pipeline, asked.lens)
        key = frames.stage_key(look.definition)
        found.append(look.visits.select(position=pl.col("entered_position").cast(pl.Int64), entered=key))
    # A change of the pipeline may enter a stage of each.
    return pl.concat(found).unique("position", keep="first", maintain_order=True)


def scope_of(source: Source, asked: Asked) -> tuple[Scope, dict[str, Any]]:
    """Which events are asked for, and what the manifest says of it. Which journeys a filter leaves, the views know."""
    position = position_at(source.log, asked.lens.known_at)
    as_of = asked.lens.horizon
    if asked.pipeline is None and asked.filters == EVERYTHING:
        return Scope(position, as_of), {
            "position": position,
            "as_of": None if as_of is None else from_micros(as_of),
            "known_at": None if asked.lens.known_at is None else from_micros(asked.lens.known_at),
        }
    look = source.views.look(asked.pipeline, asked.lens)
    journeys = frames.picked(look, asked.filters)["journey_id"]
    return Scope(min(position, look.position), as_of, journeys), head(look)
