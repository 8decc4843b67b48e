"""Live entries as an object-centric log (OCEL 2.0): events, the objects they speak of, and how these change over time.

Objects: leads, deals, proposals, customers and reps (whoever acts, owns or manages). Relations are qualified by what
the object is to the event or to the other object. Which attributes each has: docs/exports.md#ocel.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl

from engine.values import Dimension
from replay.export.attributes import Plain, attributes
from replay.export.people import People
from replay.export.xes import ids_of

STREAMS: Final = ("lead", "deal", "roster")
LINKS: Final = {
    "person": "customer",
    "owner": "owner",
    "rep": "rep",
    "manager": "manager",
    "proposal_id": "proposal",
    "deal": "becomes",
    "from_lead": "from",
    "follows": "follows",
    "into": "merged into",
}
"""fields of payloads that name an object, and what it is to the event"""
LASTING: Final = {"person": "customer", "from_lead": "from", "follows": "follows", "into": "merged into"}
"""those that relate the lead or deal itself to the object"""
STATUS: Final = {
    "LeadCaptured": "open",
    "DealOpened": "open",
    "LeadQualified": "qualified",
    "LeadConverted": "converted",
    "LeadDisqualified": "disqualified",
    "LeadReopened": "open",
    "DealReopened": "open",
    "DealWon": "won",
    "DealLost": "lost",
    "LeadMerged": "merged",
    "DealMerged": "merged",
    "ProposalSent": "sent",
    "ProposalRevised": "revised",
    "ProposalAccepted": "accepted",
    "ProposalDeclined": "declined",
    "ProposalExpired": "expired",
}
"""what an event makes of the lead, deal or proposal"""
FOLLOWED: Final = frozenset({"pipeline", "source", "channel", "value", "expected_close", "fit", "engagement"})
"""fields that tell an attribute of the lead or deal, whichever event has them"""
OWNING: Final = frozenset({"LeadCaptured", "DealOpened", "OwnerAssigned"})


@dataclass(frozen=True, slots=True)
class OcelEvent:
    id: str
    type: str
    time: datetime
    attributes: dict[str, Plain]
    objects: tuple[tuple[str, str], ...]
    """id and qualifier"""


@dataclass(frozen=True, slots=True)
class OcelObject:
    """Told again, it is the same object."""

    id: str
    type: str
    attributes: dict[str, Plain]
    """that it had from the beginning"""


@dataclass(frozen=True, slots=True)
class Change:
    """An attribute has the value from then on."""

    id: str
    type: str
    time: datetime
    name: str
    value: Plain


@dataclass(frozen=True, slots=True)
class Relation:
    source: str
    target: str
    qualifier: str


Told = OcelEvent | OcelObject | Change | Relation


def told(rows: pl.DataFrame, people: People) -> Iterator[Told]:
    """Everything that a batch of lives.py tells, rosters included."""
    names = people.of(ids_of(rows))
    for row in rows.iter_rows(named=True):
        stream = row["type"].partition(".")[0]
        if stream in STREAMS:
            yield from of_event(row, stream, json.loads(row["payload"]), names)


def of_event(
    row: Mapping[str, Any], stream: str, payload: dict[str, Any], names: Mapping[str, tuple[str, str | None]]
) -> Iterator[Told]:
    kind, when, own = row["kind"], row["occurred_at"], row["stream_id"]
    objects = [] if stream == "roster" else [(own, stream)]
    objects += [(payload[field], qualifier) for field, qualifier in LINKS.items() if field in payload]
    objects.append((row["actor"], "actor"))
    said = {name: value for name, value in attributes(payload) if name not in LINKS}
    stamp = {"position": row["position"], "recorded_at": row["recorded_at"], "origin": row["origin"]}
    yield OcelEvent(row["event_id"], kind, when, {**said, **stamp}, tuple(dict.fromkeys(objects)))
    for field in ("person", "owner", "rep", "manager"):
        if field in payload:
            yield someone(payload[field], "customer" if field == "person" else "rep", names)
    yield someone(row["actor"], "rep", names)
    if stream == "roster":
        yield from of_rep(row, payload, names)
        return
    yield OcelObject(own, stream, {} if row["key"] is None else {"key": row["key"]})
    for field, qualifier in LASTING.items():
        if field in payload:
            yield Relation(own, payload[field], qualifier)
    for name, value in changes(kind, payload, said, names):
        yield Change(own, stream, when, name, value)
    if row["entered"] is not None:
        yield Change(own, stream, when, "stage", row["entered"])
    if "proposal_id" in payload:
        yield from of_proposal(row, payload["proposal_id"], said)
    elif kind in STATUS:
        yield Change(own, stream, when, "status", STATUS[kind])


def changes(
    kind: str, payload: Mapping[str, Any], said: Mapping[str, Plain], names: Mapping[str, tuple[str, str | None]]
) -> Iterator[tuple[str, Plain]]:
    """What the event says of its lead or deal."""
    for name, value in said.items():
        if name.partition(":")[0] in FOLLOWED or name.startswith("attribute:"):
            yield name, value
    if kind == "BantAssessed":
        yield Dimension(payload["dimension"]).value, payload["verdict"]
    if kind in OWNING and "owner" in payload:
        yield "owner", names.get(payload["owner"], (payload["owner"],))[0]


def of_proposal(row: Mapping[str, Any], proposal: str, said: Mapping[str, Plain]) -> Iterator[Told]:
    yield OcelObject(proposal, "proposal", {})
    yield Relation(proposal, row["stream_id"], "of")
    for name, value in {**said, "status": STATUS[row["kind"]]}.items():
        yield Change(proposal, "proposal", row["occurred_at"], name, value)


def of_rep(
    row: Mapping[str, Any], payload: Mapping[str, Any], names: Mapping[str, tuple[str, str | None]]
) -> Iterator[Told]:
    """Membership; the stream of a roster event belongs to one rep, whom only its first event names."""
    if "rep" not in payload:
        return
    manager = payload.get("manager")
    member = {"team": payload.get("team"), "region": payload.get("region")}
    member["manager"] = None if manager is None else names.get(manager, (manager,))[0]
    for name, value in member.items():
        if value is not None:
            yield Change(payload["rep"], "rep", row["occurred_at"], name, value)


def someone(person_id: str, kind: str, names: Mapping[str, tuple[str, str | None]]) -> OcelObject:
    key, name = names.get(person_id, (None, None))
    known = {"key": key, "name": name}
    return OcelObject(person_id, kind, {field: value for field, value in known.items() if value is not None})
