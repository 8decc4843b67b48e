"""Runs the policies: look, ask each what is due, and send its commands the way of every change.

Any number of processes may run at once, with clocks that differ, and be killed at any moment: a command's id is the
same wherever it is found, the aggregate looks again before it agrees, and what it decides is one transaction.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from engine.aggregates.pipeline.commands import ActivatePolicy
from engine.errors import Conflict, DealtrailError
from engine.handle import handle
from engine.log.application import Log
from engine.log.people import ensure_people
from engine.policies.activation import activated, asked_for
from engine.policies.due import Due, Policy, Since
from engine.policies.every import POLICIES
from engine.policies.would import looked_from, must_have_begun, world_of, would
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.views import Views
from engine.values import from_micros, to_micros

SOURCE = "policy"
"""Policies act as people of this source, by their name."""

What = Literal["done", "would", "known", "over", "refused"]


@dataclass(frozen=True, slots=True)
class Done:
    """What came of something due."""

    due: Due
    what: What
    """done now; would be done (a dry run); known: another process was first; over: not true any more; refused"""
    why: str | None = None


def run_once(
    log: Log,
    views: Views,
    *,
    policies: Sequence[Policy] = POLICIES,
    now: datetime | None = None,
    since: datetime | None = None,
    dry_run: bool = False,
    tell: Callable[[Done], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> list[Done]:
    """One round over all pipelines; returns what was due and what came of it.

    now: the moment to look from (the present without). since: leave alone what was due before then; without it the
    policy's first run counts. dry_run: nothing is written. stop: asked before each step, whether to leave the rest to
    the next round.
    """
    if dry_run:
        return [Done(due, "would") for due in would(log, views, world_of(views, now), policies=policies, since=since)]
    must_have_begun(since, now or datetime.now(UTC))
    views.catch_up()
    done: list[Done] = []
    for pipeline in views.pipelines():
        for policy in policies:
            if stop():
                return done
            look = views.look(pipeline, lens(now))
            if not asked_for(policy, look.definition) or not policy.wanted(look):
                continue
            for due in in_turn(policy.due(look, moments(log, views, policy, look, since, now))):
                if stop():
                    return done
                done.append(do(log, due, now))
                if tell is not None:
                    tell(done[-1])
    return done


def in_turn(everything: Sequence[Due]) -> list[Due]:
    """By their turn; else each process in an order of its own, so that several share the work and rarely meet."""
    return sorted(random.sample(everything, len(everything)), key=lambda due: due.turn)


def lens(now: datetime | None) -> Lens:
    """To the microsecond: what is shown to people is rounded to the minute, what is decided is not."""
    return Lens(to_micros(datetime.now(UTC)), live=True) if now is None else Lens(to_micros(now))


def moments(
    log: Log,
    views: Views,
    policy: Policy,
    look: Look,
    since: datetime | None,
    now: datetime | None,
) -> Since:
    """From when on the policy looks at each stage."""
    first = look.as_of if since is None else to_micros(since)
    known = activated(log, policy, look.pipeline)
    if known is None:
        known = activate(log, policy, look.pipeline, first, now)
    return looked_from(policy, views.definitions.by_pipeline[look.pipeline], first, known, given=since is not None)


def activate(log: Log, policy: Policy, pipeline: str, since: int, now: datetime | None) -> int:
    """The moment that counts: the one given, or that of the process that was first."""
    command = ActivatePolicy.model_validate(
        {"pipeline": pipeline, "policy": policy.name, "since": from_micros(since), "unless_active": True}
    )
    handle(log, command, actor=actor(log, policy.name), origin=f"policy:{policy.name}", now=now)
    known = activated(log, policy, pipeline)
    assert known is not None
    return known


def actor(log: Log, policy: str) -> UUID:
    """person_id of a policy: it acts as somebody."""
    return ensure_people(log, [("actor", SOURCE, policy)])[SOURCE, policy].person_id


def do(log: Log, due: Due, now: datetime | None) -> Done:
    """Send one command. A refusal is told, not raised: the next round looks again."""
    if log.command(due.command_id) is not None:
        return Done(due, "known")
    try:
        outcome = handle(
            log,
            due.command,
            actor=actor(log, due.policy),
            origin=f"policy:{due.policy}",
            on=due.on,
            command_id=due.command_id,
            causation_id=due.started_by,
            now=now,
        )
    except Conflict as conflict:
        # The same thing said otherwise, by a process with another version of the definition.
        known = log.command(due.command_id) is not None
        return Done(due, "known") if known else Done(due, "refused", str(conflict))
    except DealtrailError as refusal:
        return Done(due, "refused", str(refusal))
    if outcome.repeated:
        return Done(due, "known")
    return Done(due, "done" if outcome.events else "over")
