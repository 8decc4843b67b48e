"""A proposal that is about to expire reminds its owner; one that has expired is recorded as such."""

from typing import TYPE_CHECKING

from engine.aggregates.deal.commands import ExpireProposal
from engine.policies.due import Due, Policy, Since, asked, one_id
from engine.projections.duties import proposals, to_ask
from engine.stages.work import Task
from engine.values import TouchKind

if TYPE_CHECKING:
    from engine.projections.look import Look

NAME = "expire_proposals"
DAY = 86_400_000_000
REMINDER = Task(key="reminder", kind=TouchKind.CALL, note="the proposal is about to expire")


def due(look: "Look", since: Since) -> list[Due]:
    rule = look.definition.proposals
    if rule is None:
        return []
    found = proposals(look, since, round((rule.remind_days or 0) * DAY))
    expired = [each for each in found if each.expires_at <= look.as_of] if rule.expire else []
    steps = {one_id(NAME, each.journey, each.because): each for each in found if each.expires_at > look.as_of}
    return [
        Due(
            NAME,
            each.journey,
            each.stream,
            ExpireProposal(proposal_id=each.proposal),
            one_id(NAME, "expire", each.proposal, each.because),
            each.because,
        )
        for each in expired
    ] + [
        asked(look, NAME, each, step, REMINDER, due_at=each.expires_at)
        for step, each in to_ask(look, NAME, steps).items()
    ]


EXPIRE_PROPOSALS = Policy(
    NAME,
    "reminds before a proposal expires, and records that it has",
    due,
    lambda definition, stage: bool(definition.proposals) and stage.kind == "open",
)
