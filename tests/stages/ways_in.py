"""What has to happen for a criterion to hold: every way, as commands to a lead that has just been captured."""

from dataclasses import dataclass
from itertools import product
from uuid import UUID

from engine.aggregates.deal.commands import (
    Lose,
    RecordDelivery,
    RecordPayment,
    RecordSatisfaction,
    ReviseProposal,
    SendProposal,
    Win,
)
from engine.aggregates.deal.events import ProposalOption
from engine.aggregates.journey.commands import AssessBant, SetScore
from engine.aggregates.lead.commands import ConvertLead, DisqualifyLead, QualifyLead
from engine.messages import Command
from engine.stages.criteria import Criterion
from engine.values import Dimension, Money, TouchKind
from tests.checklist.desk import confirmed, signal, touch

CONVERT, WIN = ConvertLead(), Win(evidence="order 7")
OFFER = UUID("00000000-0000-0000-0000-00000000000f")
CHEAPER = (ProposalOption(name="cheaper", price=Money.of(90, "EUR")),)


@dataclass(frozen=True)
class Way:
    """First comes what must be there already, then what brings the journey in, the last command being the decisive."""

    first: tuple[Command, ...]
    then: tuple[Command, ...]
    at_this_event: bool = False
    """The criterion speaks of this very event, so it comes last."""


EVENTS = {
    "LeadQualified": Way((), (QualifyLead(),)),
    "LeadDisqualified": Way((), (DisqualifyLead(reason="no budget"),)),
    "DealOpened": Way((), (CONVERT,)),
    "ProposalSent": Way((CONVERT,), (SendProposal(),)),
    "ProposalRevised": Way(
        (CONVERT, SendProposal(proposal_id=OFFER)), (ReviseProposal(proposal_id=OFFER, options=CHEAPER),)
    ),
    "DealWon": Way((CONVERT,), (WIN,)),
    "DealLost": Way((CONVERT,), (Lose(reason="price"),)),
    "PaymentReceived": Way((CONVERT, WIN), (RecordPayment(),)),
    "Delivered": Way((CONVERT, WIN), (RecordDelivery(),)),
    "SatisfactionRecorded": Way((CONVERT, WIN), (RecordSatisfaction(score=8),)),
}


def ways(criterion: Criterion) -> list[Way]:
    """KeyError for an event and AssertionError for a kind of criterion that no preset has needed so far."""
    c = criterion
    if c.any is not None:
        return [way for part in c.any for way in ways(part)]
    if c.all is not None:
        return [together(parts) for parts in product(*map(ways, c.all))]
    if c.event is not None:
        way = EVENTS[c.event]
        return [Way(way.first, way.then, at_this_event=True)]
    if c.happened is not None:
        return [EVENTS[c.happened]]
    if c.signal is not None:
        return [Way((), (signal(text),), at_this_event=True) for text in c.signal]
    if c.touch is not None:
        return [Way((), (touch(kind),), at_this_event=True) for kind in c.touch.kind]
    if c.touches is not None:
        return [Way((), (touch(kind),) * c.touches.at_least) for kind in c.touches.kind or TouchKind]
    if c.bant is not None:
        return [Way((), (AssessBant(dimension=c.bant.dimension, verdict=c.bant.verdict),))]
    if c.bant_confirmed is not None:
        return [Way((), tuple(map(confirmed, Dimension))[: c.bant_confirmed.at_least])]
    assert c.score is not None, c.describe()
    return [Way((), (SetScore(fit=c.score.at_least - 1), SetScore(engagement=1)))]


def together(parts: tuple[Way, ...]) -> Way:
    first = tuple(dict.fromkeys(command for part in parts for command in part.first))
    ordered = sorted(parts, key=lambda part: part.at_this_event)
    return Way(first, tuple(command for part in ordered for command in part.then), ordered[-1].at_this_event)
