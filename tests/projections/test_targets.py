"""Targets: what stands under a lens is what the plain fold of their events leaves."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aggregates.deal.commands import OpenDeal, Win
from engine.aggregates.roster.commands import EnrolRep
from engine.aggregates.target.commands import ReviseTarget, SetTarget, WithdrawTarget
from engine.aggregates.target.events import TargetEvent, TargetRevised, TargetSet, TargetWithdrawn
from engine.aggregates.target.state import Target, evolve
from engine.errors import NotFound, Rejected
from engine.log.application import Log
from engine.log.feed import read_feed
from engine.projections.forecast import forecast
from engine.projections.lens import Lens
from engine.projections.targets import targets_standing
from engine.projections.targets_told import find_target, standing_targets, target_history
from engine.projections.views import Views
from engine.stages.presets import preset
from engine.values import Money, from_micros
from tests.checklist.desk import REP, START, Desk

FEED = {
    "stream_id": pl.String,
    "type": pl.String,
    "occurred_at": pl.Int64,
    "recorded_at": pl.Int64,
    "position": pl.Int64,
    "payload": pl.String,
}


def euros(amount: int) -> Money:
    return Money.of(amount, "EUR")


def event(kind: str, amount: int) -> TargetEvent:
    if kind == "set":
        return TargetSet(team="north", period="2026-02", pipeline="sales", value=euros(amount))
    if kind == "revised":
        return TargetRevised(value=euros(amount), reason="x")
    return TargetWithdrawn(reason="x")


told = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["set", "set", "revised", "withdrawn"]), st.integers(0, 9)),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(told, st.none() | st.integers(0, 9), st.none() | st.integers(0, 12))
def test_what_stands_is_what_the_plain_fold_leaves(
    changes: list[tuple[int, str, int]], as_of: int | None, known_at: int | None
) -> None:
    rows = [
        (UUID(int=stream).hex, (what := event(kind, position)).TOPIC, day, position, position, what.payload())
        for position, (stream, kind, day) in enumerate(changes, 1)
    ]
    feed = pl.DataFrame(rows, FEED, orient="row")
    found = targets_standing([feed[:5], feed[5:]], as_of=as_of, known_at=known_at)
    expected = {}
    for stream in range(3):
        seen = [
            (day, position, event(kind, position))
            for position, (own, kind, day) in enumerate(changes, 1)
            if own == stream and (as_of is None or day <= as_of) and (known_at is None or position <= known_at)
        ]
        state = Target()
        for _, _, each in sorted(seen, key=lambda row: row[:2]):
            state = evolve(state, each)
        # A revision that is told late, before the setting of its target, is of none yet.
        if state.value is not None and any(isinstance(each, TargetSet) for *_, each in seen):
            expected[UUID(int=stream).hex] = (state.value.amount_minor, len(seen))
    assert {row["target"]: (row["amount_minor"], row["changes"]) for row in found.rows(named=True)} == expected


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    log = Log(sqlite_url)
    found = Desk(log)
    found.publish(preset("ca"))
    found.say(EnrolRep(rep=REP, team="north"))
    yield found
    log.close()


def aim(desk: Desk, amount: int, *, days: float = 0, **fields: Any) -> UUID:
    command = SetTarget.model_validate({"team": "north", "period": "2025-03", "pipeline": "ca", **fields})
    command = command.model_copy(update={"value": euros(amount)})
    return desk.say(command, at=START + timedelta(days=days)).stream_id


def change(desk: Desk, target: UUID, command: ReviseTarget | WithdrawTarget, days: float) -> None:
    desk.say(command, target, at=START + timedelta(days=days))


@pytest.mark.checklist("S11", "S36")
def test_every_change_of_a_target_is_kept_with_who_when_and_why(desk: Desk) -> None:
    target = aim(desk, 100, reason="plan")
    change(desk, target, ReviseTarget(value=euros(120), reason="two more reps"), days=10)
    change(desk, target, WithdrawTarget(reason="another plan"), days=20)
    found = target_history(desk.views.staff(Lens.of()), target)
    assert [(each.what, each.value and each.value.amount, each.reason) for each in found.changes] == [
        ("set", "100.00", "plan"),
        ("revised", "120.00", "two more reps"),
        ("withdrawn", None, "another plan"),
    ]
    assert {each.actor.key for each in found.changes if each.actor} == {"rep-01"}
    assert (found.stands, standing_targets(desk.views.staff(Lens.of()))) == (False, [])
    then = Lens.of(START + timedelta(days=15))
    assert [each.value and each.value.amount for each in standing_targets(desk.views.staff(then))] == ["120.00"]
    assert target_history(desk.views.staff(then), target).stands
    with pytest.raises(NotFound, match="at the moment asked for"):
        target_history(desk.views.staff(Lens.of(START - timedelta(days=1))), target)


def test_a_target_is_found_by_the_first_digits_of_its_id(desk: Desk) -> None:
    target = aim(desk, 100)
    assert find_target(desk.views, target.hex[:8]) == find_target(desk.views, str(target)) == target
    with pytest.raises(NotFound, match="list of targets"):
        find_target(desk.views, "nothing")
    others = [aim(desk, 100, period=f"2025-W{week:02}") for week in range(10, 30)]
    double = next(each.hex[0] for each in others if sum(other.hex[0] == each.hex[0] for other in others) > 1)
    with pytest.raises(Rejected, match="more digits"):
        find_target(desk.views, double)


def test_a_forecast_of_what_was_known_is_the_one_that_was_told_then(desk: Desk) -> None:
    """Late entries and revisions included: the log up to a moment gives the same, however much came after it."""
    as_of = START + timedelta(days=25)
    moments: list[tuple[datetime, dict[str, Any]]] = []

    def look_back() -> None:
        told = forecast(Views(desk.log).look(None, Lens.of(as_of))).model_dump(exclude={"position", "known_at"})
        recorded = read_feed(desk.log, 0)["recorded_at"][-1]
        moments.append((from_micros(recorded), told))

    look_back()
    target = aim(desk, 100)
    look_back()
    sale = desk.begin(OpenDeal(pipeline="ca", owner=REP, value=euros(40)))
    change(desk, target, ReviseTarget(value=euros(120), reason="more"), days=12)
    look_back()
    sale.goes(Win(evidence="order 1"))
    change(desk, target, ReviseTarget(value=euros(90), reason="told late"), days=5)
    look_back()
    change(desk, target, WithdrawTarget(reason="over"), days=24)
    look_back()
    for recorded, told in moments:
        now = forecast(desk.views.look(None, Lens.of(as_of, recorded)))
        assert now.model_dump(exclude={"position", "known_at"}) == told
    quotas = [told["periods"][0]["quota"] for _, told in moments]
    assert [quota and quota[0]["amount"] for quota in quotas] == [(), "100.00", "120.00", "120.00", ()]
