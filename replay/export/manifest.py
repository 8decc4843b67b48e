"""What an export was made from, kept beside it as FILE.manifest.json: enough to check it without our database."""

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from engine.errors import NotFound, Rejected

Kind = Literal["visits", "journeys", "events"]
Format = Literal["parquet", "csv", "jsonl", "xes", "ocel-json", "ocel-sqlite"]


class Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    format: Format
    file: str
    bytes: int
    sha256: str
    """of the file"""
    rows: int
    log_id: str
    position: int
    """of the last event that was read; what came later is not in it"""
    pipeline: str | None = None
    """None: events of all"""
    definition: int | str | None = None
    """version of the stages, or draft:ID; None: each pipeline's own"""
    as_of: datetime | None = None
    """None, of events: whenever they occurred"""
    known_at: datetime | None = None
    filters: dict[str, JsonValue] = {}
    names: bool = False
    """whether it tells keys, names and titles, which an erasure in the log does not reach here"""
    whole: bool = False
    """of events: every one of the log up to `position`"""
    first_position: int | None = None
    last_position: int | None = None
    content_sha256: str | None = None
    """of the events themselves, whatever the format (lines.py)"""
    left_out: dict[str, int] = {}
    """events that the format has no place for, by why"""
    program: str
    exported_at: datetime


def beside(path: Path) -> Path:
    """Where the manifest of a file is."""
    return path.with_name(f"{path.name}.manifest.json")


def read_manifest(path: Path) -> Manifest:
    """NotFound where there is none, Rejected where it is none."""
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise NotFound(f"there is no manifest {path}: it is written beside every export") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise Rejected(
            f"{path} is no manifest of an export: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        ) from None
