"""Random events that say all a journey can be told: who, what, from where, by when, asleep until, worth how much."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

from engine.aggregates.deal import events as deal
from engine.aggregates.lead import events as lead
from engine.messages import AnyRecorded, Envelope, Event
from engine.stages.definition import Definition, parse_definition
from engine.stages.facts import Fact
from engine.values import Attribute, TextRef
from tests.properties.events_of import BY, START, event_of

REPS = tuple(UUID(int=number) for number in range(1, 4))
FOLLOW_UPS = tuple(UUID(int=number) for number in range(11, 14))
PROPOSALS = tuple(UUID(int=number) for number in range(21, 23))

LITTLE = ("NoteAdded", "PaymentReceived", "ProposalRevised", "SatisfactionRecorded")


class Telling:
    """As event_of, but what it makes of a fact tells more, and where a fact says little it is another event."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def __call__(self, fact: Fact, entries: Sequence[AnyRecorded]) -> Event:
        event = event_of(fact, entries)
        if isinstance(event, lead.LeadCaptured | deal.DealOpened):
            return type(event)(**dict(event) | self.opening(event))
        if fact.kind in LITTLE or (fact.kind != "EntryRetracted" and self.random.random() < 0.3):
            return self.other(entries)
        if isinstance(event, deal.Touched):
            direction = self.random.choice(["inbound", "outbound"])
            return deal.Touched(kind=event.kind, direction=direction, automated=self.random.random() < 0.3)
        return event

    def envelope(self) -> Envelope:
        """Every third one is a policy's."""
        actor = self.random.choice(REPS)
        origin = self.random.choice(["cli", "api", "policy:raise_stalled"])
        return Envelope(actor, BY.command_id, BY.correlation_id, None, origin)

    def maybe(self, value: Any) -> Any:
        return value if self.random.random() < 0.6 else None

    def text(self) -> TextRef:
        return TextRef(text_id=UUID(int=self.random.randrange(100)), hash="0" * 64)

    def opening(self, event: Event) -> dict[str, Any]:
        fields = {
            "title": self.maybe(self.text()),
            "owner": self.maybe(self.random.choice(REPS)),
            "source": self.maybe(self.random.choice(["ads", "events"])),
            "channel": self.maybe(self.random.choice(["web", "phone"])),
            "attributes": self.attributes(),
        }
        if isinstance(event, deal.DealOpened):
            fields["expected_close"] = self.maybe(self.day())
        return fields

    def attributes(self) -> tuple[Attribute, ...]:
        names = self.random.sample(["product", "sector", "size"], self.random.randrange(3))
        return tuple(Attribute(name=name, value=self.random.choice(["a", "b"])) for name in names)

    def day(self) -> date:
        return date(2024, 4, self.random.randint(1, 30))

    def other(self, entries: Sequence[AnyRecorded]) -> Event:
        random, moment = self.random, START + timedelta(days=self.random.randint(1, 30))
        made: list[Event] = [
            deal.OwnerAssigned(owner=random.choice(REPS)),
            deal.AttributesSet(attributes=self.attributes()),
            deal.ExpectedCloseChanged(expected_close=self.day()),
            deal.ProposalSent(proposal_id=random.choice(PROPOSALS), expires_at=self.maybe(moment)),
            deal.ProposalExpired(proposal_id=random.choice(PROPOSALS)),
            deal.Stalled(
                stage="a",
                started_by=random.choice(entries).event_id if entries else UUID(int=5),
                idle_days=3.5,
                limit_days=3,
                definition=1,
            ),
            deal.FollowUpScheduled(
                follow_up_id=random.choice(FOLLOW_UPS),
                kind="call",
                due_at=moment,
                owner=self.maybe(random.choice(REPS)),
                note=self.maybe(self.text()),
            ),
            deal.FollowUpSnoozed(follow_up_id=random.choice(FOLLOW_UPS), until=moment, reason="holiday"),
            deal.FollowUpCompleted(follow_up_id=random.choice(FOLLOW_UPS), outcome="reached"),
            deal.FollowUpCancelled(follow_up_id=random.choice(FOLLOW_UPS), reason="moot"),
            deal.SatisfactionRecorded(score=random.randint(0, 10)),
            deal.DealMerged(into=UUID(int=77)),
        ]
        # Snoozes, alerts and what they sleep through decide most.
        return random.choices(made, [2, 2, 1, 1, 1, 3, 3, 3, 2, 1, 1, 1 if random.random() < 0.2 else 0])[0]


def with_limits(definition: Definition, random: Random, pipeline: str = "one") -> Definition:
    """The definition with stall rules that count all touches or some, and a stage of its own to be qualified from."""
    raw = definition.model_dump(mode="json", exclude_none=True, by_alias=True) | {"pipeline": pipeline}
    for stage in raw["stages"]:
        if random.random() < 0.7:
            stage["stall"] = random.choice(
                [{"idle_days": 3}, {"touch_days": 2}, {"touch_days": 2, "touch_kinds": ["call", "demo"]}]
            )
    raw["qualified_from"] = random.choice([stage["key"] for stage in raw["stages"] if stage["kind"] == "open"])
    return parse_definition(raw)
