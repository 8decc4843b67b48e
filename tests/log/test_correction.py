"""Correcting a person: the details change, nothing else does, and what remains tells of no value."""

from uuid import UUID, uuid4

import pytest

from engine.aggregates.deal.events import DealOpened
from engine.aggregates.journey.commands import AddNote
from engine.errors import Conflict, NotFound, Rejected
from engine.handle import handle
from engine.log.application import Log
from engine.log.correction import correct_person
from engine.log.erasure import erase_person
from engine.log.people import ensure_people, erasures, find_person, person
from engine.log.writes import Person
from tests.log.entries import rows_of, write

ACTOR = uuid4()


@pytest.fixture
def ada(log: Log) -> Person:
    return ensure_people(log, [("rep", "crm", "r-1", "Adda", "ada@old.example", "1")])["crm", "r-1"]


def kept(log: Log, command_id: UUID) -> str:
    found = log.command(command_id)
    assert found is not None
    return f"{found.fingerprint} {found.result}"


def test_what_is_given_changes_null_takes_away_and_the_rest_stays(log: Log, ada: Person) -> None:
    log.append([write(uuid4(), 0, DealOpened(pipeline="sales", owner=ada.person_id))])
    before = rows_of(log)
    done = correct_person(log, "crm:r-1", {"name": "Ada", "phone": None}, actor=ACTOR, command_id=uuid4())
    assert (done.person_id, done.changed, done.position) == (ada.person_id, ("name", "phone"), 1)
    assert person(log, "crm", "r-1") == Person(ada.person_id, "rep", "crm", "r-1", "Ada", "ada@old.example", None)
    assert rows_of(log) == before


def test_a_person_is_named_by_id_key_and_source(log: Log, ada: Person) -> None:
    assert find_person(log, str(ada.person_id)) == find_person(log, "r-1") == find_person(log, "crm:r-1") == ada
    key = str(uuid4())
    other = ensure_people(log, [("customer", "erp", "r-1"), ("customer", "erp", key)])
    assert find_person(log, key) == other["erp", key]
    with pytest.raises(Rejected, match="say which"):
        find_person(log, "r-1")
    for nobody in ("r-2", "erp:r-2", str(uuid4())):
        with pytest.raises(NotFound, match=nobody):
            find_person(log, nobody)


def test_the_same_again_gives_the_first_answer_and_another_body_is_refused(log: Log, ada: Person) -> None:
    once, name = uuid4(), {"name": "Ada"}
    first = correct_person(log, "r-1", name, actor=ACTOR, command_id=once)
    correct_person(log, "r-1", {"name": "Ada L."}, actor=ACTOR, command_id=uuid4())
    again = correct_person(log, str(ada.person_id), name, actor=ACTOR, command_id=once)
    assert (again.changed, again.position, again.repeated) == (first.changed, first.position, True)
    assert find_person(log, "r-1").name == "Ada L."
    with pytest.raises(Conflict, match="another command"):
        correct_person(log, "r-1", {"name": "somebody else"}, actor=ACTOR, command_id=once)


def test_what_was_so_already_is_no_change_and_forgets_nothing(log: Log, ada: Person) -> None:
    done = correct_person(log, "r-1", {"name": ada.name, "phone": "2"}, actor=ACTOR, command_id=uuid4())
    assert (done.changed, erasures(log)) == (("phone",), 1)
    again = correct_person(log, "r-1", {"phone": "2"}, actor=ACTOR, command_id=uuid4())
    assert (again.changed, erasures(log)) == ((), 1)


def test_who_and_when_are_kept_and_no_value(log: Log, ada: Person) -> None:
    command = uuid4()
    correct_person(log, "r-1", {"name": "Ada"}, actor=ACTOR, command_id=command)
    with log.engine.connect() as connection:
        (row,) = connection.exec_driver_sql("SELECT person_id, actor, erased_at FROM erasures").all()
        (at,) = connection.exec_driver_sql("SELECT recorded_at FROM commands").one()
    assert [each if isinstance(each, UUID) else UUID(bytes=each) for each in row[:2]] == [ada.person_id, ACTOR]
    assert row.erased_at == at
    assert "name" in kept(log, command)
    assert "Ada" not in kept(log, command)


def test_once_erased_nothing_remains_that_a_guess_could_be_held_to(log: Log, ada: Person) -> None:
    real, empty, other = uuid4(), uuid4(), uuid4()
    correct_person(log, "r-1", {"name": "Ada"}, actor=ACTOR, command_id=real)
    correct_person(log, "r-1", {"name": "Ada"}, actor=ACTOR, command_id=empty)
    ensure_people(log, [("rep", "crm", "r-2")])
    correct_person(log, "r-2", {"name": "another"}, actor=ACTOR, command_id=other)
    theirs = kept(log, other)
    erase_person(log, ada.person_id, ACTOR)
    assert {kept(log, each).partition(" ")[0] for each in (real, empty)} == {"correction:"}
    assert kept(log, other) == theirs
    assert correct_person(log, "r-1", {"name": "Ada"}, actor=ACTOR, command_id=real).repeated
    with pytest.raises(NotFound):
        correct_person(log, "r-1", {"name": "Ada"}, actor=ACTOR, command_id=uuid4())


def test_a_command_and_a_correction_are_never_taken_for_each_other(log: Log, ada: Person) -> None:
    deal, touch = uuid4(), uuid4()
    log.append([write(deal, 0, DealOpened(pipeline="sales", person=ada.person_id))])
    handle(log, AddNote(note="rang"), actor=ACTOR, origin="api", on=deal, command_id=touch)
    with pytest.raises(Conflict, match="another command"):
        correct_person(log, "r-1", {"name": "Ada"}, actor=ACTOR, command_id=touch)
    corrected = uuid4()
    correct_person(log, "r-1", {"name": "Ada"}, actor=ACTOR, command_id=corrected)
    ensure_people(log, [("rep", "crm", "r-2")])
    # An erasure takes away what a command is compared by.
    erase_person(log, ada.person_id, ACTOR)
    with pytest.raises(Conflict, match="another command"):
        correct_person(log, "r-2", {"name": "Ada"}, actor=ACTOR, command_id=touch)
    with pytest.raises(Conflict, match="another command"):
        handle(log, AddNote(note="again"), actor=ACTOR, origin="api", on=deal, command_id=corrected)


def test_corrections_and_an_erasure_are_told_apart_when_the_clock_stands_still(
    log: Log, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.log.locked.time.time_ns", lambda: 1_000)
    for n in range(3):
        correct_person(log, "r-1", {"phone": str(n)}, actor=ACTOR, command_id=uuid4())
    erase_person(log, ada.person_id, ACTOR)
    assert erasures(log) == 4


def test_a_nul_character_is_refused_and_the_person_stays(log: Log, ada: Person) -> None:
    with pytest.raises(Rejected, match="name of people"):
        correct_person(log, "r-1", {"name": "a\0b"}, actor=ACTOR, command_id=uuid4())
    assert find_person(log, "r-1") == ada
