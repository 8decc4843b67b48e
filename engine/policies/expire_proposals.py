"""A proposal that is about to expire reminds its owner; one that has expired is recorded as such."""

from typing import TYPE_CHECKING

from engine.aggregates.deal.commands import ExpireProposal
from engine.policies.due import Due, Policy, Since, asked, one_id
from engine.projections.duties import known, proposals
from engine.stages.work import Task
from engine.values import TouchKind

if TYPE_CHECKING:
    from engine.projections.views import Look

NAME = "expire_proposals"
DAY = 86_400_000_000
REMINDER = Task(key="reminder", kind=TouchKind.CALL, note="the proposal is about to expire")


def due(look: "Look", since: Since) -> list[Due]:
    rule = look.definition.proposals
    if rule is None:
        return []
    done, found = known(look, NAME), []
    for each in proposals(look, since, round((rule.remind_days or 0) * DAY)):
        step = one_id(NAME, each.journey, each.because)
        if each.expires_at <= look.as_of:
            if rule.expire:
                command = ExpireProposal(proposal_id=each.proposal)
                command_id = one_id(NAME, "expire", each.proposal, each.because)
                found.append(Due(NAME, each.journey, each.stream, command, command_id, each.because))
        elif step not in done:
            found.append(asked(look, NAME, each, step, REMINDER, due_at=each.expires_at))
    return found


EXPIRE_PROPOSALS = Policy(
    NAME,
    "reminds before a proposal expires, and records that it has",
    due,
    lambda definition, stage: bool(definition.proposals) and stage.kind == "open",
)
