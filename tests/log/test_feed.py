"""The feed tells everything, in order, from any position on."""

from uuid import uuid4

import polars as pl
import pytest

from engine.log.application import Log
from engine.log.feed import feed_of, position_of, read_feed, read_few
from engine.log.mapper import TagMapper
from engine.values import to_micros
from tests.log.entries import OPENED, signal, write

SCHEMA = {
    "position": pl.Int64,
    "event_id": pl.String,
    "stream_id": pl.String,
    "version": pl.Int32,
    "type": pl.String,
    "occurred_at": pl.Int64,
    "recorded_at": pl.Int64,
    "actor": pl.String,
    "origin": pl.String,
    "payload": pl.String,
}


def test_an_empty_log_has_an_empty_feed_with_all_columns(log: Log) -> None:
    assert read_feed(log, 0).schema == SCHEMA
    assert read_feed(log, 0).height == 0


def test_the_feed_has_every_event_as_the_log_has_it(log: Log) -> None:
    strange = signal('quote " comma , \x1f \x1e \\ \u2028 \U0001f600 üé')
    stamped = [each for n in range(3) for each in log.append([write(uuid4(), 0, OPENED, signal(f"s{n}"), strange)])]
    feed = read_feed(log, 0)
    assert feed.schema == SCHEMA
    assert feed.rows() == [
        (
            each.position,
            each.event_id.hex,
            each.stream_id.hex,
            each.version,
            each.event.TOPIC,
            to_micros(each.occurred_at),
            to_micros(each.recorded_at) if each.recorded_at else None,
            each.envelope.actor.hex,
            each.envelope.origin,
            each.event.payload(),
        )
        for each in stamped
    ]
    assert feed_of(read_few(log, 0, 99)).equals(feed)


def test_an_entry_is_found_in_its_own_stream(log: Log) -> None:
    first, second = (log.append([write(uuid4(), 0, OPENED, signal("trial"))]) for _ in range(2))
    found = [position_of(log, each.stream_id.hex, each.event_id.hex) for each in (*first, *second)]
    assert found == [1, 2, 3, 4]
    assert position_of(log, first[0].stream_id.hex, second[0].event_id.hex) is None


def test_it_goes_on_after_a_position_and_stops_at_a_limit(log: Log) -> None:
    log.append([write(uuid4(), 0, *[signal(f"s{n}") for n in range(1_500)])])
    assert read_feed(log, 0)["position"].to_list() == list(range(1, 1_501))
    assert read_feed(log, 1_490)["position"].to_list() == list(range(1_491, 1_501))
    assert read_feed(log, 700, 3)["position"].to_list() == [701, 702, 703]
    assert read_feed(log, 1_500).height == read_feed(log, 9_999).height == 0
    assert [row.position for row in read_few(log, 700, 3)] == [701, 702, 703]
    assert read_few(log, 1_500, 3) == []


def test_old_payloads_come_out_in_their_newest_shape(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if signals had once been kept as texts of another name."""
    log.append([write(uuid4(), 0, OPENED, signal("trial"))])
    upcasters = {"deal.signal_recorded.v1": ("deal.note.v2", lambda fields: {"text": fields["signal"]})}
    monkeypatch.setattr(TagMapper, "upcasters", upcasters)
    assert read_feed(log, 0).select("type", "payload").rows() == [
        ("deal.opened.v1", OPENED.payload()),
        ("deal.note.v2", '{"text":"trial"}'),
    ]
    assert feed_of(read_few(log, 0, 99)).equals(read_feed(log, 0))
