"""May the alert be raised? The policy found the journey stalled a moment ago, from views that may lag.

An alert is raised once for each event that started a clock, and once in a silence: after an alert, only something
recorded since (a touch, a move, a snooze that has run out) begins another episode.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from engine.aggregates.context import Context, Entry
from engine.aggregates.journey.commands import NextStep, RaiseStalled
from engine.aggregates.journey.state import Journey
from engine.aggregates.journey.vocabulary import Vocabulary
from engine.entries import EntryRetracted, FollowUpScheduled, FollowUpSnoozed, Stalled, Touched
from engine.messages import Event
from engine.stages.calendar import counted_after, counted_before
from engine.stages.definition import StallRule
from engine.values import again, from_micros, to_micros


def raise_stalled(journey: Journey, command: RaiseStalled, context: Context, words: Vocabulary) -> list[Event]:
    """The alert and its follow-up, for the owner or, with none, for the stage's team; nothing when it is over."""
    began = None if command.started_by in journey.alerted else clock_of(journey, command, context)
    if began is None:
        return []
    measured = (context.now - began).total_seconds() / 86_400
    stalled = words.Stalled(
        stage=command.stage,
        started_by=command.started_by,
        idle_days=measured if command.idle_days is None else command.idle_days,
        limit_days=command.limit_days,
        definition=command.definition,
    )
    if command.follow_up is None or put_off(journey):
        return [stalled]
    follow_up = words.FollowUpScheduled(
        follow_up_id=context.new_id(),
        kind=command.follow_up.kind,
        due_at=due_at(command.follow_up, context),
        owner=None if command.follow_up.for_team else journey.owner,
        note=None if command.follow_up.note is None else context.text(command.follow_up.note),
    )
    anew = [
        words.FollowUpCancelled(follow_up_id=each, reason="it is asked for anew") for each in asked(journey, context)
    ]
    return [*anew, stalled, follow_up]


def asked(journey: Journey, context: Context) -> list[UUID]:
    """The open follow-ups of earlier alerts, each of which stands just after its alert: of one clock while another runs
    still, of a silence that nobody looked at since, or asked for again as its withdrawal was a mistake.
    """
    entries = [entry for entry in context.entries if not entry.retracted and entry.by_policy]
    alerts = {entry.position for entry in entries if isinstance(entry.event, Stalled)}
    found: list[UUID] = []
    for entry in entries:
        if isinstance(entry.event, FollowUpScheduled):
            name = entry.event.follow_up_id
            if entry.position - 1 in alerts or name in [again(each) for each in found]:
                found.append(name)
    return [name for name in found if journey.follow_ups[name].status == "open"]


def put_off(journey: Journey) -> bool:
    """Whether somebody put off a next step that is open still. It is due by now: the alert asks for no other."""
    return any(each.status == "open" and each.snoozed_until is not None for each in journey.follow_ups.values())


def due_at(step: NextStep, context: Context) -> datetime:
    calendar = context.standing.definition.clock(step.business)
    return from_micros(counted_after(calendar, to_micros(context.occurred_at), step.within_days))


def clock_of(journey: Journey, command: RaiseStalled, context: Context) -> datetime | None:
    """When the clock started that the command names, if it runs still and has run for its days."""
    standing = context.standing
    entries = [entry for entry in context.entries if not entry.retracted]
    started = next((entry for entry in entries if entry.event_id == command.started_by), None)
    if started is None or standing.stage != command.stage or standing.kind not in ("open", None):
        return None
    if asleep(journey, context.now):
        return None
    rule = standing.definition.stages[standing.definition.ranks[command.stage]].stall if standing.kind else None
    clocks = running_clocks(entries, standing.entered_by, rule)
    snooze = snooze_over(journey, entries)
    signs = [sign.position for sign in (clocks["idle"], clocks["stage"], snooze) if sign is not None]
    alerts = [known.position for known in entries if isinstance(known.event, Stalled)]
    if alerts and max(alerts) > max(signs, default=0):
        return None
    running = [clock for name, clock in clocks.items() if clock is not None and command.clock in (None, name)]
    if snooze is None:
        running = [clock for clock in running if clock is started]
    elif started is not snooze:
        return None
    calendar = standing.definition.clock(rule.business if rule else None)
    limit = from_micros(counted_before(calendar, to_micros(context.now), command.limit_days))
    # After a snooze the alarm rings as soon as it is over, for any clock that had run out.
    began = min((clock.occurred_at for clock in running), default=None)
    return began if began is not None and began <= limit else None


def running_clocks(
    entries: Sequence[Entry], entered_by: UUID | None, rule: StallRule | None
) -> dict[str, Entry | None]:
    """What started each clock: the newest activity; the newest touch that counts, or the entry into the stage after it;
    that entry.
    """
    kinds = None if rule is None else rule.touch_kinds
    clocks: dict[str, Entry | None] = {"idle": None, "touch": None, "stage": None}
    for entry in entries:
        if is_activity(entry):
            clocks["idle"] = entry
            if isinstance(entry.event, Touched) and (kinds is None or entry.event.kind in kinds):
                clocks["touch"] = entry
        if entry.event_id == entered_by:
            clocks["stage"] = clocks["touch"] = entry
    return clocks


def asleep(journey: Journey, now: datetime) -> bool:
    """While an open follow-up of the journey is snoozed, nothing is raised."""
    return any(
        follow_up.status == "open" and follow_up.snoozed_until is not None and follow_up.snoozed_until > now
        for follow_up in journey.follow_ups.values()
    )


def snooze_over(journey: Journey, entries: Sequence[Entry]) -> Entry | None:
    """The newest snooze of an open follow-up, when no activity came after it."""
    for entry in reversed(entries):
        if isinstance(entry.event, FollowUpSnoozed) and journey.follow_ups[entry.event.follow_up_id].status == "open":
            return entry
        if is_activity(entry):
            return None
    return None


def is_activity(entry: Entry) -> bool:
    """Something a person or the customer did; alerts, snoozes and corrections leave a journey as silent as it was."""
    quiet = isinstance(entry.event, Stalled | FollowUpSnoozed | EntryRetracted)
    return not entry.retracted and not entry.by_policy and not quiet
