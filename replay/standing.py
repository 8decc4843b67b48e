"""How a journey stood after any of its entries: value, owner, BANT, scores, touches, follow-ups, attributes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from engine.messages import AnyRecorded
from engine.projections.figures import Amount, Figures
from engine.stages.criteria import Running
from engine.stages.reading import facts_of
from engine.values import Dimension, Verdict
from replay.references import Named


class Person(Figures):
    key: str
    label: str


class FollowUp(Figures):
    follow_up_id: str
    kind: str
    due_at: datetime


class Standing(Figures):
    pipeline: str | None
    stage: str | None
    """None: void, or in no pipeline that has one"""
    value: Amount | None
    owner: Person | None
    customer: Person | None
    """who it is sold to: a person or an organisation"""
    source: str | None
    channel: str | None
    bant: dict[str, str]
    """verdict of every dimension"""
    fit: int
    engagement: int
    touches: int
    last_touch_at: datetime | None
    proposals: int
    """sent so far"""
    follow_ups: tuple[FollowUp, ...]
    """open ones, the soonest first"""
    expected_close: date | None
    attributes: dict[str, str]
    merged_into: str | None


@dataclass
class Told:
    """What the entries said last."""

    owner: UUID | None = None
    customer: UUID | None = None
    source: str | None = None
    channel: str | None = None
    expected_close: date | None = None
    merged_into: UUID | None = None
    last_touch_at: datetime | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    follow_ups: dict[UUID, FollowUp] = field(default_factory=dict)

    def take(self, entry: AnyRecorded) -> None:
        event: Any = entry.event
        match type(event).__name__:
            case "LeadCaptured" | "DealOpened":
                self.owner = event.owner or self.owner
                self.customer = event.person or self.customer
                self.source, self.channel = self.source or event.source, self.channel or event.channel
                self.expected_close = getattr(event, "expected_close", None) or self.expected_close
                self.attributes |= {attribute.name: attribute.value for attribute in event.attributes}
            case "AttributesSet":
                self.attributes |= {attribute.name: attribute.value for attribute in event.attributes}
            case "OwnerAssigned":
                self.owner = event.owner
            case "Touched":
                self.last_touch_at = entry.occurred_at
            case "ExpectedCloseChanged":
                self.expected_close = event.expected_close
            case "LeadMerged" | "DealMerged":
                self.merged_into = event.into
            case "FollowUpScheduled":
                self.follow_ups[event.follow_up_id] = FollowUp(
                    follow_up_id=str(event.follow_up_id), kind=event.kind.value, due_at=event.due_at
                )
            case "FollowUpSnoozed" if event.follow_up_id in self.follow_ups:
                known = self.follow_ups[event.follow_up_id]
                self.follow_ups[event.follow_up_id] = known.model_copy(update={"due_at": event.until})
            case "FollowUpCompleted" | "FollowUpCancelled":
                self.follow_ups.pop(event.follow_up_id, None)


def standing(
    entries: Sequence[AnyRecorded], pipeline: str | None, stage: str | None, people: dict[UUID, Named]
) -> Standing:
    """After the given live entries, which are in derivation order and led to this pipeline and stage."""
    told, running = Told(), Running()
    for entry, fact in zip(entries, facts_of(entries), strict=True):
        told.take(entry)
        running.take(fact)
    value = None
    if running.amount_minor is not None and running.currency is not None:
        value = Amount.of(running.amount_minor, running.currency)
    return Standing(
        pipeline=pipeline,
        stage=stage,
        value=value,
        owner=None if told.owner is None else person(told.owner, people),
        customer=None if told.customer is None else person(told.customer, people),
        source=told.source,
        channel=told.channel,
        bant={dimension.value: running.verdicts.get(dimension, Verdict.UNKNOWN) for dimension in Dimension},
        fit=running.fit,
        engagement=running.engagement,
        touches=sum(running.touches.values()),
        last_touch_at=told.last_touch_at,
        proposals=running.proposals,
        follow_ups=tuple(sorted(told.follow_ups.values(), key=lambda follow_up: follow_up.due_at)),
        expected_close=told.expected_close,
        attributes=told.attributes,
        merged_into=None if told.merged_into is None else str(told.merged_into),
    )


def person(person_id: UUID, people: dict[UUID, Named]) -> Person:
    found = people.get(person_id, Named(str(person_id), str(person_id)))
    return Person(key=found.key, label=found.label)
