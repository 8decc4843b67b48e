"""A journey stalls: one alert with its reason, and one follow-up for its owner or the stage's team.

The team's it is where nobody owns the journey, or somebody who has left the roster.
"""

from typing import TYPE_CHECKING
from uuid import UUID

from engine.aggregates.journey.commands import NextStep, RaiseStalled
from engine.policies.due import Due, Policy, Since, asked, one_id
from engine.projections.duties import Place
from engine.projections.resumed import Resumed, resumed
from engine.projections.roster import departed
from engine.projections.stalling import Episode, episodes
from engine.stages.definition import StallRule
from engine.stages.work import Task
from engine.values import TouchKind

if TYPE_CHECKING:
    from engine.projections.look import Look

NAME = "raise_stalled"


def due(look: "Look", since: Since) -> list[Due]:
    """One alert for each journey that stalled since and was not alerted of it yet, longest silent first."""
    rules = {stage.key: stage.stall for stage in look.definition.stages}
    gone = {UUID(hex=rep) for rep in departed(look.membership)}
    alerts = [
        alert(episode, rules[episode.stage], look.version, for_team=episode.owner in gone)
        for episode in episodes(look, since)
    ]
    alerted = {due.journey for due in alerts}
    return alerts + [
        ask_again(look, each, rules[each.episode.stage])
        for each in resumed(look, NAME)
        if each.episode.journey not in alerted
    ]


def ask_again(look: "Look", found: Resumed, rule: StallRule | None) -> Due:
    assert rule is not None
    episode = found.episode
    place = Place(episode.journey, episode.stream, episode.stage, episode.owner, look.as_of, episode.started_by)
    task = Task(
        key="stalled",
        kind=rule.follow_up or TouchKind.CALL,
        within_days=rule.follow_up_days or 1,
        business=bool(rule.business),
        note=why(episode, rule),
    )
    return asked(look, NAME, place, found.follow_up, task)


def alert(episode: Episode, rule: StallRule | None, version: int, *, for_team: bool) -> Due:
    assert rule is not None
    step = NextStep(
        kind=rule.follow_up or TouchKind.CALL,
        within_days=rule.follow_up_days or 1,
        business=bool(rule.business),
        note=why(episode, rule),
        for_team=for_team,
    )
    command = RaiseStalled(
        stage=episode.stage,
        started_by=episode.started_by,
        clock=episode.clock,
        limit_days=episode.limit_days,
        definition=version,
        follow_up=step,
    )
    command_id = one_id(NAME, episode.journey, episode.started_by)
    return Due(NAME, episode.journey, episode.stream, command, command_id, episode.started_by)


def why(episode: Episode, rule: StallRule) -> str:
    """As a colleague would say it."""
    days = f"{episode.limit_days:g} {'working ' if rule.business else ''}{'day' if episode.limit_days == 1 else 'days'}"
    match episode.clock:
        case "idle":
            return f"nothing happened for {days}"
        case "touch":
            kinds = " or ".join(kind.value for kind in rule.touch_kinds or ()) or "touch"
            return f"no {kinds} for {days}"
        case "stage":
            return f"in {episode.stage} for {days}"


RAISE_STALLED = Policy(
    NAME,
    "alerts once when a journey stalls by its stage's rule, and asks its owner to follow up",
    due,
    declared=lambda _, stage: stage.kind == "open" and stage.stall is not None,
)
