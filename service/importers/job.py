"""What all pieces of one import share."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import polars as pl

from engine.aggregates.inputs import PersonRef
from engine.knowledge import in_force
from engine.log.application import Log
from engine.stages.definition import Definition
from service.importers.conditions import text_of
from service.importers.mapping import Mapping
from service.importers.people import Cast
from service.importers.report import ImportReport
from service.importers.ruled import rules_of
from service.importers.shaping import PART
from service.importers.words import Source


@dataclass
class Job:
    log: Log
    mapping: Mapping
    definitions: dict[str, Definition]
    """by pipeline"""
    files: list[Path]
    tables: dict[str, pl.DataFrame]
    cast: Cast
    importer: PersonRef
    actor: UUID
    """the importer's person_id"""
    now: int
    """microseconds; the moment the import began"""
    corrections: bool
    name: str
    """of the file or folder"""
    renewals: int = 0
    """how often the people were looked up again because somebody else wrote some"""

    def look_up_pipelines(self, rows: pl.DataFrame) -> None:
        """Learns of pipelines that events name by a cell and the mapping does not define itself."""
        for ruled in rules_of(self.mapping):
            source = ruled.rule.fields.get("pipeline")
            if isinstance(source, Source) and source.column is not None:
                own = rows.filter(pl.col(PART) == ruled.place)
                for key in own.select(text_of(source, []).unique()).to_series().drop_nulls():
                    published = None if key in self.definitions else in_force(self.log, key).definition
                    if published is not None:
                        self.definitions[key] = published

    def report(self) -> ImportReport:
        """An empty one."""
        return ImportReport(file=self.name, source=self.mapping.source, pipeline=self.mapping.pipeline)

    def renew(self) -> None:
        self.cast.renew(self.log)
        self.actor = self.cast.meet(self.importer.source, self.importer.key, "actor")
        self.renewals += 1
