"""The import itself: read, prepare, and write what the log does not know yet. Safe to repeat and to kill."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import polars as pl

from engine.aggregates.inputs import PersonRef
from engine.log.application import Log
from engine.values import to_micros
from service.importers.buckets import IN_MEMORY, pieces
from service.importers.csv_rows import read_csv
from service.importers.ids import HISTORIES, uuid5_hex
from service.importers.mapping import Mapping, load_mapping
from service.importers.people import cast_of
from service.importers.prepare import Job, Prepared, prepared
from service.importers.publish import definition_for, publish
from service.importers.report import ImportRefused, ImportReport, add
from service.importers.roster import enrol
from service.importers.tidy import load_tables
from service.importers.turns import bring, meet_importer
from service.importers.unpack import UNPACKED_LIMIT
from service.importers.xes_rows import read_xes

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
    """Imports what the file tells and the log does not know yet.

    actor: who imports (a login name, or a person by source and key); the actor of events whose row names nobody.
    on_error: `stop` refuses the whole file for one bad row, before anything is written (ImportRefused, with the
    report); `continue` leaves bad rows out and lists them. corrections: facts the file tells otherwise than the log
    become a retraction and a new event; without it they are listed only. unpacked_limit in bytes; in_memory in rows.
    Raises Rejected for a mapping or file that can't be read, before anything is written.
    """
    mapping = load_mapping(mapping_path)
    folder = mapping_path.parent
    definition, exists = definition_for(log, mapping, folder)
    report = ImportReport(file=str(file), source=mapping.source, pipeline=mapping.pipeline)
    tables = load_tables(mapping, file.parent)
    importer = actor if isinstance(actor, PersonRef) else PersonRef(source="login", key=actor)
    cast = cast_of(log)
    cast.describe(importer.source, importer.key, importer.name, importer.email, importer.phone)
    who = cast.meet(importer.source, importer.key, "actor")
    now = to_micros(datetime.now(UTC))
    job = Job(log, mapping, definition, file, tables, cast, importer, who, now, corrections)
    with TemporaryDirectory(prefix="dealtrail-import-") as spill:
        batches = read_file(file, mapping, unpacked_limit)
        total, again = pieces(batches, mapping.key, Path(spill), lambda rows: progress(rows, None), in_memory)
        ready = [prepared(rows, job) for rows in again()] if total <= in_memory else None
        if on_error == "stop":
            refuse_bad(report, ready if ready is not None else (prepared(rows, job) for rows in again()))
        meet_importer(job)
        report.published = not exists and publish(log, mapping, definition, job.actor)
        enrol(job, report)
        run = uuid5_hex(HISTORIES.bytes, f"{mapping.source}\n{digest(file)}")
        done = 0
        for number, rows in enumerate(again()):
            # The ids of people stand in events: who was met elsewhere in the meantime has another id there.
            piece = ready[number] if ready is not None and not job.renewals else prepared(rows, job)
            for written, of in bring(piece, rows, job, run, report):
                progress(done + rows.height * written // of, total)
            done += rows.height
            progress(done, total)
    return report


def read_file(file: Path, mapping: Mapping, limit: int) -> Iterable[pl.DataFrame]:
    """Batches of the columns that the mapping reads of the file itself."""
    columns = sorted(name for name in mapping.columns if name.split(".", 1)[0] not in mapping.tables)
    if file.name.removesuffix(".gz").endswith(".xes"):
        return read_xes(file, columns, empty=mapping.empty, limit=limit)
    return read_csv(
        file, columns, encoding=mapping.encoding, delimiter=mapping.delimiter, empty=mapping.empty, limit=limit
    )


def refuse_bad(report: ImportReport, found: Iterable[Prepared]) -> None:
    whole = report.model_copy(deep=True)
    for piece in found:
        add(whole, piece.report)
    if whole.bad_count:
        raise ImportRefused(whole.model_copy(update={"new_events": 0, "new_journeys": 0}))


def digest(file: Path) -> str:
    with file.open("rb") as data:
        total = sha256()
        while block := data.read(1 << 20):
            total.update(block)
    return total.hexdigest()
