"""THE path of every change: load, decide, append.

load the stream and fold it -> decide(state, command, context) -> append the events, the erasable rows and the
command's answer in one transaction, at the version that was decided on.

handle does it for one command. handling is the same as a dialogue (engine/log/dialogue.py): of several that wait, each
is decided alone, and all are written in one transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID, uuid4

from engine.aggregates.inputs import PersonRef
from engine.decision import Decision, Request, decide
from engine.errors import Conflict, DealtrailError, Rejected
from engine.log.application import AlreadyDone, Log, Wanted
from engine.log.dialogue import Dialogue, alone
from engine.log.writes import CommandRecord, StreamWrite
from engine.messages import AnyRecorded, Command, Envelope, Recorded
from engine.streams import remember
from engine.values import utc, within_years

POLICY = "policy:"
"""how the origin of a policy's command begins"""
ATTEMPTS = 20
"""How often a command is decided when somebody else writes first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an accepted command; the first answer again when it was handled before."""

    command_id: UUID
    stream_id: UUID
    """the stream it changed or began; of a conversion the deal's"""
    version: int
    """of that stream, afterwards"""
    events: Sequence[AnyRecorded]
    """in the order of their positions; none when there was nothing to do"""
    position: int | None = None
    """of the log with it; None where it was not noted: of commands of a policy that led to nothing, and of old ones"""
    repeated: bool = False


def handling(
    log: Log,
    command: Command,
    *,
    actor: UUID | PersonRef,
    origin: str,
    on: UUID | None = None,
    command_id: UUID | None = None,
    occurred_at: datetime | None = None,
    expected_version: int | None = None,
    correlation_id: UUID | None = None,
    causation_id: UUID | None = None,
    now: datetime | None = None,
    may: Callable[[], None] = lambda: None,
) -> Dialogue[Outcome]:
    """Decide the command and write what comes of it; the same command_id again gives the first answer.

    actor: who does it, by person_id (not looked up again) or as a source system calls them, then added when new.
    on: the lead or deal it is about (for an opening: the new stream's id, random without; pipelines and reps are found
    by the command itself). occurred_at: in the past for a late entry; now without. expected_version: of that stream,
    as the caller saw it. may: raises where the caller may not; asked after each decision, whatever came of it. Raises
    NotFound, Rejected, Conflict; then nothing was written.
    """
    given = command_id
    command_id = command_id or uuid4()
    happened_at = None if occurred_at is None else aware(occurred_at)
    request = Request(
        command=command,
        on=on,
        actor=actor,
        origin=origin,
        command_id=command_id,
        fingerprint=fingerprint(command, on, happened_at),
        occurred_at=happened_at,
        now=datetime.now(UTC) if now is None else utc(now),
        expected_version=expected_version,
        correlation_id=correlation_id or command_id,
        causation_id=causation_id,
    )
    try:
        return (yield from decided(log, request, may))
    except AlreadyDone as done:
        return first_answer(log, done.record)
    except DealtrailError:
        # What was accepted once may be refused by now (a deal is won only once): a retry still gets its answer.
        known = log.command(given) if given is not None else None
        if known is None:
            raise
        if not known.is_of(request.fingerprint):
            raise Conflict(f"the command id {given} was used for another command: give each its own") from None
        return first_answer(log, known)


handle = alone(handling)
"""THE path of a command that comes alone: as handling, and returns the outcome."""


def decided(log: Log, request: Request, may: Callable[[], None]) -> Dialogue[Outcome]:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            decision = first_decision(log, request) if attempt == 1 else decide(log, request)
        finally:
            # Not before: what is found now may have been written a moment ago. And before a refusal tells of it.
            may()
        try:
            return (yield from written(log, request, decision))
        except AlreadyDone:
            raise
        except Conflict:
            # Decided anew: a caller's expected_version is looked at again there.
            if attempt == ATTEMPTS or log.command(request.command_id):
                raise
    raise AssertionError("the last attempt returned or raised")


def first_decision(log: Log, request: Request) -> Decision:
    """By what is remembered of the stream: if that is old, the append finds out, and a refusal is looked at again.

    A policy decides on what is there: when it finds nothing to do, nothing is appended that would find out.
    """
    if request.origin.startswith(POLICY):
        return decide(log, request)
    try:
        return decide(log, request, by_memory=True)
    except DealtrailError:
        return decide(log, request)


def written(log: Log, request: Request, decision: Decision) -> Dialogue[Outcome]:
    envelope = Envelope(
        decision.actor, request.command_id, request.correlation_id, request.causation_id, request.origin
    )
    writes = [
        StreamWrite(
            stream.stream_id,
            stream.version,
            [
                Recorded(event, stream.stream_id, version, uuid4(), decision.occurred_at, envelope)
                for version, event in enumerate(events, stream.version + 1)
            ],
        )
        for stream, events in decision.changes
    ]
    last = writes[-1]
    if request.origin.startswith(POLICY) and not any(write.events for write in writes):
        # What is over may come again: a policy's finding is remembered only when it led to something.
        return Outcome(request.command_id, last.stream_id, last.expected_version, ())
    version = last.expected_version + len(last.events)
    result = {
        "stream_id": last.stream_id,
        "version": version,
        "written": [[write.stream_id, write.expected_version, len(write.events)] for write in writes],
    }
    looked_at = [StreamWrite(stream_id, seen, ()) for stream_id, seen in decision.looked_at.items()]
    record = CommandRecord(request.command_id, request.fingerprint, result)
    done = yield Wanted([*writes, *looked_at], decision.erasable, record)
    for stream, _ in decision.changes:
        remember(log, stream, [event for event in done.events if event.stream_id == stream.stream_id])
    return Outcome(request.command_id, last.stream_id, version, done.events, done.position)


def first_answer(log: Log, record: CommandRecord) -> Outcome:
    """The outcome of the command when it was accepted."""
    events = [
        each
        for stream_id, before, count in record.result["written"]
        for each in log.stream(UUID(str(stream_id)))[before : before + count]
    ]
    stream_id = UUID(str(record.result["stream_id"]))
    noted = record.result.get("position")
    return Outcome(record.command_id, stream_id, record.result["version"], events, noted, repeated=True)


def aware(occurred_at: datetime) -> datetime:
    try:
        moment = utc(occurred_at)
        within_years(moment)
    except (ValueError, OverflowError) as wrong:
        raise Rejected(f"occurred_at: {wrong}") from None
    return moment


def fingerprint(command: Command, on: UUID | None, occurred_at: datetime | None) -> str:
    """What a retry must repeat to be one."""
    body = f"{type(command).__name__} {on} {occurred_at} {command.model_dump_json()}"
    return sha256(body.encode()).hexdigest()
