"""What came between two moments of one journey, by both clocks, on both databases."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from engine.aggregates.deal.commands import ChangeValue, Win
from engine.aggregates.journey.commands import AddNote, AssignOwner, RetractEntry, SetAttributes
from engine.errors import NotFound, Rejected
from engine.log.application import Log
from engine.projections.lens import Lens
from engine.values import Attribute, Money
from replay.difference import JourneyDifference, difference
from replay.history import history
from tests.replay.test_history import CALL, MEETING, REP, START, ask, opened, sales

__all__ = ["sales"]
LATE = START + timedelta(days=30)


def lens(day: float | None = None, known_at: datetime | None = None) -> Lens:
    return Lens.of(LATE if day is None else START + timedelta(days=day), known_at)


def changed(found: JourneyDifference) -> dict[str, tuple[object, object]]:
    return {change.field: (change.before, change.after) for change in found.changes}


def last_recorded(log: Log, deal: UUID) -> datetime:
    recorded_at = log.stream(deal)[-1].recorded_at
    assert recorded_at is not None
    return recorded_at


def test_what_happened_in_between_and_what_it_changed(sales: Log) -> None:
    deal = opened(sales, value=Money(amount_minor=500_00, currency="EUR"))
    ask(sales, CALL, deal, day=1)
    ask(sales, MEETING, deal, day=3)
    ask(sales, ChangeValue(value=Money(amount_minor=700_00, currency="EUR")), deal, day=4)
    ask(sales, AssignOwner(owner=REP), deal, day=4)
    ask(sales, SetAttributes(attributes=(Attribute(name="product", value="desk"),)), deal, day=5)
    ask(sales, Win(evidence="signed"), deal, day=9)
    found = difference(sales, deal, lens(2), lens(6))
    assert [event.position for event in found.events] == [7, 8, 9, 10]
    assert (found.n, found.before.n, found.after.n) == (4, 2, 6)
    assert changed(found) == {
        "stage": ("contact", "meeting"),
        "value": ({"amount": "500.00", "currency": "EUR"}, {"amount": "700.00", "currency": "EUR"}),
        "owner": (None, {"key": "rep-7", "label": "Rep Seven"}),
        "touches": (1, 2),
        "last_touch_at": ("2026-01-06T09:00:00Z", "2026-01-08T09:00:00Z"),
        "attributes.product": (None, "desk"),
    }
    assert [(visit.stage, visit.change, visit.left_after) for visit in found.visits] == [
        ("contact", "left", START + timedelta(days=3)),
        ("meeting", "new", None),
    ]
    assert found.taken_back == ()
    assert not any(event.retroactive for event in found.events)


def test_what_was_learnt_in_between_about_the_same_time(sales: Log) -> None:
    deal = opened(sales)
    wrong = ask(sales, Win(evidence="an e-mail"), deal, day=5).events[0]
    known = last_recorded(sales, deal)
    # Both come late: the meeting had been before the win, and the win never was.
    ask(sales, MEETING, deal, day=2)
    ask(sales, RetractEntry(event_id=wrong.event_id, reason="never signed"), deal)
    found = difference(sales, deal, lens(20, known), lens(20))
    assert [(event.type, event.retroactive) for event in found.events if event.type == "deal.touched.v1"] == [
        ("deal.touched.v1", True)
    ]
    assert [event.event_id for event in found.taken_back] == [str(wrong.event_id)]
    assert changed(found)["stage"] == ("won", "meeting")
    assert [(visit.stage, visit.change) for visit in found.visits] == [
        ("contact", "left"),
        ("meeting", "new"),
        ("won", "gone"),
    ]


def test_nothing_differs_between_a_moment_and_itself(sales: Log) -> None:
    deal = opened(sales)
    ask(sales, MEETING, deal, day=1)
    found = difference(sales, deal, lens(3), lens(3))
    assert (found.events, found.taken_back, found.changes) == ((), (), ())
    assert {visit.change for visit in found.visits} == {"same"}


def test_of_a_journey_that_began_in_between_everything_is_new(sales: Log) -> None:
    deal = opened(sales)
    found = difference(sales, deal, lens(-1), lens(1))
    assert found.before.state is None
    assert (found.before.n, found.n) == (0, 1)
    assert changed(found)["stage"] == (None, "contact")


def test_any_two_moments_differ_by_what_lies_between_them(sales: Log) -> None:
    deal = opened(sales)
    for day in (4, 1, 6, 2, 9):
        ask(sales, MEETING if day % 2 else CALL, deal, day=day)
        ask(sales, AddNote(note=f"of day {day}"), deal, day=day)
    stream = sales.stream(deal)
    for first in range(0, 10, 3):
        for second in range(first, 11, 2):
            found = difference(sales, deal, lens(first), lens(second))
            between = [
                each.position
                for each in sorted(stream, key=lambda each: (each.occurred_at, each.position))
                if START + timedelta(days=first) < each.occurred_at <= START + timedelta(days=second)
            ]
            assert [event.position for event in found.events] == between
            assert found.after.state == history(sales, deal, lens(second)).state
    for place, entry in enumerate(stream, 1):
        found = difference(sales, deal, lens(20, entry.recorded_at), lens(20))
        assert {event.position for event in found.events} == {later.position for later in stream[place:]}


def test_a_later_moment_first_is_refused(sales: Log) -> None:
    deal = opened(sales)
    with pytest.raises(Rejected, match="swap"):
        difference(sales, deal, lens(3), lens(2))
    with pytest.raises(Rejected, match="swap"):
        difference(sales, deal, lens(3), lens(3, last_recorded(sales, deal)))
    with pytest.raises(NotFound):
        difference(sales, deal, lens(-3), lens(-2))
