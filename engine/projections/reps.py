"""The roster as it is told: who sells, in which team, for whom and where; now and before."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from engine.errors import Rejected
from engine.log.identity import uuid_of
from engine.projections.cards import Owner, when
from engine.projections.figures import Figures
from engine.values import from_micros

if TYPE_CHECKING:
    from engine.projections.snapshot import Snapshot


class Membership(Figures):
    since: datetime
    until: datetime | None
    """None: it lasts"""
    team: str | None
    manager: Owner | None
    region: str | None


class Rep(Figures):
    person_id: UUID
    source: str | None
    key: str | None
    """in that source; None: erased"""
    label: str
    left: bool
    memberships: tuple[Membership, ...]
    """the first one first; of the last one the team, manager and region of today"""


def reps(staff: "Snapshot") -> list[Rep]:
    """Everybody who was ever enrolled under the lens, by key."""
    named = {row["person_id"]: row for row in staff.people.iter_rows(named=True)}

    def owner(person_id: str) -> Owner:
        row = named.get(person_id)
        return Owner(key=row["key"], label=row["name"] or row["key"]) if row else Owner(key=person_id, label=person_id)

    found = []
    for person_id, rows in staff.membership.rows_by_key("rep", named=True).items():
        told = tuple(
            Membership(
                since=from_micros(row["since"]),
                until=when(row["until"]),
                team=row["team"],
                manager=None if row["manager"] is None else owner(row["manager"]),
                region=row["region"],
            )
            for row in rows
        )
        row = named.get(person_id, {})
        found.append(
            Rep(
                person_id=UUID(hex=person_id),
                source=row.get("source"),
                key=row.get("key"),
                label=owner(person_id).label,
                left=told[-1].until is not None,
                memberships=told,
            )
        )
    return sorted(found, key=lambda rep: (rep.key is None, rep.key or "", rep.source or "", str(rep.person_id)))


def called_so(rep: Rep, name: str) -> bool:
    return rep.person_id == uuid_of(name) or (rep.key is not None and name in (rep.key, f"{rep.source}:{rep.key}"))


def rep_called(known: Sequence[Rep], name: str) -> UUID:
    """person_id of the one of a key, source:key or id. Rejected: of none, of several."""
    found = [rep for rep in known if called_so(rep, name)]
    if len(found) == 1:
        return found[0].person_id
    said = f"rep {name!r} is nobody on the roster: use the key, source:key or person_id"
    if found:
        said = f"rep {name!r} is several people: say which of {', '.join(f'{rep.source}:{rep.key}' for rep in found)}"
    raise Rejected(said, field="rep")
