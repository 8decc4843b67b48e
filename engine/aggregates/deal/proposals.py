"""May it? The rules of proposals: only a live one is revised, accepted, declined or expired."""

from uuid import UUID

from engine.aggregates.context import Context
from engine.aggregates.deal.commands import (
    AcceptProposal,
    DeclineProposal,
    ExpireProposal,
    ReviseProposal,
    SendProposal,
)
from engine.aggregates.deal.events import (
    Options,
    ProposalAccepted,
    ProposalDeclined,
    ProposalExpired,
    ProposalRevised,
    ProposalSent,
)
from engine.aggregates.deal.state import Deal, Proposal
from engine.aggregates.journey.rules import late
from engine.errors import Rejected
from engine.messages import Event


def send(state: Deal, command: SendProposal, context: Context) -> list[Event]:
    if command.proposal_id in state.proposals:
        raise Rejected(f"proposal {command.proposal_id} is sent already: revise it, or send one with another id")
    return [
        ProposalSent(
            proposal_id=command.proposal_id or context.new_id(),
            options=highest_first(command.options),
            expires_at=command.expires_at,
        )
    ]


def revise(state: Deal, command: ReviseProposal, context: Context) -> list[Event]:
    known = must_be_live(state, command.proposal_id)
    options = highest_first(command.options)
    if (options, command.expires_at) == (known.options, known.expires_at) and not late(context):
        return []
    return [ProposalRevised(proposal_id=command.proposal_id, options=options, expires_at=command.expires_at)]


def accept(state: Deal, command: AcceptProposal) -> list[Event]:
    known = must_be_live(state, command.proposal_id)
    names = [option.name for option in known.options]
    if command.option is not None and names and command.option not in names:
        raise Rejected(f"proposal {command.proposal_id} has no option {command.option!r}: use one of {names}")
    return [ProposalAccepted(proposal_id=command.proposal_id, option=command.option)]


def decline(state: Deal, command: DeclineProposal) -> list[Event]:
    must_be_live(state, command.proposal_id)
    if command.reason is None:
        raise Rejected("a proposal is declined with a reason: pass one, such as price")
    return [ProposalDeclined(proposal_id=command.proposal_id, reason=command.reason)]


def expire(state: Deal, command: ExpireProposal, context: Context) -> list[Event]:
    known = must_be_live(state, command.proposal_id)
    if known.expires_at is not None and known.expires_at > context.occurred_at:
        raise Rejected(f"the proposal holds until {known.expires_at.isoformat()}: decline or revise it before that")
    return [ProposalExpired(proposal_id=command.proposal_id)]


def must_be_live(state: Deal, proposal_id: UUID) -> Proposal:
    proposal = state.proposals.get(proposal_id)
    if proposal is None:
        raise Rejected(f"there is no proposal {proposal_id} on this deal: send it first")
    if proposal.status != "live":
        raise Rejected(f"proposal {proposal_id} is {proposal.status} already: send a new one")
    return proposal


def highest_first(options: Options) -> Options:
    names = [option.name for option in options]
    if len(set(names)) < len(names):
        raise Rejected("two options of a proposal have the same name: give each its own")
    if len({option.price.currency for option in options}) > 1:
        raise Rejected("the options of a proposal are in several currencies: send one proposal for each currency")
    return tuple(sorted(options, key=lambda option: -option.price.amount_minor))
