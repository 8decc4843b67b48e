"""Targets as they are told: those that stand, and one with every change that there was."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from engine.aggregates.target.events import TargetRevised, TargetSet
from engine.errors import NotFound, Rejected
from engine.log.identity import uuid_of
from engine.projections.cards import Owner
from engine.projections.figures import Amount, Figures
from engine.projections.lens import Lens
from engine.values import Attribute, Money, to_micros

if TYPE_CHECKING:
    from engine.messages import AnyRecorded
    from engine.projections.snapshot import Snapshot
    from engine.projections.views import Views

WHAT: dict[type[Any], Literal["set", "revised"]] = {TargetSet: "set", TargetRevised: "revised"}


class Target(Figures):
    target: UUID
    rep: Owner | None
    """whose it is; or the team"""
    person_id: UUID | None
    """of the rep"""
    team: str | None
    period: str
    """2026-W05, 2026-02 or 2026-Q1"""
    pipeline: str
    attribute: Attribute | None
    """of deals that have it alone"""
    value: Amount | None
    """or wins"""
    wins: int | None


class TargetChange(Figures):
    what: Literal["set", "revised", "withdrawn"]
    value: Amount | None
    wins: int | None
    reason: str | None
    actor: Owner | None
    """None: erased"""
    occurred_at: datetime
    recorded_at: datetime
    event_id: UUID
    position: int


class TargetHistory(Target):
    stands: bool
    """False: withdrawn"""
    changes: tuple[TargetChange, ...]
    """in the order in which they took effect"""


def standing_targets(
    staff: "Snapshot", *, period: str | None = None, team: str | None = None, rep: UUID | None = None
) -> list[Target]:
    """Of every pipeline, by period, then teams, then reps. Of one period, team or rep (person_id): those alone."""
    rows = staff.targets().sort("period", "team", "rep", "pipeline", "target", nulls_last=True).rows(named=True)
    every = [
        Target(
            target=UUID(row["target"]),
            rep=None if row["rep"] is None else owner(row["rep"], staff),
            person_id=None if row["rep"] is None else UUID(row["rep"]),
            team=row["team"],
            period=row["period"],
            pipeline=row["pipeline"],
            attribute=kind_of(row["attribute"], row["attribute_value"]),
            value=None if row["currency"] is None else Amount.of(row["amount_minor"], row["currency"]),
            wins=row["wins"],
        )
        for row in rows
    ]
    return [
        each
        for each in every
        if period in (None, each.period) and team in (None, each.team) and rep in (None, each.person_id)
    ]


def find_target(views: "Views", text: str) -> UUID:
    """The one of an id, or the standing one whose id begins so. NotFound: none does; Rejected: several do."""
    whole = uuid_of(text)
    if whole is not None:
        return whole
    digits = text.lower().replace("-", "")
    every = standing_targets(views.staff(Lens.of()))
    found = [each.target for each in every if each.target.hex.startswith(digits)] if digits else []
    if not found:
        raise NotFound(f"there is no target {text!r}: the list of targets shows all that stand")
    if len(found) > 1:
        raise Rejected(f"{len(found)} targets begin with {text!r}: use more digits")
    return found[0]


def target_history(staff: "Snapshot", target: UUID) -> TargetHistory:
    """Also of one that was withdrawn. NotFound where there is none under the lens."""
    entries = sorted(seen(staff.lens, staff.log.stream(target)), key=lambda each: each.order)
    settings: list[TargetSet] = [each.event for each in entries if isinstance(each.event, TargetSet)]
    if not settings:
        raise NotFound(f"there is no target {target} at the moment asked for: the list of targets shows all that stand")
    of, last = settings[-1], entries[-1].event
    return TargetHistory(
        target=target,
        rep=None if of.rep is None else owner(of.rep.hex, staff),
        person_id=of.rep,
        team=of.team,
        period=of.period,
        pipeline=of.pipeline,
        attribute=of.attribute,
        value=amount(getattr(last, "value", None)),
        wins=getattr(last, "wins", None),
        stands=type(last) in WHAT,
        changes=tuple(change(each, staff) for each in entries),
    )


def kind_of(name: str | None, value: str) -> Attribute | None:
    return None if name is None else Attribute(name=name, value=value)


def seen(lens: Lens, entries: Sequence["AnyRecorded"]) -> list["AnyRecorded"]:
    """What the lens leaves."""
    return [
        each
        for each in entries
        if each.recorded_at is not None
        and (lens.horizon is None or to_micros(each.occurred_at) <= lens.horizon)
        and (lens.known_at is None or to_micros(each.recorded_at) <= lens.known_at)
    ]


def change(entry: "AnyRecorded", staff: "Snapshot") -> TargetChange:
    event, actor = entry.event, entry.envelope.actor.hex
    assert entry.recorded_at is not None
    return TargetChange(
        what=WHAT.get(type(event), "withdrawn"),
        value=amount(getattr(event, "value", None)),
        wins=getattr(event, "wins", None),
        reason=event.reason,
        actor=owner(actor, staff) if actor in staff.persons else None,
        occurred_at=entry.occurred_at,
        recorded_at=entry.recorded_at,
        event_id=entry.event_id,
        position=entry.position,
    )


def amount(money: Money | None) -> Amount | None:
    return None if money is None else Amount.of(money.amount_minor, money.currency)


def owner(person_id: str, staff: "Snapshot") -> Owner:
    """An erased person keeps the id."""
    key, label = staff.persons.get(person_id, (person_id, person_id))
    return Owner(key=key, label=label)
