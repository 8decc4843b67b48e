"""People, texts and keys: found by what they are called, and gone without a trace when erased."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import polars as pl
import pytest
from sqlalchemy.exc import DBAPIError

from engine.aggregates.deal.events import DealOpened
from engine.aggregates.lead.events import LeadCaptured
from engine.errors import NotFound, Rejected
from engine.log.application import Erasable, Log, StreamKey
from engine.log.connect import database
from engine.log.erasure import erase_person
from engine.log.keys import find_stream, keys_frame, keys_of
from engine.log.people import Named, ensure_people, people_frame, person
from engine.log.texts import digest, new_text, texts
from tests.log.entries import OPENED, rows_of, signal, write


def test_people_are_added_once_and_found_again(log: Log) -> None:
    asked = [("rep", "crm", "r-1", "Ada"), Named("customer", "crm", "c-1", None, "a@b.c"), ("actor", "login", "r-1")]
    first = ensure_people(log, asked)
    assert ensure_people(log, [*asked, ("rep", "crm", "r-2")]).items() > first.items()
    assert first["crm", "r-1"].name == "Ada"
    assert first["crm", "c-1"].email == "a@b.c"
    assert first["login", "r-1"].person_id != first["crm", "r-1"].person_id
    assert person(log, "crm", "r-1") == first["crm", "r-1"]
    assert person(log, "crm", "nobody") is None


def test_the_same_person_added_by_many_at_once_is_one(log: Log) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: ensure_people(log, [("rep", "crm", "r-1")]), range(12)))
    assert len({each["crm", "r-1"].person_id for each in found}) == 1


def test_more_people_than_one_question_can_name(log: Log) -> None:
    asked = [("customer", "crm", f"c-{n}") for n in range(1_201)]
    assert ensure_people(log, asked) == ensure_people(log, asked)
    assert people_frame(log).height == 1_201


def test_the_frame_of_people_has_names_as_they_are(log: Log) -> None:
    names = ["Zoë", "", None, 'a "quoted", one', "two\nlines", "\x1e\x1f"]
    ensure_people(log, [("rep", "crm", str(n), name) for n, name in enumerate(names)])
    frame = people_frame(log)
    assert frame.schema == dict.fromkeys(["person_id", "role", "source", "key", "name"], pl.String)
    assert frame.sort("key")["name"].to_list() == names
    assert all(UUID(one).hex == one for one in frame["person_id"])


def test_a_role_must_be_known_and_a_nul_character_is_refused(log: Log) -> None:
    with pytest.raises(Rejected, match="name of people holds a NUL"):
        ensure_people(log, [("rep", "crm", "r-1", "a\0b")])
    with pytest.raises(DBAPIError, match=r"(?i)check"):
        ensure_people(log, [("boss", "crm", "r-1")])
    assert people_frame(log).height == 0


def test_a_text_is_proved_by_its_hash(log: Log) -> None:
    text, reference = new_text(uuid4(), "budget seen in writing")
    again, other = new_text(text.stream_id, text.body)
    log.append([], Erasable(texts=[text, again]))
    assert texts(log, [reference.text_id, uuid4()]) == {reference.text_id: text.body}
    assert reference.hash == digest(text.salt, text.body)
    assert reference.hash != other.hash


def test_a_stream_is_found_by_id_key_and_source(log: Log) -> None:
    one, two, keyless = uuid4(), uuid4(), uuid4()
    log.append(
        [write(one, 0, OPENED), write(two, 0, OPENED), write(keyless, 0, OPENED)],
        Erasable(keys=[StreamKey(one, "crm", "7"), StreamKey(two, "shop", "7")]),
    )
    with pytest.raises(Rejected, match="crm:7 or shop:7"):
        find_stream(log, "7")
    assert find_stream(log, "shop:7") == two
    assert find_stream(log, str(keyless)) == find_stream(log, keyless.hex) == keyless
    for unknown in ("8", "crm:8", str(uuid4())):
        with pytest.raises(NotFound, match=unknown):
            find_stream(log, unknown)
    assert keys_of(log, [one, two, keyless]) == {one: "7", two: "7"}
    assert sorted(keys_frame(log).rows()) == sorted([(one.hex, "crm", "7"), (two.hex, "shop", "7")])


def test_streams_that_the_asker_may_not_know_of_do_not_count_beside_others(log: Log) -> None:
    own, hidden, confusing, named_like = uuid4(), uuid4(), uuid4(), uuid4()
    called = [
        StreamKey(own, "crm", "7"),
        StreamKey(hidden, "shop", "7"),
        StreamKey(confusing, "shop", "crm:7"),
        StreamKey(named_like, "shop", str(own)),
    ]
    log.append([write(each.stream_id, 0, OPENED) for each in called], Erasable(keys=called))
    for name in ("7", "crm:7", str(own)):
        assert find_stream(log, name, lambda stream: stream == own) == own
    with pytest.raises(NotFound, match="no lead or deal is called '7'"):
        find_stream(log, "7", lambda stream: False)
    with pytest.raises(Rejected, match="crm:7 or shop:7"):
        find_stream(log, "7", lambda stream: True)
    assert find_stream(log, "crm:7") == confusing
    assert find_stream(log, str(own)) == named_like


def test_erasing_a_customer_takes_rows_and_changes_no_event(log: Log) -> None:
    actor, customer, other = (
        each.person_id
        for each in ensure_people(
            log, [("actor", "login", "me"), ("customer", "crm", "c-1", "Name of c-1"), ("customer", "crm", "c-2")]
        ).values()
    )
    lead, deal, foreign = uuid4(), uuid4(), uuid4()
    kept = {stream: new_text(stream, f"note on {stream}") for stream in (lead, deal, foreign)}
    log.append(
        [
            write(lead, 0, LeadCaptured(pipeline="sales", person=customer), signal("trial")),
            write(deal, 0, DealOpened(pipeline="sales", from_lead=lead)),
            write(foreign, 0, DealOpened(pipeline="sales", person=other)),
        ],
        Erasable(texts=[text for text, _ in kept.values()], keys=[StreamKey(each, "crm", str(each)) for each in kept]),
    )
    before = rows_of(log)
    assert erase_person(log, customer, actor) == 5
    assert rows_of(log) == before
    assert person(log, "crm", "c-1") is None
    assert person(log, "crm", "c-2") is not None
    assert list(texts(log, [reference.text_id for _, reference in kept.values()])) == [kept[foreign][1].text_id]
    assert keys_frame(log)["stream_id"].to_list() == [foreign.hex]
    with log.engine.connect() as connection:
        names = "person_id, actor" if "sqlite" not in log.url else "hex(person_id), hex(actor)"
        recorded = connection.exec_driver_sql(f"SELECT {names} FROM erasures").one()
    assert [UUID(str(one)) for one in recorded] == [customer, actor]
    with pytest.raises(NotFound, match="erased before"):
        erase_person(log, customer, actor)


def test_what_was_erased_is_nowhere_in_the_file(sqlite_url: str) -> None:
    log = Log(sqlite_url)
    marked = ensure_people(log, [("customer", "crm", "c-1", "Unmistakable Name")])["crm", "c-1"]
    file = Path(database(sqlite_url).database or "")
    files = [file, file.with_name(file.name + "-wal")]
    assert any(b"Unmistakable" in each.read_bytes() for each in files)
    erase_person(log, marked.person_id, uuid4())
    assert not any(b"Unmistakable" in each.read_bytes() for each in files if each.exists())
    log.close()
