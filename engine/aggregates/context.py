"""What a rule may know besides the state it decides on. handle looks things up when asked; tests say them outright."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from engine.aggregates.inputs import Who
from engine.aggregates.journey.state import Journey
from engine.messages import Event
from engine.stages.criteria import Criterion, Running, holds
from engine.stages.definition import Definition, StageKind
from engine.values import TextRef

Role = Literal["rep", "customer"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journey's history; the lead's lines too where the deal came from a lead."""

    event_id: UUID
    event: Event
    occurred_at: datetime
    own: bool = True
    """It stands on the stream that is being decided on, so it can be taken back here."""
    retracted: bool = False
    by_policy: bool = False
    """A policy's doing, never the activity of a person or a customer."""
    position: int = 0
    """place in the log: what was written down after what"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the journey stands at the moment the command speaks of, by the stage rules and the definition in force."""

    definition: Definition
    stage: str | None
    """None outside this pipeline; "unmapped" for a stage the definition does not know"""
    entered_by: UUID | None
    """event_id of what brought it into the stage"""
    running: Running

    @property
    def kind(self) -> StageKind | None:
        return self.definition.kind_of(self.definition.ranks.get(self.stage or "", -1))

    def meets(self, gate: Criterion) -> bool:
        return holds(gate, self.running, None)


@dataclass(frozen=True, slots=True)
class Other:
    """Another journey that a command names."""

    journey_id: UUID
    state: Journey


class Context(Protocol):
    @property
    def now(self) -> datetime: ...

    @property
    def occurred_at(self) -> datetime:
        """When what the command tells of happened; earlier than now for a late entry."""

    @property
    def journey_id(self) -> UUID:
        """The stream decided on, or that of the lead the deal came from."""

    @property
    def entries(self) -> Sequence[Entry]:
        """The journey's history in derivation order, retracted entries and retractions included; [] when it is new."""

    @property
    def standing(self) -> Standing:
        """Folds the history: only commands about stages ask for it."""

    def standing_without(self, event_id: UUID | None) -> Standing:
        """After all that is known but that entry, which is no opening."""

    def definition(self, pipeline: str) -> Definition:
        """The published definition in force; Rejected where there is none."""

    def other(self, stream_id: UUID) -> Other | None:
        """The journey that a lead or deal belongs to; None where there is none."""

    def person(self, who: Who, role: Role) -> UUID:
        """The person's id; a new one for a person not met before."""

    def enrolled(self, person_id: UUID) -> bool:
        """Whether the rep is on the roster."""

    def text(self, body: str) -> TextRef:
        """Lays the text aside and refers to it."""

    def same_text(self, ref: TextRef | None, body: str) -> bool:
        """Whether the text referred to is still kept and reads the same."""

    def new_id(self) -> UUID:
        """For a thing that begins with this command: a proposal, a follow-up, a deal."""
