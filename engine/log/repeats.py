"""A command whose id the log has already: a retry gets the first's answer, another body is somebody's mistake."""

import json

from engine.errors import Conflict
from engine.log.writes import CommandRecord


class AlreadyDone(Conflict):
    """The command was accepted before, perhaps a moment ago by another process; .record is its answer."""

    def __init__(self, record: CommandRecord) -> None:
        super().__init__(f"the command {record.command_id} was accepted before: its first answer stands")
        self.record = record


def repeated(command: CommandRecord, fingerprint: str, result: str) -> Conflict:
    """What to raise: AlreadyDone, or a Conflict where the log knows the id with another body's fingerprint."""
    known = CommandRecord(command.command_id, fingerprint, json.loads(result))
    if known.is_of(command.fingerprint):
        return AlreadyDone(known)
    return Conflict(
        f"the command id {command.command_id} was used before for another command: give each command its own id"
    )
