"""Correcting what is kept of a person: the row goes and comes again with other details; no event and no id changes.

It leaves a trace without the values: whose, when and by whom (table erasures, for what stood there is erased), and
which details (the command's answer, at the same moment).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import select

from engine.errors import Conflict, NotFound
from engine.log.application import Log
from engine.log.erasure import note_erasure
from engine.log.identity import to_database
from engine.log.locked import append_lock
from engine.log.people import find_person, person_of
from engine.log.sides import command_row, insert_commands, insert_erasable
from engine.log.tables import people
from engine.log.writes import CORRECTION, CommandRecord, Erasable, Person

DETAILS: Final = ("name", "email", "phone")
"""what can be corrected; role, source and key are by what a person is known"""


@dataclass(frozen=True, slots=True)
class Correction:
    """What came of it; the first answer again when it was made before."""

    person_id: UUID
    changed: tuple[str, ...]
    """the details that are others now; none when they were so already"""
    position: int
    """of the log then: a correction adds no event"""
    repeated: bool = False


def correct_person(
    log: Log, named: str, details: Mapping[str, str | None], *, actor: UUID, command_id: UUID
) -> Correction:
    """Sets those of DETAILS that are given, and takes away those given as None. named: id, key or source:key.

    Raises NotFound where nobody is called so (any more), Rejected where several are, Conflict where the command id
    belongs to something else.
    """
    known = log.command(command_id)
    if known is not None and known.fingerprint == CORRECTION:
        # The person has been erased since: what was asked can be compared no more.
        return _made_before(known.result)
    person_id = find_person(log, named).person_id
    fingerprint = CORRECTION + sha256(to_json([person_id, sorted(details.items())])).hexdigest()
    with append_lock(log.engine, (), [command_id]) as writing:
        connection, head = writing.connection, writing.head
        if command_id in head.commands:
            before, result = head.commands[command_id]
            if before != fingerprint:
                raise Conflict(f"the command id {command_id} was used for another command: give each its own")
            return _made_before(json.loads(result))
        its_own = people.c.person_id == to_database(connection, person_id)
        row = connection.execute(select(people).where(its_own)).one_or_none()
        if row is None:
            raise NotFound(f"there is no person {named} any more: erased a moment ago")
        now = person_of(row)
        changed = tuple(each for each in DETAILS if each in details and details[each] != getattr(now, each))
        at = head.next_recorded_at
        if changed:
            connection.execute(people.delete().where(its_own))
            then = (details.get(each, getattr(now, each)) for each in DETAILS)
            insert_erasable(writing, Erasable(people=[Person(person_id, now.role, now.source, now.key, *then)]))
            at = note_erasure(writing, person_id, actor)
        record = CommandRecord(command_id, fingerprint, {"person_id": person_id, "changed": changed})
        insert_commands(writing, [command_row(record, head.position, at)])
    return Correction(person_id, changed, head.position)


def _made_before(result: Mapping[str, Any]) -> Correction:
    return Correction(UUID(result["person_id"]), tuple(result["changed"]), result["position"], repeated=True)
