"""Others may write while an import does: then it looks at the log again and writes what is still missing.

So what two imports tell of one journey at the same time is written once.
"""

import random
import time
from collections.abc import Iterator
from uuid import UUID

import polars as pl

from engine.log.bulk import Overtaken
from service.importers.ids import retraction_hex
from service.importers.job import Job
from service.importers.prepare import Prepared, prepared
from service.importers.report import ImportReport, add
from service.importers.writing import introduce, write

ATTEMPTS = 20
"""Each time somebody else has written something: after so many the import would never get its turn."""
PAUSE = 0.02
"""Seconds, times the attempts made."""


def meet_importer(job: Job) -> None:
    """Writes the row of the person who imports."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            introduce(job, [job.actor])
        except Overtaken as error:
            give_way(job, attempt, error)
        else:
            return


def bring(piece: Prepared, rows: pl.DataFrame, job: Job, run: str, total: ImportReport) -> Iterator[tuple[int, int]]:
    """Appends the piece's events, prepared from rows, and adds its report to the total.

    Yields how many of how many are written.
    """
    before: list[ImportReport] = []
    for attempt in range(1, ATTEMPTS + 1):
        try:
            for written in write(piece, job, run):
                yield written, piece.events.height
        except Overtaken as error:
            before.append(written_of(piece, error.written))
            give_way(job, attempt, error)
            piece = prepared(rows, job)
        else:
            break
    for report in (piece.report, *before):
        add(total, report)


def give_way(job: Job, attempt: int, error: Overtaken) -> None:
    if attempt == ATTEMPTS:
        raise error
    time.sleep(random.uniform(0, PAUSE * attempt))
    job.renew()


def written_of(piece: Prepared, count: int) -> ImportReport:
    """What the first events of a piece came to. Compared again, they count as known already, so those are taken off."""
    events = piece.events.head(count)
    retractions = {retraction_hex(UUID(fact.event_id).hex): fact for fact in piece.report.changed if fact.corrected}
    corrected = int(events["type"].str.contains(".entry_retracted.", literal=True).sum())
    return ImportReport(
        file=piece.report.file,
        source=piece.report.source,
        pipeline=piece.report.pipeline,
        new_events=count,
        new_journeys=len(piece.keys.keys() & set(events["stream_id"])),
        already_known=corrected - count,
        changed_count=corrected,
        changed=[retractions[event_id] for event_id in events["event_id"] if event_id in retractions],
    )
