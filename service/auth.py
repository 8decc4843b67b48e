"""Who asks, and may they: an API key, its role, the roles a route allows. What no route allows is refused."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID, uuid4

from fastapi import Request
from fastapi.security.utils import get_authorization_scheme_param

from engine.log.application import Log
from engine.log.identity import to_database
from engine.log.tables import reads
from engine.values import to_micros
from service.http_errors import Refused
from service.keys import ROLES, Key, Role, find_key
from service.running import Running

EVERY = frozenset(ROLES)
WRITERS: frozenset[Role] = frozenset({"rep", "manager", "ops", "admin"})
"""of leads and deals; a rep of the own ones (rights.py)"""
LEADERS: frozenset[Role] = frozenset({"manager", "admin"})
"""of pipelines and the roster"""
WHOLE: frozenset[Role] = EVERY - {"rep"}
"""who may read what is not one team's"""
OPERATORS: frozenset[Role] = frozenset({"ops", "admin"})
ADMIN: frozenset[Role] = frozenset({"admin"})

TRUSTED_SECONDS = 1.0
"""how long a key that was looked up is taken for valid, so that a revocation is seen that late"""
ONCE = ("authorization", "idempotency-key", "if-match", "if-none-match", "content-length", "content-type")
"""headers of which a second one would leave open which counts"""

NOBODY = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. person_id is the actor of what comes of it."""

    person_id: UUID
    role: Role
    key_id: UUID
    prefix: str


class Keys:
    """The keys of one process: looked up in the database, and trusted for a moment."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self._known: dict[bytes, tuple[float, Key]] = {}

    def remembered(self, text: str) -> Key | None:
        found = self._known.get(sha256(text.encode()).digest())
        return found[1] if found is not None and time.monotonic() - found[0] < TRUSTED_SECONDS else None

    def look_up(self, text: str) -> Key | None:
        key = find_key(self.log, text)
        if key is not None:
            self._known[sha256(text.encode()).digest()] = (time.monotonic(), key)
        return key


def allowed(roles: frozenset[Role]) -> Callable[..., Awaitable[None]]:
    """The dependency of a route: it lets these roles in and notes who it is in request.state.caller."""

    async def check(request: Request) -> None:
        for name in ONCE:
            if len(request.headers.getlist(name)) > 1:
                raise Refused("malformed", f"{name} is there more than once: send it once")
        running: Running = request.app.state.running
        keys: Keys = request.app.state.keys
        kind, text = get_authorization_scheme_param(request.headers.get("authorization"))
        if kind.lower() != "bearer" or not text:
            raise Refused("unauthenticated", "send Authorization: Bearer and an API key", headers=NOBODY)
        key = keys.remembered(text) or await running.reading.run(lambda: keys.look_up(text))
        if key is None or not key.valid(datetime.now(UTC)):
            said = "this API key is unknown, expired or revoked: ask for a new one"
            raise Refused("unauthenticated", said, headers=NOBODY)
        caller = Caller(key.person_id, key.role, key.key_id, key.prefix)
        request.state.caller = caller
        if caller.role not in roles:
            may = ", ".join(role for role in ROLES if role in roles)
            raise Refused("forbidden", f"a key of role {caller.role} may not do this: it takes one of {may}")
        if caller.role == "auditor":
            # Before the answer: what can't be recorded is not read.
            path, query = request.url.path, request.url.query
            await running.reading.run(lambda: record_read(running.log, caller, path, query))

    return check


def record_read(log: Log, caller: Caller, path: str, query: str) -> None:
    with log.engine.connect() as connection:
        row = {
            "read_id": to_database(connection, uuid4()),
            "read_at": to_micros(datetime.now(UTC)),
            "person_id": to_database(connection, caller.person_id),
            "key_id": to_database(connection, caller.key_id),
            "path": path,
            "query": query,
        }
        connection.execute(reads.insert().values(row))


def caller_of(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller
