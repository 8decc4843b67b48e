"""The bulk path stores exactly what append stores, only faster and in short turns."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import Conflict
from engine.log import bulk, locked
from engine.log.application import Erasable, Log, Person, StreamKey, StreamWrite
from engine.log.bulk import append_bulk, existing_events
from engine.log.keys import find_stream
from engine.log.people import person
from engine.log.texts import new_text, texts
from engine.messages import AnyRecorded, Envelope, Event, Recorded
from engine.values import to_micros
from tests.log.any_event import any_event
from tests.log.entries import OPENED, entry, rows_of, signal

ENVELOPES = st.builds(
    Envelope,
    actor=st.uuids(),
    command_id=st.uuids(),
    correlation_id=st.uuids(),
    causation_id=st.none() | st.uuids(),
    origin=st.sampled_from(["api", "cli", "import:crm", "policy:raise_stalled"]),
)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis)


def batch_of(recorded: Sequence[AnyRecorded]) -> pl.DataFrame:
    rows = [
        {
            "event_id": each.event_id.hex,
            "stream_id": each.stream_id.hex,
            "type": each.event.TOPIC,
            "occurred_at": to_micros(each.occurred_at),
            "actor": each.envelope.actor.hex,
            "command_id": each.envelope.command_id.hex,
            "correlation_id": each.envelope.correlation_id.hex,
            "causation_id": each.envelope.causation_id.hex if each.envelope.causation_id else None,
            "origin": each.envelope.origin,
            "payload": each.event.payload(),
        }
        for each in recorded
    ]
    return pl.DataFrame(rows, schema_overrides={"causation_id": pl.String})


def without_stamp(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return [(*row[:6], *row[7:]) for row in rows]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(any_event, ENVELOPES, MOMENTS), min_size=1, max_size=15))
def test_bulk_and_append_store_the_same_columns(log: Log, drawn: list[tuple[Event, Envelope, datetime]]) -> None:
    one, other = uuid4(), uuid4()
    appended = [
        Recorded(happened, one, version, uuid4(), at, envelope)
        for version, (happened, envelope, at) in enumerate(drawn, 1)
    ]
    start = log.position()
    log.append([StreamWrite(one, 0, appended)])
    append_bulk(log, batch_of(appended).with_columns(stream_id=pl.lit(other.hex)))
    rows = without_stamp(rows_of(log)[start:])
    by_append, by_bulk = rows[: len(drawn)], rows[len(drawn) :]
    assert [row[1] for row in by_append] == [row[1] for row in by_bulk]
    assert [(*row[3:],) for row in by_append] == [(*row[3:],) for row in by_bulk]
    assert [each.event for each in log.stream(other)] == [happened for happened, _, _ in drawn]
    assert log.position() == start + 2 * len(drawn)


def many(streams: int, each: int) -> list[AnyRecorded]:
    """Events of streams that take turns."""
    ids = [uuid4() for _ in range(streams)]
    return [entry(signal(f"s{n}"), stream, n) for n in range(1, each + 1) for stream in ids]


def test_versions_and_positions_have_no_gaps_whatever_the_transactions(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 37)
    log.append([StreamWrite(stream := uuid4(), 0, [entry(OPENED, stream, 1)])])
    recorded = many(23, 7)
    assert append_bulk(log, batch_of(recorded)) == 161
    rows = rows_of(log)
    assert [row[0] for row in rows] == list(range(1, 163))
    times = [int(str(row[6])) for row in rows]
    assert times == sorted(set(times))
    for stream_id in {each.stream_id for each in recorded}:
        stored = log.stream(stream_id)
        assert [each.version for each in stored] == list(range(1, 8))
        assert [each.event for each in stored] == [signal(f"s{n}") for n in range(1, 8)]


def test_streams_of_one_transaction_keep_the_order_of_the_batch(log: Log) -> None:
    recorded = many(5, 4)
    append_bulk(log, batch_of(recorded))
    stored = [UUID(str(row[1])) if not isinstance(row[1], bytes) else UUID(bytes=row[1]) for row in rows_of(log)]
    assert stored == [each.event_id for each in recorded]


def test_a_stream_goes_on_where_it_is(log: Log) -> None:
    stream = uuid4()
    log.append([StreamWrite(stream, 0, [entry(OPENED, stream, 1), entry(signal("a"), stream, 2)])])
    append_bulk(log, batch_of([*many(2, 1), entry(signal("b"), stream, 1), entry(signal("c"), stream, 2)]))
    assert [(each.version, each.event) for each in log.stream(stream)][1:] == [
        (2, signal("a")),
        (3, signal("b")),
        (4, signal("c")),
    ]


def test_nothing_to_append_is_nothing(log: Log) -> None:
    assert append_bulk(log, batch_of(many(1, 1)).clear()) == 0
    assert log.position() == 0


def test_a_batch_without_a_column_is_refused(log: Log) -> None:
    with pytest.raises(ValueError, match="lacks actor, origin"):
        append_bulk(log, batch_of(many(1, 1)).drop("actor", "origin"))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", None),
        ("payload", None),
        ("occurred_at", None),
        ("stream_id", "abc"),
        ("event_id", "x" * 32),
        ("causation_id", ""),
    ],
)
def test_a_batch_with_a_hole_or_a_broken_id_is_refused_whole(log: Log, column: str, value: str | None) -> None:
    batch = batch_of(many(2, 2))
    right = pl.when(pl.int_range(pl.len()) < 3).then(pl.col(column))
    broken = batch.with_columns(right.otherwise(pl.lit(value)).alias(column))
    with pytest.raises(ValueError, match=f"1 of 4 .* {column}"):
        append_bulk(log, broken)
    assert log.position() == 0


def test_people_texts_and_keys_come_with_the_events_and_may_come_again(log: Log) -> None:
    recorded, again = many(2, 2), many(1, 1)
    stream = recorded[0].stream_id
    text, reference = new_text(stream, "met at the fair")
    alone, elsewhere = new_text(uuid4(), "of no stream of the batch")
    keys = [StreamKey(stream, "crm", "d-1")]
    append_bulk(log, batch_of(recorded), Erasable([Person(uuid4(), "rep", "crm", "r-1")], [text, alone], keys))
    append_bulk(log, batch_of(again), Erasable((), [text], keys))
    assert person(log, "crm", "r-1") is not None
    assert find_stream(log, "d-1") == stream
    assert set(texts(log, [reference.text_id, elsewhere.text_id]).values()) == {text.body, alone.body}


def test_a_key_that_another_stream_has_stops_the_transaction(log: Log) -> None:
    first, second = many(1, 1), many(1, 1)
    append_bulk(log, batch_of(first), Erasable(keys=[StreamKey(first[0].stream_id, "crm", "d-1")]))
    with pytest.raises(Conflict, match="clashes"):
        append_bulk(log, batch_of(second), Erasable(keys=[StreamKey(second[0].stream_id, "crm", "d-1")]))
    assert log.stream(second[0].stream_id) == []


def test_existing_events_are_those_of_the_streams_asked_for(log: Log) -> None:
    recorded = many(4, 3)
    append_bulk(log, batch_of(recorded))
    asked = [recorded[2].stream_id, recorded[0].stream_id]
    found = existing_events(log, [stream.hex for stream in asked])
    wanted = sorted(
        (each for each in recorded if each.stream_id in asked), key=lambda each: (each.stream_id.hex, each.version)
    )
    assert found["event_id"].to_list() == [each.event_id.hex for each in wanted]
    assert found["version"].to_list() == [1, 2, 3] * 2
    assert found["payload"].to_list() == [each.event.payload() for each in wanted]
    assert existing_events(log, []).height == existing_events(log, [uuid4().hex]).height == 0


def test_an_import_holds_the_lock_for_one_chunk_at_a_time(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a race against the clock: no transaction may hold more than its share of the events."""
    shares: list[int] = []

    @contextmanager
    def noted(*asked: Any) -> Iterator[locked.Writing]:
        before = log.position()
        with locked.append_lock(*asked) as writing:
            yield writing
        shares.append(log.position() - before)

    monkeypatch.setattr(bulk, "append_lock", noted)
    append_bulk(log, batch_of(many(3_000, 10)))
    assert (len(shares), sum(shares)) == (4, 30_000)
    assert max(shares) < 30_000 / 3
