"""What journeys are called is read once, and not told any more once their customer is erased."""

from unittest.mock import patch
from uuid import UUID, uuid4

from engine.aggregates.lead.events import LeadCaptured
from engine.log import called as calling
from engine.log.application import Erasable, Log, StreamKey
from engine.log.called import called
from engine.log.erasure import erase_person
from engine.log.people import ensure_people
from engine.log.texts import new_text
from tests.log.entries import write


def captured(log: Log, title: str, key: str | None) -> tuple[UUID, tuple[str, str | None]]:
    """A lead of a new customer: who that is, and what of the lead is asked for."""
    lead = uuid4()
    known = ensure_people(log, [("customer", "crm", f"of {title}")])["crm", f"of {title}"]
    text, reference = new_text(lead, title)
    keys = [] if key is None else [StreamKey(lead, "crm", key)]
    opening = LeadCaptured(pipeline="sales", title=reference, person=known.person_id)
    log.append([write(lead, 0, opening)], Erasable(texts=[text], keys=keys))
    return known.person_id, (lead.hex, reference.text_id.hex)


def test_a_journey_is_called_by_its_key_and_its_title_and_read_once(log: Log) -> None:
    journeys = [captured(log, "Roof", "7")[1], captured(log, "Cellar", None)[1], (uuid4().hex, None)]
    assert called(log, journeys) == [("7", "Roof"), (None, "Cellar"), (None, None)]
    with patch.object(calling, "texts", side_effect=lambda _log, ids: dict.fromkeys(ids, "read again")):
        assert called(log, journeys) == [("7", "Roof"), (None, "Cellar"), (None, None)]


def test_a_key_that_is_given_later_is_told(log: Log) -> None:
    _, journey = captured(log, "Roof", None)
    assert called(log, [journey]) == [(None, "Roof")]
    log.append([], Erasable(keys=[StreamKey(UUID(hex=journey[0]), "crm", "7")]))
    assert called(log, [journey]) == [("7", "Roof")]


def test_whose_customer_was_erased_is_called_nothing_though_another_process_did_it(log: Log) -> None:
    person, journey = captured(log, "Roof", "7")
    _, other = captured(log, "Cellar", "8")
    assert called(log, [journey, other]) == [("7", "Roof"), ("8", "Cellar")]
    elsewhere = Log(log.url)
    erase_person(elsewhere, person, person)
    elsewhere.close()
    assert called(log, [journey, other]) == [(None, None), ("8", "Cellar")]


def test_who_read_before_the_erasure_leaves_nothing_behind(log: Log) -> None:
    person, journey = captured(log, "Roof", "7")

    def meanwhile(log: Log, ids: list[UUID]) -> dict[UUID, str]:
        found = read(log, ids)
        erase_person(log, person, person)
        return found

    read = calling.texts
    with patch.object(calling, "texts", side_effect=meanwhile):
        called(log, [journey])
    assert called(log, [journey]) == [(None, None)]
