"""A mapping: what the columns or activities of files mean. Data, checked whole before a file is opened."""

from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from engine.errors import Rejected
from engine.stages.plain_yaml import read_yaml
from engine.values import Key, Utc
from engine.wording import problems
from service.importers.kinds import OPENING
from service.importers.layout import Table
from service.importers.part import Part
from service.importers.stage_table import StageTable
from service.importers.words import Column, Source, Strict

SHARED = ("encoding", "delimiter", "empty", "numbers", "journeys")
"""Words of a file that may be said once for all files."""
OF_A_PART = {field.alias or name for name, field in Part.model_fields.items()} - {"name"}


class Roster(Strict):
    """Who sells in which team, for whom, where: columns of a side table, and since when it holds."""

    table: str
    rep: Column
    team: Column | None = None
    manager: Column | None = None
    region: Column | None = None
    name: Column | None = None
    since: Utc
    """From when on the membership holds, as ISO 8601 with an offset; a table of a later year states a later one."""

    @property
    def columns(self) -> set[str]:
        named = (self.rep, self.team, self.manager, self.region, self.name)
        return {f"{self.table}.{column}" for column in named if column is not None}


class Mapping(Strict):
    """One file is described at the top; several by name under `files`, in the order in which equal times count."""

    source: Key
    """The name of the system the history comes from; origin of the events is import:NAME."""
    pipeline: Key
    """Where journeys go unless their event names another."""
    definition: str | StageTable | None = None
    """File beside the mapping, or a side table of stages; published where the pipeline does not exist yet."""
    tables: dict[Key, Table] = Field(default_factory=dict)
    roster: Roster | None = None
    several: bool
    files: dict[Key, Part] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def parts_apart(cls, raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        common = {word: raw[word] for word in SHARED if word in raw}
        if "files" not in raw:
            own = {word: raw[word] for word in raw if word in OF_A_PART}
            tables = raw.get("tables")
            if isinstance(tables, dict) and isinstance(own.get("join", {}), dict):
                # Where there is one file, a table may say itself by which of its columns it is joined.
                told = {name: table["column"] for name, table in tables.items() if "column" in (table or {})}
                own["join"] = told | own.get("join", {})
            return {word: raw[word] for word in raw if word not in OF_A_PART} | {
                "several": False,
                "files": {"one": own},
            }
        misplaced = sorted(OF_A_PART.difference(SHARED) & set(raw))
        if misplaced:
            raise ValueError(f"{', '.join(misplaced)} belong to a file: say them under `files`")
        if not isinstance(raw["files"], dict):
            raise ValueError("`files` gives each file a name: {deals: {file: deals.csv, ...}, ...}")
        parts = {
            name: common | part | {"name": name} if isinstance(part, dict) else part
            for name, part in raw["files"].items()
        }
        return {word: raw[word] for word in raw if word not in SHARED} | {"several": True, "files": parts}

    @model_validator(mode="after")
    def parts_fit_together(self) -> Self:
        for part in self.parts:
            if self.several and not part.file:
                raise ValueError(f"file {part.name!r} needs `file`: its name in the folder")
            if not self.several and (part.file or part.optional):
                raise ValueError("file and optional are for several files: name them under `files`")
        if self.linked and any(part.journeys != "lead_then_deal" for part in self.parts):
            raise ValueError("lead_then_deal gives a lead and its deal one key: it is for all files or for none")
        for journeys in {part.journeys for part in self.parts}:
            if not any(part.opens for part in self.parts if part.journeys == journeys):
                opening = OPENING["deal" if journeys == "deal" else "lead"]
                raise ValueError(f"no event opens a journey: add one with `event: {opening}`")
        return self

    @model_validator(mode="after")
    def tables_are_known(self) -> Self:
        if self.roster is not None and self.roster.table not in self.tables:
            raise ValueError(f"roster names table {self.roster.table!r}, which is not under `tables`")
        if isinstance(self.definition, StageTable) and self.definition.table not in self.tables:
            raise ValueError(f"definition names table {self.definition.table!r}, which is not under `tables`")
        for name, table in self.tables.items():
            if self.several and table.column is not None:
                raise ValueError(
                    f"table {name!r}: with several files each says under `join` which column holds the key"
                )
        for part in self.parts:
            for name in part.join:
                if name not in self.tables:
                    raise ValueError(f"join names table {name!r}, which is not under `tables`")
            for column in part.told:
                of = column.split(".", 1)[0]
                if of in self.tables:
                    raise ValueError(f"{column!r} is of table {of!r}: say under `join` which column holds its key")
        return self

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(self.files.values())

    @property
    def linked(self) -> bool:
        """Whether a lead and the deal it becomes have one key."""
        return any(part.journeys == "lead_then_deal" for part in self.parts)

    @property
    def pipelines(self) -> set[str]:
        """Other pipelines that its events name as constants."""
        named = [rule.fields.get("pipeline") for part in self.parts for rule in part.rules]
        told = [source for source in named if isinstance(source, Source)]
        return {word for source in told for word in (source.const, *(source.map or {}).values()) if word}

    @property
    def listed(self) -> set[str]:
        """Files of side tables that are read for their own sake too, whether a row names theirs or not."""
        told = {self.tables[self.roster.table].file} if self.roster is not None else set()
        told |= {self.tables[self.definition.table].file} if isinstance(self.definition, StageTable) else set()
        return told.union(*(part.file for part in self.parts))

    @property
    def origin(self) -> str:
        return f"import:{self.source}"

    @property
    def columns(self) -> set[str]:
        """Every column it reads: of files, made of others, and (as TABLE.COLUMN) of side tables."""
        names = set() if self.roster is None else self.roster.columns
        if isinstance(self.definition, StageTable):
            names |= self.definition.of_the_table
        return names.union(*(part.columns for part in self.parts))


def load_mapping(path: Path) -> Mapping:
    """The mapping in a YAML file; Rejected names the field, the value and what would be right."""
    return parse_mapping(read_yaml(path), str(path))


def parse_mapping(raw: Any, origin: str) -> Mapping:
    try:
        return Mapping.model_validate(raw)
    except ValidationError as error:
        told = "; ".join(problems(error)).replace("files.one.", "").replace("files.one:", "as a whole:")
        raise Rejected(f"{origin}: {told}") from None
