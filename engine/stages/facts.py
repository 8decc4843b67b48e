"""A journey's events as the stage rules see them: what kind of thing happened, and the few details rules speak of."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

KINDS: Final = (
    "LeadCaptured",
    "DealOpened",
    "Touched",
    "BantAssessed",
    "SignalRecorded",
    "Scored",
    "OwnerAssigned",
    "AttributesSet",
    "NoteAdded",
    "LeadQualified",
    "LeadDisqualified",
    "LeadConverted",
    "LeadMerged",
    "LeadReopened",
    "ProposalSent",
    "ProposalRevised",
    "ProposalAccepted",
    "ProposalDeclined",
    "ProposalExpired",
    "StageMoved",
    "PipelineChanged",
    "ValueChanged",
    "ExpectedCloseChanged",
    "DealWon",
    "DealLost",
    "DealReopened",
    "PaymentReceived",
    "Delivered",
    "SatisfactionRecorded",
    "DealMerged",
    "Stalled",
    "FollowUpScheduled",
    "FollowUpCompleted",
    "FollowUpSnoozed",
    "FollowUpCancelled",
    "EntryRetracted",
)
"""Names of all events a journey can hold (lead's and deal's together); the index is the code in the columns."""

OPENINGS: Final = frozenset({"LeadCaptured", "DealOpened"})
REOPENINGS: Final = frozenset({"LeadReopened", "DealReopened"})
MERGES: Final = frozenset({"LeadMerged", "DealMerged"})
MOVES: Final = frozenset({"StageMoved", "PipelineChanged"}) | REOPENINGS
"""A person's moves: they open an epoch at the stage they name and fire nothing themselves."""
VALUED: Final = OPENINGS | {"ValueChanged", "DealWon"}
"""Events that may carry the journey's value."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One event of a journey. Times in microseconds since the epoch, amounts in minor units."""

    position: int
    occurred_at: int
    recorded_at: int
    kind: str
    touch: str | None = None
    signal: str | None = None
    dimension: str | None = None
    verdict: str | None = None
    stage: str | None = None
    pipeline: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    fit: int | None = None
    engagement: int | None = None
    retracts: int | None = None
    """position of the entry an EntryRetracted takes back"""
    from_lead: bool = False
    """a DealOpened that continues its lead's journey; the opening of the journey is the lead's capture"""


@dataclass(frozen=True, slots=True)
class Life:
    """What counts of one journey under the lenses: its entries in derivation order, and the pipeline it began in."""

    pipeline: str | None
    entries: tuple[Fact, ...]


def life(facts: Iterable[Fact], *, as_of: int | None = None, known_at: int | None = None) -> Life:
    """Apply the two lenses; no entries when the journey is void or not there yet.

    known_at hides what was recorded later; as_of hides what occurred later, but never a retraction.
    """
    known = [fact for fact in facts if known_at is None or fact.recorded_at <= known_at]
    retracted = {fact.retracts for fact in known if fact.kind == "EntryRetracted"}
    kept = [fact for fact in known if fact.kind != "EntryRetracted" and fact.position not in retracted]
    kept.sort(key=lambda fact: (fact.occurred_at, fact.position))
    began = next((fact for fact in kept if fact.kind in OPENINGS and not fact.from_lead), None)
    if began is None:
        return Life(None, ())
    return Life(began.pipeline, tuple(fact for fact in kept if as_of is None or fact.occurred_at <= as_of))
