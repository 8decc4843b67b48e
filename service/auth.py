"""Who asks, and may they: an API key or a token, its role, the roles a route allows. The rest is refused."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID, uuid4, uuid5

from fastapi import Request
from fastapi.security.utils import get_authorization_scheme_param

from engine.lately import Lately
from engine.log.application import Log
from engine.log.identity import to_database
from engine.log.people import ensure_people
from engine.log.tables import reads
from engine.values import to_micros
from service.away import unless_away
from service.http_errors import Refused
from service.issuer_keys import IssuerSilent
from service.keys import BEGINS, ROLES, Key, Role, find_key
from service.membership import has_left
from service.running import Running
from service.slashes import shown
from service.tokens import BadToken, Issuer, NoRole
from service.work import Unanswered

EVERY = frozenset(ROLES)
WRITERS: frozenset[Role] = frozenset({"rep", "manager", "ops", "admin"})
"""of leads and deals; a rep of the own ones (rights.py)"""
KEEPERS: frozenset[Role] = WRITERS - {"rep"}
"""of who is who: whose customer somebody is, the log tells only who reads all of it"""
LEADERS: frozenset[Role] = frozenset({"manager", "admin"})
"""of pipelines, the roster and targets"""
WHOLE: frozenset[Role] = EVERY - {"rep"}
"""who may read what is not one team's: journeys of all, the feed, webhooks, metrics"""
OPERATORS: frozenset[Role] = frozenset({"ops", "admin"})
ADMIN: frozenset[Role] = frozenset({"admin"})

TRUSTED_SECONDS = 1.0
"""how long a key or token that was looked up is taken for valid, so that a revocation is seen that late"""
AWAY_SECONDS = 86_400.0
"""how long a key that was valid is good for metrics, while the database is away"""
TOKENS = UUID("0a0c6f0e-6a55-5a0e-9d6c-3d0f7b1b9a51")
ONCE = {b"authorization", b"idempotency-key", b"if-match", b"if-none-match", b"content-length", b"content-type"}
"""headers of which a second one would leave open which counts"""

NOBODY = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. person_id is the actor of what comes of it."""

    person_id: UUID
    role: Role
    key_id: UUID
    prefix: str
    """of the key, for the log; "oidc" of a token"""


class Callers:
    """Who is behind a key or a token: looked up by one process, and taken as true for a moment."""

    def __init__(self, log: Log, issuer: Issuer | None) -> None:
        self.log = log
        self.issuer = issuer
        """of bearer tokens; None: API keys are the only way in"""
        self._known: Lately[bytes, tuple[float, Caller]] = Lately(1_024)
        self._keys: Lately[bytes, tuple[float, Key]] = Lately(64)
        """of who may read metrics, as they were found last; who tries others pushes none of them out"""

    def remembered(self, text: str) -> Caller | None:
        found = self._known.get(sha256(text.encode()).digest())
        return found[1] if found is not None and time.monotonic() - found[0] < TRUSTED_SECONDS else None

    def look_up(self, text: str) -> Caller:
        """Raises Refused where the text lets nobody in."""
        issuer = self.issuer
        caller = self._of_key(text) if issuer is None or text.startswith(BEGINS) else self._of_token(issuer, text)
        self._known.put(sha256(text.encode()).digest(), (time.monotonic(), caller))
        return caller

    def before(self, text: str) -> Caller:
        """Whose key it was when the database said so last. Raises Unanswered where that is long ago, or never was."""
        found = self._keys.get(sha256(text.encode()).digest())
        if found is None or time.monotonic() - found[0] >= AWAY_SECONDS or not found[1].valid(datetime.now(UTC)):
            raise Unanswered
        return caller_with(found[1])

    def _of_key(self, text: str) -> Caller:
        key = find_key(self.log, text)
        if key is not None and key.role in WHOLE:
            self._keys.put(sha256(text.encode()).digest(), (time.monotonic(), key))
        if key is None or not key.valid(datetime.now(UTC)):
            said = "this API key is unknown, expired or revoked: ask for a new one"
            raise Refused("unauthenticated", said, headers=NOBODY)
        return caller_with(key)

    def _of_token(self, issuer: Issuer, text: str) -> Caller:
        try:
            told = issuer.read(text)
        except BadToken as error:
            raise Refused("unauthenticated", str(error), headers=NOBODY) from error
        except NoRole as error:
            raise Refused("forbidden", str(error)) from error
        except IssuerSilent as error:
            logging.getLogger(__name__).warning("issuer", exc_info=error)
            said = "who you are can't be checked now: the issuer of your token does not answer; try again in a moment"
            raise Refused("unreachable", said, headers={"Retry-After": "10"}) from error
        # Whoever comes for the first time is added; so every write has an actor that can be named, and erased.
        person = ensure_people(self.log, [("actor", issuer.person_source, told.key)])[issuer.person_source, told.key]
        return Caller(person.person_id, told.role, uuid5(TOKENS, f"{issuer.url} {told.token}"), "oidc")


def caller_with(key: Key) -> Caller:
    return Caller(key.person_id, key.role, key.key_id, key.prefix)


def allowed(roles: frozenset[Role], *, though_away: bool = False) -> Callable[..., Awaitable[None]]:
    """The dependency of a route: it lets these roles in and notes who it is in request.state.caller.

    though_away: while the database does not answer, a key that it knew counts.
    """

    async def check(request: Request) -> None:
        telling = [name for name, _ in request.scope["headers"] if name in ONCE]
        if len(set(telling)) < len(telling):
            name = next(each for each in telling if telling.count(each) > 1)
            raise Refused("malformed", f"{name.decode()} is there more than once: send it once")
        state = request.app.state
        running: Running = state.running
        callers: Callers = state.callers
        kind, text = get_authorization_scheme_param(header(request, b"authorization"))
        if kind.lower() != "bearer" or not text:
            raise Refused("unauthenticated", "send Authorization: Bearer and an API key", headers=NOBODY)
        caller = callers.remembered(text)
        if caller is None:
            looked_up = running.access.run(lambda: callers.look_up(text))
            caller = await unless_away(looked_up) or callers.before(text) if though_away else await looked_up
        request.state.caller = caller
        if caller.role not in roles:
            may = ", ".join(role for role in ROLES if role in roles)
            raise Refused("forbidden", f"a key of role {caller.role} may not do this: it takes one of {may}")
        if caller.role == "rep" and await running.access.run(lambda: has_left(running.log, caller.person_id)):
            # Here, for every route alike: what was theirs is the team's until somebody takes it.
            raise Refused("forbidden", "you have left the roster: ask a manager")
        if caller.role == "auditor":
            # Before the answer: what can't be recorded is not read.
            path, query = shown(request.url.path), request.url.query
            auditor = caller
            await running.access.run(lambda: record_read(running.log, auditor, path, query))

    return check


def header(request: Request, name: bytes) -> str | None:
    """The first of this name (in lower case), as Starlette's headers have it, which decode all names for each."""
    for known, value in request.scope["headers"]:
        if known == name:
            told: str = value.decode("latin-1")
            return told
    return None


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
