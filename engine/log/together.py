"""Several appends in one transaction: one lock, one flush to the disk for all. Each is checked, and refused, alone.

Who appends is told when the transaction is on the disk, never before. docs/adr/0009-one-commit-for-many.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from eventsourcing.persistence import IntegrityError
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError as RefusedByDatabase

from engine.errors import Conflict, Rejected
from engine.log.connect import POSTGRESQL
from engine.log.locked import Head, append_lock
from engine.log.one_trip import MOST, End, Message, append_in_one_trip
from engine.log.repeats import repeated
from engine.log.rows import Body, insert_rows
from engine.log.sides import CommandRow, but_position, command_row, erasable_rows, insert_commands, insert_erasable
from engine.log.stored import StoredRow
from engine.log.writes import NOTHING, CommandRecord, Erasable


@dataclass(frozen=True, slots=True)
class Append:
    """What is written together or not at all."""

    rows: Sequence[StoredRow]
    expected: Mapping[UUID, int]
    """the version that each stream must be at"""
    erasable: Erasable = NOTHING
    command: CommandRecord | None = None


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the log gave the events of one append: the first has these, each further one 1 more (1 µs later)."""

    position: int
    recorded_at: int

    def after(self, end: End) -> "Stamp":
        return Stamp(end.position + self.position, end.next_recorded_at + self.recorded_at)


Refused = Conflict | Rejected | IntegrityError


def append_all(engine: Engine, appends: Sequence[Append]) -> list[Stamp | Refused]:
    """Writes each or refuses it, in this order; what is refused writes nothing and leaves the others be.

    Refusals are AlreadyDone, Conflict, Rejected where a text can't be kept, and the library's IntegrityError where a
    row clashes with another. Raises Busy, and what the database itself says: then nothing was written, unless it was
    the answer to the commit that got lost.
    """
    if len(appends) > 1:
        try:
            return _in_one_transaction(engine, appends)
        except (RefusedByDatabase, Rejected):
            # A row of one was refused, and all were rolled back: whose it was shows when each goes alone.
            pass
    return [_alone(engine, each) for each in appends]


def _alone(engine: Engine, append: Append) -> Stamp | Refused:
    try:
        return _in_one_transaction(engine, [append])[0]
    except Rejected as error:
        return error
    except RefusedByDatabase as error:
        refused = IntegrityError(str(error.orig))
        refused.__cause__ = error
        return refused


def _in_one_transaction(engine: Engine, appends: Sequence[Append]) -> list[Stamp | Refused]:
    seen: dict[UUID, int] = {}
    for each in appends:
        # Of two that write to a stream the first tells the version that the log has.
        seen = {**each.expected, **seen}
    commands = [each.command.command_id for each in appends if each.command]
    asked = list(dict.fromkeys(commands))
    # What takes time is done before the lock: others wait for it.
    bodies = [[_body(row) for row in each.rows] for each in appends]
    fits = sum(map(len, bodies)) <= MOST and len(asked) == len(commands)
    if engine.dialect.name == POSTGRESQL and fits:
        turn, results = _gone_through(Head(0, 0, list(seen.values()), {}), list(seen), appends, bodies)
        end = append_in_one_trip(engine, turn.message(seen, asked))
        if end is not None:
            return [each.after(end) if isinstance(each, Stamp) else each for each in results]
    with append_lock(engine, list(seen), asked) as writing:
        turn, results = _gone_through(writing.head, list(seen), appends, bodies)
        insert_rows(writing, turn.versions, list(zip(*turn.bodies, strict=True)))
        if turn.erasable:
            insert_erasable(writing, turn.erasable)
        insert_commands(writing, turn.commands)
    return results


def _gone_through(
    head: Head, streams: Sequence[UUID], appends: Sequence[Append], bodies: Sequence[Sequence[Body]]
) -> tuple["_Turn", list[Stamp | Refused]]:
    turn = _Turn(head, streams)
    return turn, [turn.refused(each) or turn.accept(each, rows) for each, rows in zip(appends, bodies, strict=True)]


class _Turn:
    """What was accepted after a head of the log so far; the next is held against the log as it is with all of that."""

    def __init__(self, head: Head, streams: Sequence[UUID]) -> None:
        self.position, self.recorded_at = head.position, head.next_recorded_at
        self.at = dict(zip(streams, head.versions, strict=True))
        self.answered = dict(head.commands)
        self.versions: list[int] = []
        self.bodies: list[Body] = []
        self.erasable = NOTHING
        self.commands: list[CommandRow] = []
        self.after: list[int] = []
        """the position after each of the commands"""

    def refused(self, append: Append) -> Conflict | None:
        command = append.command
        if command and command.command_id in self.answered:
            return repeated(command, *self.answered[command.command_id])
        for stream, expected in append.expected.items():
            if self.at[stream] != expected:
                return Conflict(
                    f"the stream {stream} is at version {self.at[stream]}, not at {expected}: "
                    "somebody else was first; read it again"
                )
        return None

    def accept(self, append: Append, bodies: Sequence[Body]) -> Stamp:
        stamp = Stamp(self.position + 1, self.recorded_at)
        for row in append.rows:
            assert isinstance(row.originator_id, UUID)
            self.at[row.originator_id] = row.originator_version
            self.versions.append(row.originator_version)
        self.bodies += bodies
        self.position += len(bodies)
        self.recorded_at += len(bodies)
        if append.erasable:
            self.erasable += append.erasable
        if append.command:
            answer = command_row(append.command, self.position, stamp.recorded_at)
            self.answered[append.command.command_id] = answer[1:3]
            self.commands.append(answer)
            self.after.append(self.position)
        return stamp

    def message(self, seen: Mapping[UUID, int], asked: Sequence[UUID]) -> Message:
        """Of a turn after a head at 0."""
        answers = [
            (command_id, fingerprint, but_position(result, after), recorded_at)
            for (command_id, fingerprint, result, recorded_at), after in zip(self.commands, self.after, strict=True)
        ]
        beside = list(erasable_rows(self.erasable))
        return Message(seen, asked, self.versions, self.bodies, answers, self.after, beside)


def _body(row: StoredRow) -> Body:
    envelope = row.envelope
    assert isinstance(row.originator_id, UUID)
    return (
        row.event_id.bytes,
        row.originator_id.bytes,
        row.topic,
        row.occurred_at,
        envelope.actor.bytes,
        envelope.command_id.bytes,
        envelope.correlation_id.bytes,
        envelope.causation_id.bytes if envelope.causation_id else None,
        envelope.origin,
        row.state.decode(),
    )
