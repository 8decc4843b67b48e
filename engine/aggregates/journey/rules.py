"""May it? The rules that leads and deals share.

What happened is recorded, also late, also on a closed journey; what is decided (a win, a move) is checked.
"""

from typing import assert_never
from uuid import UUID

from engine.aggregates.context import Context, Entry, Standing
from engine.aggregates.journey.asking import ask, was_withdrawn, withdraw
from engine.aggregates.journey.commands import (
    AddNote,
    AskFollowUp,
    AssessBant,
    AssignOwner,
    CancelFollowUp,
    CompleteFollowUp,
    EntryCommand,
    HandOver,
    RaiseStalled,
    RecordSignal,
    RetractEntry,
    ScheduleFollowUp,
    SetAttributes,
    SetScore,
    SnoozeFollowUp,
    Touch,
    WithdrawFollowUp,
)
from engine.aggregates.journey.stalling import raise_stalled
from engine.aggregates.journey.state import Journey, as_dict
from engine.aggregates.journey.vocabulary import Vocabulary
from engine.entries import EntryRetracted
from engine.errors import Rejected
from engine.messages import Event
from engine.stages.definition import Definition
from engine.stages.facts import MERGES, OPENINGS
from engine.values import Attribute, TextRef


def decide_entry(journey: Journey, command: EntryCommand, context: Context, words: Vocabulary) -> list[Event]:
    match command:
        case Touch():
            return [
                words.Touched(
                    kind=command.kind,
                    direction=command.direction,
                    automated=command.automated,
                    note=optional_text(context, command.note),
                )
            ]
        case AssessBant():
            return assess(journey, command, context, words)
        case RecordSignal():
            return [words.SignalRecorded(signal=command.signal)]
        case SetScore():
            if command.fit is None and command.engagement is None:
                raise Rejected("a score needs fit, engagement or both: pass at least one")
            same = command.fit in (None, journey.fit) and command.engagement in (None, journey.engagement)
            if same and not late(context):
                return []
            return [words.Scored(fit=command.fit, engagement=command.engagement)]
        case AssignOwner() | HandOver():
            owner = context.person(command.owner, "rep")
            if owner == journey.owner and not late(context):
                return []
            return [words.OwnerAssigned(owner=owner)]
        case SetAttributes():
            attributes = changed(journey, command.attributes, context)
            return [words.AttributesSet(attributes=attributes)] if attributes else []
        case AddNote():
            return [words.NoteAdded(note=context.text(command.note))]
        case RaiseStalled():
            return raise_stalled(journey, command, context, words)
        case ScheduleFollowUp():
            if command.due_at < context.occurred_at:
                raise Rejected(
                    f"due_at {command.due_at.isoformat()} is before the follow-up is scheduled: pass a later one"
                )
            if command.follow_up_id in journey.follow_ups:
                return []
            return [
                words.FollowUpScheduled(
                    follow_up_id=command.follow_up_id or context.new_id(),
                    kind=command.kind,
                    due_at=command.due_at,
                    owner=None if command.owner is None else context.person(command.owner, "rep"),
                    note=optional_text(context, command.note),
                )
            ]
        case CompleteFollowUp():
            if not was_withdrawn(journey, command.follow_up_id, context):
                must_be_an_open_follow_up(journey, command.follow_up_id)
            return [words.FollowUpCompleted(follow_up_id=command.follow_up_id, outcome=command.outcome)]
        case SnoozeFollowUp():
            must_be_an_open_follow_up(journey, command.follow_up_id)
            if command.until <= context.now:
                raise Rejected(f"until {command.until.isoformat()} is past: snooze a follow-up until a future moment")
            return [
                words.FollowUpSnoozed(follow_up_id=command.follow_up_id, until=command.until, reason=command.reason)
            ]
        case CancelFollowUp():
            must_be_an_open_follow_up(journey, command.follow_up_id)
            return [words.FollowUpCancelled(follow_up_id=command.follow_up_id, reason=command.reason)]
        case AskFollowUp():
            return ask(journey, command, context, words)
        case WithdrawFollowUp():
            return withdraw(journey, command, words)
        case _:
            assert_never(command)


def assess(journey: Journey, command: AssessBant, context: Context, words: Vocabulary) -> list[Event]:
    known = journey.bant.get(command.dimension)
    if known is not None and known.verdict == command.verdict and not late(context):
        nothing_new = command.evidence is None or context.same_text(known.evidence, command.evidence)
        if nothing_new:
            return []
    return [
        words.BantAssessed(
            dimension=command.dimension,
            verdict=command.verdict,
            evidence=optional_text(context, command.evidence),
        )
    ]


def changed(journey: Journey, attributes: tuple[Attribute, ...], context: Context) -> tuple[Attribute, ...]:
    """The attributes that differ from what is known; all of a late entry, which may have differed then."""
    must_name_attributes_once(attributes)
    if late(context):
        return attributes
    return tuple(each for each in attributes if journey.attributes.get(each.name) != each.value)


def must_name_attributes_once(attributes: tuple[Attribute, ...]) -> None:
    if len(as_dict(attributes)) < len(attributes):
        raise Rejected("an attribute is named twice: give each attribute one value")


def retract(
    journey: Journey, command: RetractEntry, context: Context, words: Vocabulary, irrevocable: tuple[type[Event], ...]
) -> list[Event]:
    entry = next((entry for entry in context.entries if entry.event_id == command.event_id and entry.own), None)
    if entry is None:
        raise Rejected(f"there is no entry {command.event_id} in this history: name the event_id of one that is")
    if isinstance(entry.event, EntryRetracted):
        raise Rejected("a retraction is not taken back: enter the fact again")
    if entry.retracted:
        raise Rejected(f"entry {command.event_id} is retracted already")
    if isinstance(entry.event, irrevocable):
        raise Rejected("a conversion is not taken back: the lead and its deal are one journey; lose the deal instead")
    if command.reason is None:
        raise Rejected("an entry is retracted with a reason: pass one that says what was wrong with it")
    must_hide_no_win(journey, entry, context)
    return [
        words.EntryRetracted(
            event_id=command.event_id, reason=command.reason, comment=optional_text(context, command.comment)
        )
    ]


def must_be_an_open_follow_up(journey: Journey, follow_up_id: UUID) -> None:
    follow_up = journey.follow_ups.get(follow_up_id)
    if follow_up is None:
        raise Rejected(f"there is no follow-up {follow_up_id} here: schedule it first")
    if follow_up.status != "open":
        raise Rejected(f"follow-up {follow_up_id} is {follow_up.status} already: schedule a new one")


def must_be_open_stage(definition: Definition, stage: str) -> str:
    """The live key of an open stage, also when it is named by a key it replaced."""
    rank = definition.ranks.get(stage)
    open_keys = ", ".join(known.key for known in definition.stages if known.kind == "open")
    if rank is None:
        raise Rejected(f"pipeline {definition.pipeline!r} has no stage {stage!r}: use one of {open_keys}")
    if definition.kind_of(rank) != "open":
        raise Rejected(f"stage {stage!r} is of kind {definition.kind_of(rank)}: use an open one ({open_keys})")
    return definition.key_of(rank)


def must_be_another_journey(into: UUID, context: Context) -> UUID:
    """Merges go from duplicates to one that stands; a chain or a ring of them would have no end."""
    target = context.other(into)
    if target is None or target.state.pipeline is None:
        raise Rejected(f"there is no lead or deal {into} to merge into: name one that exists")
    if target.journey_id == context.journey_id:
        raise Rejected("a journey is not merged into itself: name the other one")
    if target.state.merged_into is not None:
        raise Rejected(f"{into} was itself merged into {target.state.merged_into}: merge into that one")
    return target.journey_id


def must_not_be_won(context: Context, *, told: bool = False) -> None:
    """Merged away, a sale would leave every count of wins. told: a win says so, of whatever date."""
    if told or _is_won(context.standing):
        raise Rejected(
            "it is won, and a sale counts where it was made: merge the other one into it; "
            "where the same sale was told twice, retract this one's win first"
        )


def must_hide_no_win(journey: Journey, retracted: Entry, context: Context) -> None:
    """As must_not_be_won, of a correction after the merge."""
    if journey.merged_into is None or type(retracted.event).__name__ in OPENINGS | MERGES:
        return
    if _is_won(context.standing_without(retracted.event_id)) and not _is_won(context.standing_without(None)):
        raise Rejected(
            f"without it the journey is won, and its sale would be hidden: it was merged into {journey.merged_into}; "
            "retract the merge first"
        )


def _is_won(standing: Standing) -> bool:
    return standing.kind in ("won", "after_sale")


def must_follow(context: Context, *kinds: type[Event]) -> None:
    """A decision is not dated before what it rests on: it would be recorded and have no effect."""
    for entry in context.entries:
        if isinstance(entry.event, kinds) and not entry.retracted and entry.occurred_at > context.occurred_at:
            raise Rejected(
                f"{type(entry.event).__name__} happened at {entry.occurred_at.isoformat()}, after the occurred_at "
                f"given ({context.occurred_at.isoformat()}): give a later one"
            )


def late(context: Context) -> bool:
    """Whether something later is known already: then "no change" now says nothing about then."""
    return any(not entry.retracted and entry.occurred_at > context.occurred_at for entry in context.entries)


def optional_text(context: Context, body: str | None) -> TextRef | None:
    return None if body is None else context.text(body)
