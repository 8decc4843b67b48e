"""A small history of a made-up supplier of office coffee machines, told through the same commands as any other.

Seeded: the same day gives the same history. It ends now, so that ages, stalls and next actions look alive.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

from engine.aggregates.deal.commands import (
    AcceptProposal,
    ChangeExpectedClose,
    Lose,
    MoveStage,
    RecordDelivery,
    RecordPayment,
    RecordSatisfaction,
    ReopenDeal,
    ReviseProposal,
    SendProposal,
    Win,
)
from engine.aggregates.deal.events import ProposalLine, ProposalOption
from engine.aggregates.inputs import PersonRef, SourceKey
from engine.aggregates.journey.commands import (
    AssessBant,
    CompleteFollowUp,
    RetractEntry,
    ScheduleFollowUp,
    SetScore,
    Touch,
)
from engine.aggregates.lead.commands import CaptureLead, ConvertLead, DisqualifyLead, QualifyLead
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.aggregates.roster.commands import EnrolRep
from engine.aggregates.target.commands import ReviseTarget, SetTarget
from engine.handle import Outcome, handle
from engine.log.application import Log
from engine.messages import Command
from engine.stages.definition import load_definition
from engine.values import Attribute, Dimension, Direction, Money, TouchKind, Verdict

PIPELINE: Final = Path(__file__).with_name("sample.yaml")
ORIGIN: Final = "import:sample"
JOURNEYS: Final = 120
DAYS: Final = 150
REPS: Final = {  # rep: team, manager, region
    "rep-01": ("north", None, "Baltic"),
    "rep-02": ("south", None, "Iberia"),
    "rep-03": ("north", "rep-01", "Baltic"),
    "rep-04": ("north", "rep-01", "Nordic"),
    "rep-05": ("south", "rep-02", "Iberia"),
    "rep-06": ("south", "rep-02", "Italy"),
}
TOLD: Final = "C-004"
"""a deal with a life: moved back, lost, reopened, won, in use, and a call that was entered late"""
CORRECTED: Final = "C-089"
"""a deal with an entry that was taken back"""
SELLERS: Final = tuple(REPS)[2:]
SOURCES: Final = ("referral", "advertisement", "trade fair", "cold outreach", "website")
MACHINES: Final = {"Classic": 1_450_00, "Barista": 3_900_00}
DISQUALIFIED: Final = ("no budget", "too small", "student project")
LOST: Final = ("price", "chose another supplier", "no decision", "project stopped")
BANT: Final = {
    Dimension.NEED: "asked for offers before our call",
    Dimension.BUDGET: "approved for this quarter",
    Dimension.AUTHORITY: "the office manager signs up to 20,000",
    Dimension.TIMELINE: "wants it running before the move",
}

Story = Iterator[float]
"""Does what happens at a moment, then yields the days until the next."""


@dataclass
class Desk:
    """Where the commands are given, at the clock of the story that is being told."""

    log: Log
    draw: Random
    clock: datetime

    def say(self, who: str, command: Command, on: UUID | None = None, *, days_ago: float = 0) -> Outcome:
        actor = PersonRef(source="sample", key=who)
        happened = self.clock - timedelta(days=days_ago)
        return handle(self.log, command, actor=actor, origin=ORIGIN, on=on, occurred_at=happened)

    def new_id(self) -> UUID:
        return UUID(int=self.draw.getrandbits(128), version=4)

    def chance(self, share: float) -> bool:
        return self.draw.random() < share

    def wait(self, least: float, most: float) -> float:
        return self.draw.uniform(least, most)


def load_sample(log: Log, now: datetime, seed: int = 7) -> None:
    """Tells the whole history, in the order in which it happened."""
    began = now - timedelta(days=DAYS)
    desk = Desk(log, Random(seed), began)
    definition = load_definition(PIPELINE)
    desk.say("rep-01", CreatePipeline(pipeline=definition.pipeline, name="Office coffee"))
    desk.say("rep-01", PublishDefinition(pipeline=definition.pipeline, definition=definition, reason="first version"))
    for rep, (team, manager, region) in REPS.items():
        ref = None if manager is None else PersonRef(source="sample", key=manager)
        desk.say("rep-01", EnrolRep(rep=PersonRef(source="sample", key=rep), team=team, manager=ref, region=region))
    starts = sorted(desk.wait(0, DAYS - 1) for _ in range(JOURNEYS))
    stories = [(began + timedelta(days=at), n, journey(desk, n)) for n, at in enumerate(starts, 1)]
    heapq.heapify(stories)
    while stories:
        desk.clock, n, story = heapq.heappop(stories)
        days = next(story, None)
        if days is not None and (later := desk.clock + timedelta(days=days)) <= now:
            heapq.heappush(stories, (later, n, story))
    desk.clock = now
    aim(desk)


def aim(desk: Desk) -> None:
    """What the teams and reps shall win this month; of one it was revised."""
    period = f"{desk.clock:%Y-%m}"
    for team in ("north", "south"):
        goal = SetTarget(team=team, period=period, pipeline="office-coffee", value=euros(60_000_00))
        desk.say("rep-01", goal, days_ago=30)
    for rep in SELLERS:
        whose = PersonRef(source="sample", key=rep)
        goal = SetTarget(rep=whose, period=period, pipeline="office-coffee", value=euros(25_000_00))
        done = desk.say("rep-01", goal, days_ago=30)
    revised = ReviseTarget(value=euros(20_000_00), reason="on leave for a week")
    desk.say("rep-02", revised, done.stream_id, days_ago=9)


def journey(desk: Desk, n: int) -> Story:
    """One customer, from the first contact to wherever it leads."""
    rep = desk.draw.choice(SELLERS)
    machine, pieces = desk.draw.choice(tuple(MACHINES)), desk.draw.randint(1, 6)
    desks = pieces * desk.draw.randint(20, 45)
    lead = desk.new_id()
    capture = CaptureLead(
        pipeline="office-coffee",
        record=SourceKey(source="sample", key=f"C-{n:03}"),
        title=f"Coffee for {desks} desks",
        owner=PersonRef(source="sample", key=rep),
        source=desk.draw.choice(SOURCES),
        channel=desk.draw.choice(("phone", "web", "partner")),
        value=euros(MACHINES[machine] * pieces),
        attributes=(Attribute(name="machine", value=machine),),
    )
    desk.say(rep, capture, lead)
    for _ in range(desk.draw.randint(0, 3)):
        yield desk.wait(0.1, 5)
        inbound = desk.chance(0.25)
        touch = Touch(
            kind=desk.draw.choice((TouchKind.CALL, TouchKind.CALL, TouchKind.EMAIL)),
            direction=Direction.INBOUND if inbound else Direction.OUTBOUND,
        )
        desk.say(rep, touch, lead)
    desk.say(rep, SetScore(fit=desk.draw.randint(10, 60), engagement=desk.draw.randint(0, 40)), lead)
    if desk.chance(0.25):
        yield desk.wait(1, 12)
        desk.say(rep, DisqualifyLead(reason=desk.draw.choice(DISQUALIFIED)), lead)
        return
    for dimension, evidence in BANT.items():
        yield desk.wait(0.1, 3)
        verdict = Verdict.CONFIRMED if desk.chance(0.8) else Verdict.UNKNOWN
        proof = evidence if verdict == Verdict.CONFIRMED else None
        desk.say(rep, AssessBant(dimension=dimension, verdict=verdict, evidence=proof), lead)
    desk.say(rep, QualifyLead(), lead)
    yield desk.wait(0.2, 2)
    deal = desk.say(rep, ConvertLead(), lead).stream_id
    yield from selling(desk, rep, deal, machine, pieces)


def selling(desk: Desk, rep: str, deal: UUID, machine: str, pieces: int) -> Story:
    """From the tasting to the decision."""
    if desk.chance(0.85):
        yield desk.wait(1, 9)
        kind = desk.draw.choice((TouchKind.DEMO, TouchKind.MEETING, TouchKind.VISIT))
        tasting = desk.say(rep, Touch(kind=kind, note="three blends, eight tasters"), deal)
        if desk.chance(0.06):
            yield 0.1
            wrong = tasting.events[0].event_id
            desk.say(rep, RetractEntry(event_id=wrong, reason="entered on the wrong deal"), deal)
    yield desk.wait(1, 8)
    proposal = desk.new_id()
    desk.say(rep, SendProposal(proposal_id=proposal, options=options(machine, pieces)), deal)
    desk.say(rep, ChangeExpectedClose(expected_close=(desk.clock + timedelta(days=30)).date()), deal)
    call_back = ScheduleFollowUp(kind=TouchKind.CALL, due_at=desk.clock + timedelta(days=desk.wait(3, 15)))
    due: Any = desk.say(rep, call_back, deal).events[0].event
    if desk.chance(0.15):
        yield desk.wait(1, 2)
        late = Touch(kind=TouchKind.CALL, direction=Direction.INBOUND, note="asked for the beans' origin")
        desk.say(rep, late, deal, days_ago=desk.wait(1, 3))
    if desk.chance(0.1):
        yield desk.wait(2, 6)
        desk.say(rep, MoveStage(stage="tasting", reason="wants to taste the other machine first"), deal)
        yield desk.wait(2, 9)
        desk.say(rep, Touch(kind=TouchKind.DEMO), deal)
    if desk.chance(0.5):
        yield desk.wait(2, 12)
        pieces = max(1, pieces - 1)
        desk.say(rep, ReviseProposal(proposal_id=proposal, options=options(machine, pieces)), deal)
    yield desk.wait(3, 25)
    desk.say(rep, CompleteFollowUp(follow_up_id=due.follow_up_id, outcome="reached"), deal)
    if desk.chance(0.4):
        desk.say(rep, Lose(reason=desk.draw.choice(LOST)), deal)
        if not desk.chance(0.15):
            return
        yield desk.wait(5, 30)
        desk.say(rep, ReopenDeal(stage="proposal", reason="the other supplier can't deliver"), deal)
        yield desk.wait(2, 10)
    price = euros(MACHINES[machine] * pieces)
    desk.say(rep, AcceptProposal(proposal_id=proposal, option=options(machine, pieces)[-1].name), deal)
    desk.say(rep, Win(evidence="signed order, kept with the contracts", value=price), deal)
    yield desk.wait(5, 20)
    desk.say(rep, RecordDelivery(), deal)
    yield desk.wait(5, 25)
    desk.say(rep, RecordPayment(amount=price), deal)
    if desk.chance(0.7):
        yield desk.wait(5, 20)
        desk.say(rep, RecordSatisfaction(score=desk.draw.choice((10, 9, 9, 8, 6))), deal)


def options(machine: str, pieces: int) -> tuple[ProposalOption, ...]:
    """Highest price first: with beans and service for a year, or the machines alone."""
    machines = ProposalLine(item=f"{machine} machine", quantity=pieces, price=euros(MACHINES[machine]))
    beans = ProposalLine(item="beans and service, a year", quantity=pieces, price=euros(780_00))
    alone = euros(MACHINES[machine] * pieces)
    full = euros((MACHINES[machine] + 780_00) * pieces)
    return (
        ProposalOption(name="all in", price=full, lines=(machines, beans)),
        ProposalOption(name="machines", price=alone, lines=(machines,)),
    )


def euros(cents: int) -> Money:
    return Money(amount_minor=cents, currency="EUR")
