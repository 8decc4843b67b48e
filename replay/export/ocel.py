"""Live entries as an object-centric log (OCEL 2.0): events, the objects they speak of, and how these change over time.

Objects: leads, deals, proposals, customers and reps (whoever acts, owns or manages). Relations are qualified by what
the object is to the event or to the other object. Which attributes each has: docs/exports.md#ocel.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import polars as pl

from engine.values import Dimension
from replay.export.attributes import attributes
from replay.export.ocel_told import Cell, Told
from replay.export.people import People
from replay.export.shown import iso
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
PERSONS: Final = {"person": "customer", "owner": "rep", "rep": "rep", "manager": "rep"}
"""those that name people, and their type"""
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
BEGINNING: Final = "1970-01-01T00:00:00.000000Z"
REMEMBERED: Final = 50_000
"""payloads of which it is remembered what they say; most are like many others"""

Names = Mapping[str, tuple[str, str | None]]
"""key and name by person_id"""


class Said(NamedTuple):
    """What an event says by its kind and payload, of whatever lead or deal it is."""

    names: tuple[str, ...]
    cells: tuple[Cell, ...]
    """the event's attributes"""
    links: tuple[tuple[str, str], ...]
    """id and qualifier of the objects that it names"""
    people: tuple[tuple[str, str], ...]
    """id and type of those who are people"""
    lasting: tuple[tuple[str, str], ...]
    """id and qualifier of what the lead or deal is related to from then on"""
    changes: tuple[tuple[str, Cell], ...]
    """attributes of the lead or deal, or of the proposal"""
    owner: str | None
    proposal: str | None


class Teller:
    """Tells batches of lives.py, one after the other."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._said: dict[tuple[str, str], Said] = {}

    def told(self, rows: pl.DataFrame) -> Told:
        """Everything that a batch tells, rosters included."""
        names = self._people.of(ids_of(rows))
        stream = pl.col("type").str.split(".").list.first()
        # Few sources have a name of its own for what their leads become.
        key = pl.coalesce("key", pl.col("key").filter(stream == "lead").first().over("journey"))
        wanted = rows.filter(stream.is_in(STREAMS)).select(
            stream, "kind", iso("occurred_at"), "stream_id", pl.coalesce("journey", "stream_id"), "event_id", "actor",
            "position", iso("recorded_at"), "origin", key, "entered", "payload",
        )  # fmt: skip
        told = Told()
        for row in wanted.iter_rows():
            self._tell(told, names, *row)
        return told

    def _tell(
        self,
        told: Told,
        names: Names,
        stream: str,
        kind: str,
        time: str,
        own: str,
        journey: str,
        event_id: str,
        actor: str,
        position: int,
        recorded_at: str,
        origin: str,
        key: str | None,
        entered: str | None,
        payload: str,
    ) -> None:
        said = self._said.get((kind, payload))
        if said is None:
            if len(self._said) >= REMEMBERED:
                self._said.clear()
            said = self._said[kind, payload] = said_by(kind, json.loads(payload))
        told.events.append((event_id, kind))
        told.rows.setdefault((kind, said.names), []).append(
            (event_id, time, *said.cells, position, recorded_at, origin)
        )
        if stream != "roster":
            told.links.append((event_id, own, stream))
        told.links += [(event_id, other, qualifier) for other, qualifier in said.links]
        told.links.append((event_id, actor, "actor"))
        objects = told.objects
        for person, kind_of in (*said.people, (actor, "rep")):
            if person not in objects:
                objects[person] = (kind_of, someone(person, names))
        if stream == "roster":
            of_rep(told, time, json.loads(payload), names)
            return
        if own not in objects:
            objects[own] = (stream, {} if key is None else {"key": key})
        for other, qualifier in said.lasting:
            told.relations[own, other, qualifier] = None
            if qualifier == "customer":
                told.customers[journey] = other
        if kind == "DealOpened" and journey != own:
            told.convert(journey, own, time)
        if entered is not None:
            told.change_of(journey, stream, own, time, "stage", entered)
        if said.owner is not None:
            told.change_of(journey, stream, own, time, "owner", names.get(said.owner, (said.owner,))[0])
        if said.proposal is None:
            for name, value in said.changes:
                told.change_of(journey, stream, own, time, name, value)
            return
        objects.setdefault(said.proposal, ("proposal", {}))
        told.relations[said.proposal, own, "of"] = None
        for name, value in said.changes:
            told.change("proposal", said.proposal, time, name, value)


def said_by(kind: str, payload: Mapping[str, Any]) -> Said:
    said = {name: cell(value) for name, value in attributes(payload) if name not in LINKS}
    proposal = payload.get("proposal_id")
    return Said(
        names=tuple(said),
        cells=tuple(said.values()),
        links=tuple((payload[name], qualifier) for name, qualifier in LINKS.items() if name in payload),
        people=tuple((payload[name], of) for name, of in PERSONS.items() if name in payload),
        lasting=tuple((payload[name], qualifier) for name, qualifier in LASTING.items() if name in payload),
        changes=tuple(changes(kind, payload, said, of_proposal=proposal is not None)),
        owner=payload.get("owner") if kind in OWNING else None,
        proposal=proposal,
    )


def changes(
    kind: str, payload: Mapping[str, Any], said: Mapping[str, Cell], *, of_proposal: bool
) -> Iterator[tuple[str, Cell]]:
    """What the event says of its proposal, or of its lead or deal."""
    for name, value in said.items():
        if of_proposal or name.partition(":")[0] in FOLLOWED or name.startswith("attribute:"):
            yield name, value
    if kind == "BantAssessed":
        yield Dimension(payload["dimension"]).value, payload["verdict"]
    if kind in STATUS:
        yield "status", STATUS[kind]


def of_rep(told: Told, time: str, payload: Mapping[str, Any], names: Names) -> None:
    """Membership; the stream of a roster event belongs to one rep, whom only its first event names."""
    if "rep" not in payload:
        return
    manager = payload.get("manager")
    member = {"team": payload.get("team"), "region": payload.get("region")}
    member["manager"] = None if manager is None else names.get(manager, (manager,))[0]
    for name, value in member.items():
        if value is not None:
            told.change("rep", payload["rep"], time, name, value)


def someone(person_id: str, names: Names) -> dict[str, Cell]:
    key, name = names.get(person_id, (None, None))
    known = {"key": key, "name": name}
    return {field: value for field, value in known.items() if value is not None}


def cell(value: str | int | float | Decimal | datetime) -> Cell:
    """As it is stored: a decimal as a float, a moment as text that is always equally long, as some readers want it."""
    match value:
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
        case Decimal():
            return float(value)
        case _:
            return value
