"""What the address of a route names, besides journeys: pipelines, reps, targets."""

from uuid import UUID

from engine.aggregates.inputs import Who
from engine.aggregates.roster.state import rep_stream
from engine.errors import NotFound, Rejected
from engine.log.identity import uuid_of
from engine.log.people import called_so
from engine.streams import load
from service.running import Running

ADDRESSES = {
    "journey": "Our id of the journey, its lead or its deal; or the key in the system it came from",
    "lead": "Our id of the lead, or the key in the system it came from",
    "deal": "Our id of the deal or its journey, or the key in the system it came from",
    "pipeline": "Its key",
    "rep": "Key, source:key or person_id",
    "target": "Its id",
}


def target_named(name: str) -> UUID:
    target = uuid_of(name)
    if target is None:
        raise NotFound(f"no target is called {name!r}: use its id, as GET /v1/targets tells it")
    return target


def known_rep(running: Running, name: str) -> Who:
    """Who is or was on the roster under this name. NotFound where nobody is; Rejected where several are."""
    identity = uuid_of(name)
    called = {identity: name} if identity is not None else called_so(running.log, name)
    found = {each: named for each, named in called.items() if load(running.log, rep_stream(each)) is not None}
    if not found:
        raise NotFound(f"no rep is called {name!r}: use the key, source:key or person_id of somebody enrolled")
    if len(found) > 1:
        raise Rejected(f"{len(found)} reps have the key {name!r}: say which, as {' or '.join(sorted(found.values()))}")
    return next(iter(found))
