"""Checks an export without the log: nothing changed in the file, nothing missing in the history, nothing rewritten.

What each check proves, and what only a digest kept elsewhere can: docs/exports.md#checking-an-export.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

import polars as pl
from eventsourcing.persistence import JSONTranscoder
from pydantic import BaseModel, ConfigDict

from engine.errors import Rejected
from engine.log.mapper import TagMapper, UnknownEvent
from replay.export.lines import lines
from replay.export.manifest import Manifest, beside, read_manifest
from replay.export.output import digest_of
from replay.export.reading import READABLE, read_events
from replay.export.stored import Progress, silent

MAPPER: Final = TagMapper(JSONTranscoder())
LISTED: Final = 20
"""findings of one check that are told"""


class Finding(BaseModel):
    """Something that is not as it should be."""

    model_config = ConfigDict(frozen=True)

    check: str
    where: str
    expected: str
    found: str


class Checked(BaseModel):
    """The outcome; `findings` empty: all is well."""

    model_config = ConfigDict(frozen=True)

    file: str
    manifest: Manifest
    checks: tuple[str, ...]
    """what was looked at"""
    content_sha256: str | None
    """of events: their digest, computed again"""
    findings: tuple[Finding, ...]


def check_export(path: Path, against: Path | None = None, progress: Progress = silent) -> Checked:
    """Holds a file against its manifest and, of events, against what every history of ours must be.

    against: an older export of the whole log, or its manifest: is it the beginning of this one? NotFound: no manifest.
    Rejected: the two can't be compared, the file can't be read.
    """
    manifest = read_manifest(beside(path))
    older = None if against is None else older_of(against, manifest)
    found = list(file_differs(path, manifest))
    checks = ["file"]
    digest = None
    if manifest.kind == "events" and manifest.format in READABLE:
        history = History(manifest, older)
        for batch in read_events(path, manifest.format):
            history.take(batch)
            progress(history.rows, manifest.rows)
        found += history.findings()
        digest = history.digest.hexdigest()
        checks += history.checks
    elif older is not None:
        raise Rejected(f"{path}: only events in {', '.join(READABLE)} can be held against an older export")
    return Checked(
        file=str(path), manifest=manifest, checks=tuple(checks), content_sha256=digest, findings=tuple(found)
    )


def older_of(against: Path, manifest: Manifest) -> Manifest:
    older = read_manifest(against if against.name.endswith(".manifest.json") else beside(against))
    for one in (older, manifest):
        if not one.whole or one.content_sha256 is None:
            raise Rejected(f"--against: {one.file} is not an export of all events: export events without a filter")
    return older


def file_differs(path: Path, manifest: Manifest) -> Iterator[Finding]:
    if path.stat().st_size != manifest.bytes:
        yield Finding(check="file", where="bytes", expected=str(manifest.bytes), found=str(path.stat().st_size))
    elif (found := digest_of(path)) != manifest.sha256:
        yield Finding(check="file", where="sha256", expected=manifest.sha256, found=found)


@dataclass
class History:
    """The events of a file as they go by."""

    manifest: Manifest
    older: Manifest | None
    rows: int = 0
    position: int = 0
    recorded_at: object = None
    versions: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"stream_id": pl.String, "before": pl.Int32})
    )
    found: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.digest = sha256()
        self.then = self.digest.hexdigest() if self.older is not None and self.older.rows == 0 else None
        self.checks = ["digest", "positions", "times", "payloads"]
        self.checks += ["versions"] if self.manifest.whole else []
        self.checks += ["older export"] if self.older is not None else []

    def take(self, rows: pl.DataFrame) -> None:
        if rows.is_empty():
            return
        self.check_order(rows)
        if self.manifest.whole:
            self.check_versions(rows)
        self.check_payloads(rows)
        if self.older is not None and self.rows < self.older.rows <= self.rows + rows.height:
            beginning = self.digest.copy()
            beginning.update(lines(rows.head(self.older.rows - self.rows)))
            self.then = beginning.hexdigest()
        self.digest.update(lines(rows))
        self.rows += rows.height

    def check_order(self, rows: pl.DataFrame) -> None:
        """Positions without a gap (of a whole log) and times of recording increase; nothing is recorded too early."""
        before = pl.col("position").shift(fill_value=self.position)
        wrong = pl.col("position") != before + 1 if self.manifest.whole else pl.col("position") <= before
        for row in rows.with_columns(before=before).filter(wrong).head(LISTED).iter_rows(named=True):
            self.differ("positions", row, f"after {row['before']}", row["position"])
        earlier = rows.filter(pl.col("recorded_at") <= pl.col("recorded_at").shift(fill_value=self.recorded_at))
        for row in earlier.head(LISTED).iter_rows(named=True):
            self.differ("times", row, "recorded later than the event before it", row["recorded_at"])
        for row in rows.filter(pl.col("occurred_at") > pl.col("recorded_at")).head(LISTED).iter_rows(named=True):
            self.differ("times", row, f"occurred by {row['recorded_at']}", row["occurred_at"])
        self.position, self.recorded_at = rows["position"][-1], rows["recorded_at"][-1]

    def check_versions(self, rows: pl.DataFrame) -> None:
        """Every stream's versions from 1 on without a gap: an event that was taken out would leave one."""
        counted = rows.join(self.versions, on="stream_id", how="left", maintain_order="left").with_columns(
            expected=pl.col("before").fill_null(0) + pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("stream_id")
        )
        for row in counted.filter(pl.col("version") != pl.col("expected")).head(LISTED).iter_rows(named=True):
            self.differ("versions", row, row["expected"], row["version"])
        newest = counted.group_by("stream_id").agg(before=pl.col("expected").max())
        self.versions = pl.concat([self.versions, newest]).group_by("stream_id").agg(pl.col("before").max())

    def check_payloads(self, rows: pl.DataFrame) -> None:
        """Every payload can be read as its type, and is written as this program writes it."""
        for row in rows.select("position", "type", "payload").iter_rows(named=True):
            try:
                event = MAPPER.event(row["type"], row["payload"])
            except UnknownEvent as error:
                self.differ("payloads", row, "an event that can be read", str(error).splitlines()[0])
                continue
            # An event of an older shape was written by an older program.
            if row["type"] == event.TOPIC and row["payload"] != (written := event.payload()):
                self.differ("payloads", row, written, row["payload"])

    def differ(self, check: str, row: dict[str, object], expected: object, found: object) -> None:
        if sum(each.check == check for each in self.found) < LISTED:
            where = f"position {row['position']}"
            self.found.append(Finding(check=check, where=where, expected=str(expected), found=str(found)))

    def findings(self) -> Iterator[Finding]:
        """Everything, the whole's own last."""
        yield from self.found
        told = {
            "rows": (self.manifest.rows, self.rows),
            "last position": (self.manifest.last_position or 0, self.position),
            "content_sha256": (self.manifest.content_sha256, self.digest.hexdigest()),
        }
        if self.manifest.whole:
            told["events of the log"] = (self.manifest.position, self.rows)
        for where, (expected, found) in told.items():
            if expected != found:
                yield Finding(check="digest", where=where, expected=str(expected), found=str(found))
        if self.older is None:
            return
        compared = {
            "log_id": (self.older.log_id, self.manifest.log_id),
            f"its {self.older.rows:,} events": (self.older.content_sha256, self.then or "fewer events than it had"),
        }
        for where, (expected, found) in compared.items():
            if expected != found:
                yield Finding(check="older export", where=where, expected=str(expected), found=str(found))
