"""What a process remembers of a stream may be old; what it decides never is."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4
from weakref import WeakSet

import pytest

from engine.aggregates.deal.commands import Lose, OpenDeal, ReopenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import RetractEntry, SetScore, Touch
from engine.aggregates.lead.commands import CaptureLead, ConvertLead
from engine.entries import EntryRetracted
from engine.errors import Rejected
from engine.handle import Outcome, handle
from engine.log import memory
from engine.log.application import Log
from engine.messages import Command
from engine.streams import load, remembered
from engine.values import TouchKind
from tests.service.http.conftest import publish

CALL = Touch(kind=TouchKind.CALL)


@pytest.fixture
def here(database_url: str) -> Iterator[Log]:
    publish(database_url)
    log = Log(database_url)
    yield log
    log.close()


@pytest.fixture
def there(here: Log) -> Iterator[Log]:
    """The log as another process has it open."""
    log = Log(here.url)
    yield log
    log.close()


def ask(log: Log, command: Command, on: UUID | None = None, occurred_at: datetime | None = None) -> Outcome:
    who = PersonRef(source="login", key="x")
    return handle(log, command, actor=who, origin="api", on=on, occurred_at=occurred_at)


def opened(log: Log) -> UUID:
    return ask(log, OpenDeal(pipeline="loans")).stream_id


def test_what_was_just_written_is_not_read_again(here: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    deal = opened(here)
    with monkeypatch.context() as patched:
        patched.setattr(here, "stream", lambda _: pytest.fail("the stream was read"))
        assert ask(here, CALL, deal).version == 2
        assert ask(here, SetScore(fit=3), deal).version == 3
    found, kept = load(here, deal), remembered(here, deal)
    assert found is not None
    assert kept == found


def test_what_is_remembered_is_what_would_be_read(here: Log) -> None:
    """Folded on, event by event; late entries and retractions take their place as if all was folded at once."""
    deal, early, random = opened(here), datetime.now(UTC) - timedelta(days=2), Random(7)
    for n in range(60):
        written = [entry.event_id for entry in here.stream(deal)[1:] if not isinstance(entry.event, EntryRetracted)]
        act = random.choice(("call", "score", "late", "retract", "late score"))
        if act == "retract" and written:
            with suppress(Rejected):
                ask(here, RetractEntry(event_id=random.choice(written), reason="a mistake"), deal)
        elif act.startswith("late"):
            late = CALL if act == "late" else SetScore(fit=n)
            ask(here, late, deal, occurred_at=early + timedelta(minutes=random.randrange(60)))
        else:
            ask(here, CALL if act == "call" else SetScore(fit=n), deal)
        kept = remembered(here, deal)
        assert kept is not None
        assert kept == load(here, deal)


def test_processes_that_take_turns_lose_nothing_and_see_each_other(here: Log, there: Log) -> None:
    deal = opened(here)
    for n in range(1, 9):
        log = (here, there)[n % 3 == 0]
        assert ask(log, CALL, deal).version == n + 1
    found = load(here, deal)
    assert found is not None
    assert [entry.version for entry in found.history] == list(range(1, 10))


def test_nobody_is_refused_for_what_another_process_has_changed(here: Log, there: Log) -> None:
    deal = opened(here)
    ask(here, Lose(reason="price"), deal)
    ask(there, ReopenDeal(stage="contact", reason="they called"), deal)
    assert ask(here, Lose(reason="again"), deal).version == 4


def test_nobody_is_let_through_by_what_another_process_has_changed(here: Log, there: Log) -> None:
    deal = opened(here)
    ask(there, Lose(reason="price"), deal)
    with pytest.raises(Rejected):
        ask(here, Lose(reason="price"), deal)
    assert ask(here, SetScore(fit=1), deal).version == 3


def test_there_is_something_to_do_when_another_process_has_undone_it(here: Log, there: Log) -> None:
    deal = opened(here)
    ask(here, SetScore(fit=5), deal)
    ask(there, SetScore(fit=9), deal)
    assert len(ask(here, SetScore(fit=5), deal).events) == 1


def test_a_deal_that_stands_on_its_lead_is_read_each_time(here: Log, there: Log) -> None:
    """A correction of the lead leaves no trace in the deal's version."""
    lead = ask(here, CaptureLead(pipeline="loans")).stream_id
    touched = ask(here, CALL, lead).events[0]
    deal = ask(here, ConvertLead(), lead).stream_id
    ask(here, CALL, deal)
    ask(there, RetractEntry(event_id=touched.event_id, reason="it was another customer"), lead)
    assert remembered(here, deal) is None
    ask(here, CALL, deal)
    found = load(here, deal)
    assert found is not None
    assert [entry.retracted for entry in found.entries if entry.event_id == touched.event_id] == [True]


def test_what_was_written_is_folded_once_and_by_whoever_comes_first() -> None:
    kept, folded, streams = memory.Memory(), list[int](), [uuid4() for _ in range(4)]
    for n, stream in enumerate(streams):
        kept.put(stream, lambda n=n: folded.append(n) or n, 1)
    assert kept.get(streams[3]) == 3
    kept.settle(2)
    assert folded == [3, 2, 1]
    assert [kept.get(stream) for stream in streams] == [0, 1, 2, 3]
    assert folded == [3, 2, 1, 0]


def test_what_is_written_again_came_last() -> None:
    kept, folded, streams = memory.Memory(), list[int](), [uuid4() for _ in range(2)]
    for n in (0, 1, 0):
        kept.put(streams[n], lambda n=n: folded.append(n), 1)
    kept.settle(1)
    assert folded == [0]


def test_what_was_written_again_or_is_forgotten_is_neither_folded_nor_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "EVENTS", 3)
    kept, folded, streams, held = memory.Memory(), list[str](), [uuid4() for _ in range(4)], WeakSet[Held]()
    for n, name in ((0, "forgotten"), (1, "left"), (2, "old"), (2, "new"), (3, "last")):
        kept.put(streams[n], Held(name, folded, held), 1)
    assert {each.name for each in held} == {"left", "new", "last"}
    kept.settle(3)
    assert folded == ["last", "new", "left"]


class Held:
    """A fold that is told of as long as somebody holds it."""

    def __init__(self, name: str, folded: list[str], held: "WeakSet[Held]") -> None:
        self.name, self._folded = name, folded
        held.add(self)

    def __call__(self) -> None:
        self._folded.append(self.name)


def test_what_can_not_be_folded_is_not_remembered() -> None:
    kept, stream = memory.Memory(), uuid4()
    kept.put(stream, lambda: 1 // 0, 1)
    with pytest.raises(ZeroDivisionError):
        kept.settle(1)
    assert kept.get(stream) is None


def test_only_so_much_is_remembered(here: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "EVENTS", 4)
    deals = [opened(here) for _ in range(5)]
    assert [remembered(here, deal) is None for deal in deals] == [True, False, False, False, False]
    ask(here, CALL, deals[1])
    assert [remembered(here, deal) is None for deal in deals] == [True, False, True, False, False]
    for _ in range(3):
        ask(here, CALL, deals[4])
    assert [remembered(here, deal) is None for deal in deals] == [True, True, True, True, False]
    ask(here, CALL, deals[4])
    assert remembered(here, deals[4]) is None
    assert ask(here, CALL, deals[0]).version == 2
