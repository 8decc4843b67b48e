"""Events are known by their type tags: unknown ones are named, old ones are upcast."""

from typing import ClassVar
from uuid import uuid4

import pytest

from engine.aggregates.deal.events import SignalRecorded
from engine.errors import Conflict
from engine.log.application import Log
from engine.log.mapper import TagMapper, UnknownEvent
from engine.log.registry import TAGS, by_tag
from engine.messages import Event
from tests.log.entries import OPENED, entry, signal, write


class Stranger(Event):
    TOPIC: ClassVar[str] = "deal.stranger.v1"


class Impostor(Event):
    TOPIC: ClassVar[str] = "deal.opened.v1"


class SignalNoted(Event):
    """What deal.signal_recorded.v1 might become, twice over."""

    TOPIC: ClassVar[str] = "deal.signal_recorded.v3"
    signal: str
    strength: int


UPCASTERS = {
    "deal.signal_recorded.v1": ("deal.signal_recorded.v2", lambda fields: {**fields, "strength": 1}),
    "deal.signal_recorded.v2": ("deal.signal_recorded.v3", lambda old: {**old, "strength": old["strength"] * 10}),
}


@pytest.mark.parametrize("event", [Stranger(), Impostor()])
def test_an_event_that_is_not_registered_is_not_stored(log: Log, event: Event) -> None:
    with pytest.raises(UnknownEvent, match=r"not in engine\.log\.registry"):
        log.append([write(uuid4(), 0, event)])
    assert log.position() == 0


def test_an_unknown_type_in_the_log_is_named(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = uuid4()
    log.append([write(stream, 0, OPENED)])
    monkeypatch.setattr(TagMapper, "tags", {})
    with pytest.raises(UnknownEvent, match=r"deal\.opened\.v1.*newer dealtrail"):
        log.stream(stream)


def test_a_payload_that_makes_no_sense_is_named(log: Log) -> None:
    with pytest.raises(UnknownEvent, match=r"(?s)deal\.opened\.v1.*pipeline"):
        log.tag_mapper.event("deal.opened.v1", "{}")


def test_two_events_never_share_a_type_tag() -> None:
    with pytest.raises(ValueError, match=r"deal\.opened\.v1"):
        by_tag([type(OPENED) | Impostor])


def test_an_old_event_is_upcast_step_by_step_and_stays_as_it_was(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = uuid4()
    log.append([write(stream, 0, OPENED, signal("trial"))])
    monkeypatch.setattr(TagMapper, "upcasters", UPCASTERS)
    monkeypatch.setattr(TagMapper, "tags", {**TAGS, SignalNoted.TOPIC: SignalNoted})
    assert log.stream(stream)[1].event == SignalNoted(signal="trial", strength=10)
    monkeypatch.undo()
    assert log.stream(stream)[1].event == SignalRecorded(signal="trial")


def test_the_librarys_own_way_to_save_and_read_works_too(log: Log) -> None:
    """Application.save and EventStore.get, by mapper and recorder."""
    stream = uuid4()
    first = entry(OPENED, stream, 1)
    recordings = log.save(first)
    assert [each.notification.id for each in recordings] == [1]
    [stored] = log.events.get(stream)
    assert stored == log.stream(stream)[0]
    assert log.notification_log.select(1, 10)[0].topic == "deal.opened.v1"
    with pytest.raises(Conflict):
        log.append([write(stream, 0, OPENED)])
