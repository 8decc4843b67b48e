"""The feed of all events: by position, without gaps, by type, and without a name in it."""

import threading

from tests.service.http.server import Client, Service


def read_all(client: Client, **query: object) -> list[int]:
    """Positions of all pages, one after the other."""
    found: list[int] = []
    after = 0
    while True:
        page = client.get("/v1/events", after=after, **query).answer
        found += [event["position"] for event in page["events"]]
        if page["next"] == page["position"]:
            return found
        assert page["next"] > after
        after = page["next"]


def test_the_feed_has_every_position_once(sample_service: Service) -> None:
    ops = sample_service.client("ops")
    last = sample_service.running.log.position()
    assert read_all(ops, limit=100) == list(range(1, last + 1))
    assert ops.get("/v1/events", after=last).answer == {"events": [], "next": last, "position": last}
    # Who read further read another log: one that was restored from a backup since, say.
    ops.get("/v1/events", after=last + 1).refused(410, "gone", f"ends at {last}")


def test_the_feed_of_some_types_misses_none(sample_service: Service) -> None:
    ops = sample_service.client("ops")
    types = {}
    for position in read_all(ops, limit=1000):
        assert position not in types
        types[position] = None
    everything = [
        event
        for after in range(0, len(types), 1000)
        for event in ops.get("/v1/events", after=after, limit=1000).answer["events"]
    ]
    for wanted in (["deal.won.v1"], ["deal.won", "lead.captured.v1"], ["pipeline.created.v1"], ["lead.*"]):
        starts = tuple(each.rstrip("*") for each in wanted)
        expected = [event["position"] for event in everything if event["type"].startswith(starts)]
        assert read_all(ops, type=wanted, limit=7) == expected != []


def test_a_wrong_feed_is_refused(sample_service: Service) -> None:
    ops = sample_service.client("ops")
    problem = ops.get("/v1/events", type="deal.won.v9").refused(422, "invalid", "deal.won")
    assert problem["errors"][0]["field"] == "query.type"
    for query in ({"after": -1}, {"after": "x"}, {"limit": 0}, {"limit": 1001}, {"after": 2**70}, {"before": 3}):
        ops.get("/v1/events", **query).refused(422, "invalid", next(iter(query)))


def test_a_reader_beside_writers_sees_every_event_in_order(manager: Client) -> None:
    def write() -> None:
        for _ in range(25):
            manager.post("/v1/deals", {"pipeline": "loans"}).done()

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    seen, after = [], 0
    while len(seen) < 102:
        page = manager.get("/v1/events", after=after, limit=10).answer
        seen += [event["position"] for event in page["events"]]
        after = page["next"]
    for writer in writers:
        writer.join()
    assert seen == list(range(1, 103))


def test_the_feed_holds_references_and_no_words(manager: Client) -> None:
    body = {"pipeline": "loans", "title": "a secret plan", "person": {"source": "crm", "key": "c", "name": "a name"}}
    manager.post("/v1/deals", body).done()
    reply = manager.get("/v1/events", type="deal.opened.v1")
    assert b"secret" not in reply.content
    assert b"a name" not in reply.content
    assert {"text_id", "hash"} == set(reply.answer["events"][0]["data"]["title"])
