"""benchmarks/soak.py in short: many clients on two worker processes, and again with one of them killed."""

from dataclasses import replace
from uuid import uuid5

import pytest

from benchmarks.soak import Stored, lost_or_doubled, out_of_order, soak
from benchmarks.soak_clients import Client
from engine.values import UUID
from tests.postgres import Server

SECONDS, CLIENTS = 5.0, 8
PERSON = UUID("5f0c8d3e-9a37-4e1d-9d5b-2f6a7b1c0e42")


@pytest.mark.parametrize("kill", [False, True])
def test_every_accepted_command_is_there_once_and_in_order(postgres_server: Server, kill: bool) -> None:
    with postgres_server.copy_of("template1") as url:
        found = soak(url, seconds=SECONDS, clients=CLIENTS, kill=kill)
    assert found["wrong"] == []
    assert found["commands_accepted"] > CLIENTS
    assert found["unanswered"] == 0
    assert found["killed"] == kill
    assert {status for status in found["statuses"] if status >= 500} <= {503}


def test_the_verdict_sees_what_is_lost_doubled_or_out_of_order() -> None:
    client = Client(0, 0, "", [], 0)
    events = [Stored(n, f"e{n}", "s", n, 1_000 + n, uuid5(PERSON, f"k{n}")) for n in range(1, 4)]
    for event in events:
        told = {"event_id": event.event_id, "position": event.position, "version": event.version}
        client.heard.acknowledged.append((f"k{event.position}", {"events": [told]}))
    assert out_of_order(events) == lost_or_doubled(events, [client], PERSON) == []
    assert lost_or_doubled(events[:2], [client], PERSON)
    doubled = [*events, replace(events[2], position=4, event_id="e4", version=4)]
    assert lost_or_doubled(doubled, [client], PERSON)
    client.heard.acknowledged.reverse()
    assert lost_or_doubled(events, [client], PERSON)
    assert out_of_order([events[0], events[2]])
    assert out_of_order([events[0], replace(events[1], recorded_at=1_001), events[2]])
    assert out_of_order([events[0], replace(events[1], version=1), events[2]])
