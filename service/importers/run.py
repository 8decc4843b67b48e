"""The import itself: read, prepare, and write what the log does not know yet. Safe to repeat and to kill."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from engine.aggregates.inputs import PersonRef
from engine.log.application import Log
from engine.scratch import scratch
from engine.values import to_micros
from service.importers.buckets import IN_MEMORY, pieces
from service.importers.ids import HISTORIES, uuid5_hex
from service.importers.job import Job
from service.importers.mapping import load_mapping
from service.importers.people import cast_of
from service.importers.prepare import Prepared, prepared
from service.importers.publish import definitions_for, publish
from service.importers.report import ImportRefused, ImportReport, add
from service.importers.roster import enrol
from service.importers.shaping import KEY, Shaper
from service.importers.sources import digest, files_of
from service.importers.tables import load_tables
from service.importers.turns import bring, meet_importer
from service.importers.unpack import UNPACKED_LIMIT

Progress = Callable[[int, int | None], None]
"""Told the rows done and how many there are: None while the file is being read, then its rows as they are written."""


def silent(done: int, total: int | None) -> None:
    """No progress shown."""


def run_import(
    log: Log,
    file: Path,
    mapping_path: Path,
    *,
    actor: str | PersonRef,
    on_error: Literal["stop", "continue"] = "stop",
    corrections: bool = False,
    progress: Progress = silent,
    unpacked_limit: int = UNPACKED_LIMIT,
    in_memory: int = IN_MEMORY,
) -> ImportReport:
    """Imports what the file, or the folder of files, tells and the log does not know yet.

    actor: who imports (a login name, or a person by source and key); the actor of events whose row names nobody.
    on_error: `stop` refuses the whole file for one bad row, before anything is written (ImportRefused, with the
    report); `continue` leaves bad rows out and lists them. corrections: facts the file tells otherwise than the log
    become a retraction and a new event; without it they are listed only. unpacked_limit in bytes; in_memory in rows.
    Raises Rejected for a mapping or file that can't be read, before anything is written.
    """
    mapping = load_mapping(mapping_path)
    report = ImportReport(file=str(file), source=mapping.source, pipeline=mapping.pipeline)
    files = files_of(file, mapping, report)
    tables = load_tables(mapping, file if file.is_dir() else file.parent, report)
    definitions, missing = definitions_for(log, mapping, mapping_path.parent, tables)
    importer = actor if isinstance(actor, PersonRef) else PersonRef(source="login", key=actor)
    cast = cast_of(log)
    cast.describe(importer.source, importer.key, importer.name, importer.email, importer.phone)
    who = cast.meet(importer.source, importer.key, "actor")
    now = to_micros(datetime.now(UTC))
    paths = [path for _, path in files]
    job = Job(log, mapping, definitions, paths, tables, cast, importer, who, now, corrections, str(file))
    with scratch() as spill:
        shaper = Shaper(mapping, tables, report, unpacked_limit)
        total, again = pieces(shaper.rows(files), KEY, spill, lambda rows: progress(rows, None), in_memory)
        shaper.note_unnamed()
        ready = [prepared(rows, job) for rows in again()] if total <= in_memory else None
        if on_error == "stop":
            refuse_bad(report, ready if ready is not None else (prepared(rows, job) for rows in again()))
        meet_importer(job)
        for definition in missing:
            report.published = publish(log, definition, mapping.origin, job.actor) or report.published
        enrol(job, report)
        run = uuid5_hex(HISTORIES.bytes, f"{mapping.source}\n{digest(paths)}")
        done = 0
        for number, rows in enumerate(again()):
            # The ids of people stand in events: who was met elsewhere in the meantime has another id there.
            piece = ready[number] if ready is not None and not job.renewals else prepared(rows, job)
            for written, of in bring(piece, rows, job, run, report):
                progress(done + rows.height * written // of, total)
            done += rows.height
            progress(done, total)
    return report


def refuse_bad(report: ImportReport, found: Iterable[Prepared]) -> None:
    whole = report.model_copy(deep=True)
    for piece in found:
        add(whole, piece.report)
    if whole.bad_count:
        raise ImportRefused(whole.model_copy(update={"new_events": 0, "new_journeys": 0}))
