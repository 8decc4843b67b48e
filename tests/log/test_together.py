"""Several appends in one transaction: each stands or falls by itself, and all that stand are one commit."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event

from engine.aggregates.deal.commands import Lose, MergeDeal, OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import AddNote, AssignOwner, SetScore, Touch
from engine.errors import Conflict, DealtrailError, NotFound, Rejected
from engine.handle import Outcome, handle, handling
from engine.log.application import AlreadyDone, Erasable, Log, Person, Text, Wanted, Written
from engine.log.dialogue import together
from engine.log.locked import Busy, append_lock
from engine.log.people import person
from engine.log.texts import texts
from engine.messages import Command
from engine.values import TouchKind
from tests.log.entries import OPENED, command, rows_of, signal, write
from tests.service.http.conftest import publish

ANNA = PersonRef(source="login", key="anna")
CALL = Touch(kind=TouchKind.CALL)


def positions(done: Sequence[Written | DealtrailError]) -> list[list[int]]:
    return [[each.position for each in one.events] for one in done if isinstance(one, Written)]


def test_those_that_wait_are_one_transaction_in_their_order(log: Log) -> None:
    commits: list[str] = []
    event.listen(log.engine, "checkout", lambda *_: commits.append("one"))
    one, two = uuid4(), uuid4()
    done = log.write_all([Wanted([write(one, 0, OPENED, signal("a"))]), Wanted([write(two, 0, OPENED)])])
    assert positions(done) == [[1, 2], [3]]
    assert commits == ["one"]
    assert [row[0] for row in rows_of(log)] == [1, 2, 3]
    recorded = [row[6] for row in rows_of(log)]
    assert recorded == sorted(set(recorded))
    assert [len(log.stream(stream)) for stream in (one, two)] == [2, 1]


def test_one_that_is_refused_writes_nothing_and_the_others_are_written(log: Log) -> None:
    known, one, two = uuid4(), uuid4(), uuid4()
    log.append([write(known, 0, OPENED)])
    lost = command()
    done = log.write_all(
        [
            Wanted([write(one, 0, OPENED)]),
            Wanted([write(known, 7, signal("late"))], command=lost),
            Wanted([write(two, 0, OPENED)]),
        ]
    )
    assert isinstance(done[1], Conflict)
    assert positions(done) == [[2], [3]]
    assert len(log.stream(known)) == 1
    assert log.command(lost.command_id) is None


def test_the_next_is_held_against_what_those_before_it_write(log: Log) -> None:
    stream = uuid4()
    done = log.write_all(
        [
            Wanted([write(stream, 0, OPENED)]),
            Wanted([write(stream, 0, OPENED)]),
            Wanted([write(stream, 1, signal("a"))]),
        ]
    )
    assert isinstance(done[1], Conflict)
    assert positions(done) == [[1], [2]]


def test_of_the_same_command_twice_the_second_gets_the_firsts_answer(log: Log) -> None:
    first = command(answer=1)
    done = log.write_all(
        [
            Wanted([write(uuid4(), 0, OPENED)], command=first),
            Wanted([write(uuid4(), 0, OPENED)], command=command(command_id=first.command_id, answer=2)),
            Wanted([write(uuid4(), 0, OPENED)], command=command("b", first.command_id)),
        ]
    )
    assert isinstance(done[1], AlreadyDone)
    assert done[1].record == log.command(first.command_id)
    assert isinstance(done[2], Conflict)
    assert not isinstance(done[2], AlreadyDone)
    assert log.position() == 1


def test_each_answer_holds_the_position_after_its_own_events(log: Log) -> None:
    records = [command(str(n)) for n in range(3)]
    log.write_all(
        [
            Wanted([write(uuid4(), 0, OPENED, signal("a"))], command=records[0]),
            Wanted([], command=records[1]),
            Wanted([write(uuid4(), 0, OPENED)], command=records[2]),
        ]
    )
    kept = [log.command(record.command_id) for record in records]
    assert [each.result["position"] for each in kept if each] == [2, 2, 3]


@pytest.mark.parametrize(
    "spoilt",
    [
        Erasable([Person(uuid4(), "rep", "crm", "r-1")]),
        Erasable(texts=[Text(uuid4(), uuid4(), "a \0 in it", b"salt")]),
    ],
    ids=["a person who is there", "a text that can not be kept"],
)
def test_a_row_that_the_database_refuses_holds_up_nobody_else(log: Log, spoilt: Erasable) -> None:
    log.append([], Erasable([Person(uuid4(), "rep", "crm", "r-1")]))
    somebody = Erasable([Person(uuid4(), "customer", "crm", "c-1")])
    done = log.write_all(
        [
            Wanted([write(uuid4(), 0, OPENED)], somebody),
            Wanted([write(uuid4(), 0, OPENED)], spoilt),
            Wanted([write(uuid4(), 0, OPENED)]),
        ]
    )
    assert isinstance(done[1], Conflict | Rejected)
    assert positions(done) == [[1], [2]]
    assert person(log, "crm", "c-1") == somebody.people[0]


# Commands


@pytest.fixture
def loans(database_url: str) -> Iterator[Log]:
    publish(database_url)
    log = Log(database_url)
    yield log
    log.close()


def at_once(log: Log, *asked: tuple[UUID | None, Command], **how: Any) -> list[Outcome | Exception]:
    return together(log, [handling(log, each, on=on, actor=ANNA, origin="api", **how) for on, each in asked])


def opened(log: Log) -> UUID:
    return handle(log, OpenDeal(pipeline="loans"), actor=ANNA, origin="api").stream_id


def versions(done: Sequence[Outcome | Exception]) -> list[int | type[Exception]]:
    return [each.version if isinstance(each, Outcome) else type(each) for each in done]


def test_commands_to_one_deal_are_decided_each_on_what_the_last_one_wrote(loans: Log) -> None:
    deal = opened(loans)
    score, close = (deal, SetScore(fit=7)), (deal, Lose(reason="price"))
    done = at_once(loans, *[(deal, CALL)] * 25, score, score, close, close)
    assert versions(done) == [*range(2, 27), 27, 27, 28, Rejected]
    assert [len(each.events) for each in done if isinstance(each, Outcome)] == [*[1] * 25, 1, 0, 1]
    assert [each.version for each in loans.stream(deal)] == list(range(1, 29))


def test_a_refusal_is_told_to_whom_it_belongs(loans: Log) -> None:
    deal, other = opened(loans), opened(loans)
    done = at_once(loans, (deal, CALL), (uuid4(), CALL), (other, MergeDeal(into=other)), (other, AddNote(note="x")))
    assert versions(done) == [2, NotFound, Rejected, 2]
    note = loans.stream(other)[-1].event.note
    assert texts(loans, [note.text_id]) == {note.text_id: "x"}


def test_two_that_bring_the_same_new_person_get_the_same_one(loans: Log) -> None:
    rep = AssignOwner(owner=PersonRef(source="crm", key="rep-77"))
    deals = opened(loans), opened(loans)
    assert versions(at_once(loans, *[(deal, rep) for deal in deals])) == [2, 2]
    known = person(loans, "crm", "rep-77")
    assert known is not None
    assert [loans.stream(deal)[-1].event.owner for deal in deals] == [known.person_id] * 2


def test_of_two_merges_into_each_other_one_is_refused(loans: Log) -> None:
    """Else both journeys would be closed as merged."""
    one, two = opened(loans), opened(loans)
    done = at_once(loans, (one, MergeDeal(into=two)), (two, MergeDeal(into=one)))
    assert versions(done) == [2, Rejected]


def test_a_retry_that_waits_beside_its_first_gets_its_answer(loans: Log) -> None:
    deal, command_id = opened(loans), uuid4()
    first, again, other = together(
        loans,
        [
            handling(loans, each, on=deal, actor=ANNA, origin="api", command_id=command_id)
            for each in (CALL, CALL, SetScore(fit=1))
        ],
    )
    assert isinstance(first, Outcome)
    assert isinstance(again, Outcome)
    assert (again.repeated, again.version, list(again.events)) == (True, 2, list(first.events))
    assert isinstance(other, Conflict)
    assert len(loans.stream(deal)) == 2


def test_when_the_log_is_busy_all_are_told_and_nothing_was_written(loans: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    deal, other = opened(loans), opened(loans)

    def busy(*_: object) -> object:
        raise Busy("the log is busy")

    monkeypatch.setattr(loans, "write_all", busy)
    assert versions(at_once(loans, (deal, CALL), (other, CALL), command_id=None)) == [Busy, Busy]
    monkeypatch.undo()
    assert loans.position() == 4
    with append_lock(loans.engine) as writing:
        assert writing.head.position == 4
