"""What an import did, in numbers and lists: nothing is dropped, changed or assumed without being told here."""

from pydantic import BaseModel, Field

from engine.errors import Rejected

LISTED = 100
"""Bad rows and changed facts listed in full; beyond it they are counted."""


class BadRow(BaseModel):
    file: str
    line: int
    """Line of a CSV or JSON Lines file; in XES and JSON which event or object it is, from 1."""
    column: str | None
    value: str | None
    why: str

    def __str__(self) -> str:
        value = "" if self.value is None else f" {self.value!r}"
        cell = "" if self.column is None else f", {self.column}{value}"
        return f"{self.file}, line {self.line}{cell}: {self.why}"


class ChangedFact(BaseModel):
    """A fact the log holds otherwise than the file tells it now."""

    file: str = ""
    line: int
    key: str
    event: str
    event_id: str
    changed: list[str]
    """Which fields differ; occurred_at among them where the moment did."""
    corrected: bool
    """The old entry was retracted and the new one written (asked for by `corrections`)."""


class Skipped(BaseModel):
    activity: str
    reason: str
    rows: int


class ImportReport(BaseModel):
    file: str
    source: str
    pipeline: str
    published: bool = False
    """The pipeline did not exist: the mapping's definition was published as its first version."""
    rows: int = 0
    rows_told: int = 0
    """Rows that became events; every other one is among the skipped or the bad."""
    journeys: int = 0
    """In the file, bad ones left out."""
    events: dict[str, int] = Field(default_factory=dict)
    """What the file tells, by kind of event, known ones included."""
    new_events: int = 0
    new_journeys: int = 0
    already_known: int = 0
    changed_count: int = 0
    changed: list[ChangedFact] = Field(default_factory=list)
    skipped: list[Skipped] = Field(default_factory=list)
    unknown_activities: dict[str, int] = Field(default_factory=dict)
    """Rows no rule speaks of that became signals, by activity."""
    fallbacks: dict[str, int] = Field(default_factory=dict)
    """Events whose date was empty and taken from the mapping's fall-back, by event."""
    spelling: dict[str, int] = Field(default_factory=dict)
    """Cells corrected, by column."""
    empty_keys: dict[str, int] = Field(default_factory=dict)
    """Rows that name nothing in a side table, by table."""
    unknown_keys: dict[str, int] = Field(default_factory=dict)
    """Rows that name what a side table lacks, where the mapping lets it pass, by table."""
    unnamed_rows: dict[str, int] = Field(default_factory=dict)
    """Rows of side tables that no row of the files names, by table."""
    lacking_columns: dict[str, int] = Field(default_factory=dict)
    """Columns that files lack, or hold nothing in, and the mapping allows to, by file and column."""
    missing_files: list[str] = Field(default_factory=list)
    """Files that are not there and the mapping allows to be missing."""
    other_files: list[str] = Field(default_factory=list)
    """Files of the folder that the mapping does not speak of."""
    rows_without_actor: int = 0
    unmapped_stages: dict[str, int] = Field(default_factory=dict)
    """Moves to stages that the pipeline's definition does not know, by stage key."""
    reopened_by_move: int = 0
    """Moves of a closed deal to an open stage, imported as reopenings."""
    reopened_by_close: int = 0
    """Wins of lost deals and losses of won ones, imported with the reopening that the mapping says (`reopens`)."""
    closed_twice: int = 0
    """Wins of lost deals and losses of won ones, without a reopening between: the first stands."""
    rule_rows: dict[str, int] = Field(default_factory=dict)
    """Rows each event of the mapping speaks of, in its order; one with 0 may be misspelt."""
    bad_count: int = 0
    bad_rows: list[BadRow] = Field(default_factory=list)

    def skip(self, more: Skipped) -> None:
        for place, known in enumerate(self.skipped):
            if (known.activity, known.reason) == (more.activity, more.reason):
                self.skipped[place] = known.model_copy(update={"rows": known.rows + more.rows})
                return
        self.skipped.append(more)

    def change(self, fact: ChangedFact) -> None:
        self.changed_count += 1
        if len(self.changed) < LISTED:
            self.changed.append(fact)

    def add_bad(self, bad: list[BadRow]) -> None:
        self.bad_count += len(bad)
        self.bad_rows = [*self.bad_rows, *bad][:LISTED]


class ImportRefused(Rejected):
    """Rows are bad and the import was told to stop there: nothing was written. Carries the report."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report
        shown = "\n".join(str(bad) for bad in report.bad_rows[:20])
        more = f"\n... and {report.bad_count - 20} more" if report.bad_count > 20 else ""
        super().__init__(f"{report.bad_count} bad rows, nothing was written:\n{shown}{more}")


def add(total: ImportReport, part: ImportReport) -> None:
    """Adds the counts and lists of one piece of the file."""
    for name in COUNTS:
        setattr(total, name, getattr(total, name) + getattr(part, name))
    for name in TALLIES:
        tally(getattr(total, name), getattr(part, name))
    for skipped in part.skipped:
        total.skip(skipped)
    total.changed = [*total.changed, *part.changed][:LISTED]
    total.bad_rows = [*total.bad_rows, *part.bad_rows][:LISTED]


def tally(total: dict[str, int], more: dict[str, int]) -> None:
    """Adds counts by name."""
    for name, count in more.items():
        total[name] = total.get(name, 0) + count


COUNTS = [name for name, field in ImportReport.model_fields.items() if field.annotation is int]
TALLIES = [name for name, field in ImportReport.model_fields.items() if field.annotation == dict[str, int]]
