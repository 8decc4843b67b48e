"""The stage derivation as a plain fold over one journey: slow, short, and the measure of the fast one.

History, gates, `check` and the few journeys that a new event changes use it; the Polars derivation of all
(engine/projections/visits.py) must agree with it cell by cell.
"""

from dataclasses import dataclass, field, replace

from engine.stages.criteria import Criterion, Running, fires
from engine.stages.definition import UNMAPPED, Definition
from engine.stages.facts import MOVES, REOPENINGS, Fact, Life


@dataclass(frozen=True, slots=True)
class Visit:
    """A stay in a stage; left_at is None while it lasts. Times in microseconds."""

    stage: str
    entered_at: int
    entered_position: int
    left_at: int | None
    how: str
    """automatic | moved | reopened"""
    transferred: bool = False
    """it ended because the journey left for another pipeline"""


@dataclass(frozen=True, slots=True)
class Step:
    """What one event did: the stage after it (None outside the pipeline) and, where the event changed it, why."""

    fact: Fact
    stage: str | None
    because: str | None


@dataclass(slots=True)
class Trail:
    """A journey in one pipeline: its visits, and event by event the stage after it."""

    visits: list[Visit] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    running: Running = field(default_factory=Running)

    @property
    def stage(self) -> str | None:
        """Key of the stage it is in; None when it is void, or in another pipeline."""
        return self.visits[-1].stage if self.visits and self.visits[-1].left_at is None else None


def fold(life: Life, definition: Definition) -> Trail:
    """Derive one journey's visits in the definition's pipeline; a journey that is never there has none."""
    trail = Trail()
    pipeline = life.pipeline
    rank: int | None = None
    for fact in life.entries:
        trail.running.take(fact)
        if fact.kind == "PipelineChanged":
            pipeline = fact.pipeline
        because = None
        if pipeline != definition.pipeline:
            leave(trail, fact, transferred=True)
            rank = None
        elif entry := enter(definition, trail.running, fact, rank):
            if entry.rank != rank:
                leave(trail, fact)
                visit = Visit(definition.key_of(entry.rank), fact.occurred_at, fact.position, None, entry.how)
                trail.visits.append(visit)
            rank, because = entry.rank, entry.because
        trail.steps.append(Step(fact, None if rank is None else definition.key_of(rank), because))
    return trail


@dataclass(frozen=True, slots=True)
class Entry:
    """What an event leads to: a rank, how and why."""

    rank: int
    how: str
    because: str


def enter(definition: Definition, running: Running, fact: Fact, rank: int | None) -> Entry | None:
    """Where the event leads; None where it changes nothing. rank None: it is the journey's first event here."""
    kind = None if rank is None else definition.kind_of(rank)
    if fact.kind in MOVES:
        target = moved_to(definition, fact, kind)
        if target is not None:
            how = "reopened" if fact.kind in REOPENINGS else "moved"
            return Entry(target, how, f"{how} by a person")
    elif kind != "lost":
        fired = highest(definition, running, fact, after_sale=kind in ("won", "after_sale"))
        if fired is not None and (rank is None or fired[0] > rank):
            return Entry(fired[0], "automatic", fired[1].describe())
    return Entry(0, "automatic", "the first event") if rank is None else None


def moved_to(definition: Definition, fact: Fact, kind: str | None) -> int | None:
    """Where a person's move leads (UNMAPPED for an unknown stage); None when it has no effect."""
    target = definition.ranks.get(fact.stage or "", UNMAPPED)
    target_kind = definition.kind_of(target)
    if fact.kind != "StageMoved":
        return target if target_kind == "open" else UNMAPPED
    if kind in ("won", "after_sale"):
        return target if target_kind == "after_sale" else None
    if kind == "lost" or target_kind not in ("open", None):
        return None
    return target


def highest(definition: Definition, running: Running, fact: Fact, *, after_sale: bool) -> tuple[int, Criterion] | None:
    """The highest stage that fires at the event, of the after-sale stages or of the others, and the branch."""
    for rank, branch in definition.looked_at.get(fact.kind, ()):
        if (definition.kind_of(rank) == "after_sale") == after_sale and fires(branch, running, fact):
            return rank, branch
    return None


def leave(trail: Trail, fact: Fact, *, transferred: bool = False) -> None:
    """Close the visit that lasts, if there is one."""
    if trail.visits and trail.visits[-1].left_at is None:
        trail.visits[-1] = replace(trail.visits[-1], left_at=fact.occurred_at, transferred=transferred)
