"""People over HTTP: found by what they are called, corrected so that every answer of every process says so at once."""

import re
from typing import Any
from uuid import uuid4

import pytest

from tests.service.http.server import Client, Service, serving

CUSTOMER = {"source": "crm", "key": "C-1", "name": "Tea Shop", "email": "old@tea.example", "phone": "1"}
REP = {"source": "crm", "key": "rep-01", "name": "Adda"}


@pytest.fixture
def deal(manager: Client) -> str:
    """Of the customer, owned by the rep."""
    manager.post("/v1/reps", {"rep": REP, "team": "north"}).done()
    body = {"pipeline": "loans", "title": "a deal", "person": CUSTOMER, "owner": {"source": "crm", "key": "rep-01"}}
    told: str = manager.post("/v1/deals", body).answer["stream_id"]
    return told


def listed(client: Client, **asked: Any) -> list[str]:
    """Of all pages."""
    found: list[str] = []
    after: dict[str, Any] = {}
    while True:
        answer = client.get("/v1/people", **asked, **after).answer
        found += [f"{each['source']}:{each['key']}" for each in answer["people"]]
        if answer["next"] is None:
            return found
        after = {"after": answer["next"]}


@pytest.mark.usefixtures("deal")
def test_a_person_is_asked_for_by_id_key_or_source_and_key(manager: Client) -> None:
    shown = manager.get("/v1/people/C-1")
    assert shown.answer == CUSTOMER | {"role": "customer", "person_id": shown.answer["person_id"]}
    for name in ("crm:C-1", shown.answer["person_id"]):
        assert manager.get(f"/v1/people/{name}").answer == shown.answer
    assert manager.get("/v1/people/C-1", {"If-None-Match": shown.etag}).status == 304
    for nobody in ("C-2", "erp:C-1", str(uuid4())):
        manager.get(f"/v1/people/{nobody}").refused(404, "not-found", nobody)


@pytest.mark.usefixtures("deal")
def test_the_list_is_narrowed_and_its_pages_go_on_within_that(service: Service, manager: Client) -> None:
    for n in (2, 3):
        manager.post("/v1/leads", {"pipeline": "loans", "person": {"source": "crm", "key": f"C-{n}", "name": "Tea"}})
    twin = {"source": "erp", "key": "C-1", "phone": "7"}
    manager.post("/v1/leads", {"pipeline": "loans", "person": twin}).done()
    for limit in (1, 2, 500):
        assert listed(manager, source="crm", limit=limit) == ["crm:C-1", "crm:C-2", "crm:C-3", "crm:rep-01"]
        assert listed(manager, key="C-1", limit=limit) == ["crm:C-1", "erp:C-1"]
        assert listed(manager, q="tea", limit=limit) == ["crm:C-1", "crm:C-2", "crm:C-3"]
        assert listed(manager, q="SHOP tea", source="crm", limit=limit) == ["crm:C-1"]
        assert len(listed(manager, limit=limit)) == 6
    manager.get("/v1/people/C-1").refused(422, "invalid", "crm:C-1 or erp:C-1")
    manager.post("/v1/people/C-1/correct", {"name": "x"}).refused(409, "rejected", "say which")
    service.client("admin").send("DELETE", "/v1/people/C-1").refused(409, "rejected", "say which")
    manager.get("/v1/people", q=" ").refused(422, "invalid")
    for nonsense in ("x", "W10", "WzEsMl0", "e30"):
        manager.get("/v1/people", after=nonsense).refused(422, "invalid", "cursor")
    odd = [{"source": "a\x1fb", "key": "c"}, {"source": "a", "key": "b\x1fc"}]
    for person in odd:
        manager.post("/v1/leads", {"pipeline": "loans", "person": person}).done()
    assert sorted(listed(manager, limit=1)) == sorted(listed(manager, limit=500))
    assert {"a:b\x1fc", "a\x1fb:c"} <= set(listed(manager, limit=1))
    assert re.fullmatch("[A-Za-z0-9_-]+", manager.get("/v1/people", limit=1).answer["next"])


def test_every_answer_of_every_process_tells_the_corrected_name_at_once(
    service: Service, manager: Client, deal: str
) -> None:
    manager.post("/v1/deals", {"pipeline": "loans", "owner": {"source": "crm", "key": "rep-01"}}).done()
    with serving(service.running.log.url) as another:
        other = Client(another.port, manager.key)
        asked: list[tuple[Client, str, dict[str, Any]]] = [
            (client, path, query)
            for client in (manager, other)
            for path, query in (
                ("/v1/board", {"as_of": "2100-01-01"}),
                ("/v1/board", {"by": "owner"}),
                ("/v1/reps", {}),
                (f"/v1/journeys/{deal}", {}),
                (f"/v1/journeys/{deal}/history", {}),
                ("/v1/people", {}),
                ("/v1/people/rep-01", {}),
            )
        ]
        before = [client.get(path, **query) for client, path, query in asked]
        assert all(b"Adda" in reply.content for reply in before)
        pages = [client.get("/v1/deals", limit=1).answer["next"] for client in (manager, other)]
        for client in (manager, other):
            assert client.get("/v1/search", q="tea shop").answer["n"] == 1
        done = manager.post("/v1/people/rep-01/correct", {"name": "Ada"}).answer
        assert done["changed"] == ["name"]
        manager.post("/v1/people/C-1/correct", {"name": "Coffee House"}).done()
        for (client, path, query), was in zip(asked, before, strict=True):
            now = client.get(path, {"If-None-Match": was.etag}, **query)
            assert now.status == 200, path
            assert b"Adda" not in now.content, path
            assert b"Ada" in now.content, path
        for client, following in zip((manager, other), pages, strict=True):
            assert client.get("/v1/deals", limit=1, after=following).answer["journeys"][0]["owner"]["label"] == "Ada"
            assert client.get("/v1/search", q="tea shop").answer["n"] == 0
            assert client.get("/v1/search", q="coffee").answer["found"][0]["customer"]["label"] == "Coffee House"
            told = {each["journey"]: each["customer"] for each in client.get("/v1/deals").answer["journeys"]}
            assert told.pop(deal)["label"] == "Coffee House"
            assert list(told.values()) == [None]


def test_only_what_is_sent_changes_and_a_retry_does_nothing_twice(service: Service, manager: Client, deal: str) -> None:
    events = manager.get("/v1/events").answer["position"]
    sent = {"email": "new@tea.example", "phone": None}
    first = manager.post("/v1/people/crm:C-1/correct", sent, idempotency_key="once")
    assert first.answer["changed"] == ["email", "phone"]
    assert manager.get("/v1/people/C-1").answer["name"] == "Tea Shop"
    manager.post("/v1/people/C-1/correct", {"email": "newer@tea.example"}).done()
    again = manager.post("/v1/people/crm:C-1/correct", sent, idempotency_key="once")
    assert again.answer == first.answer
    assert again.headers["idempotent-replayed"] == "true"
    shown = manager.get("/v1/people/C-1").answer
    assert (shown["email"], shown["phone"]) == ("newer@tea.example", None)
    reused = manager.post("/v1/people/C-1/correct", {"name": "x"}, idempotency_key="once")
    reused.refused(422, "idempotency-key-reused")
    touch = manager.post(f"/v1/journeys/{deal}/touch", {"kind": "call"}, idempotency_key="once")
    touch.refused(422, "idempotency-key-reused")
    # Another person's same words are another command.
    service.client("ops").post("/v1/people/C-1/correct", {"name": "x"}, idempotency_key="once").done()
    assert manager.get("/v1/events").answer["position"] == events


@pytest.mark.usefixtures("deal")
def test_what_is_no_correction_is_refused(manager: Client) -> None:
    here = "/v1/people/C-1/correct"
    manager.post(here, {}).refused(422, "invalid", "name, email or phone")
    manager.post(here, {"key": "C-2"}).refused(422, "invalid", "key")
    manager.post(here, {"name": ""}).refused(422, "invalid", "name")
    manager.post(here, {"name": "a\0b"}).refused(422, "invalid", "NUL")
    twice = {"Content-Type": "application/json", "Idempotency-Key": "twice"}
    manager.send("POST", here, b'{"name": "a", "name": "b"}', twice).refused(422, "invalid", "name")
    manager.post("/v1/people/C-9/correct", {"name": "x"}).refused(404, "not-found", "C-9")
    assert manager.get("/v1/people/C-1").answer["name"] == "Tea Shop"


@pytest.mark.usefixtures("deal")
def test_a_person_is_erased_by_key_and_a_retried_correction_still_gets_its_answer(
    service: Service, manager: Client
) -> None:
    first = manager.post("/v1/people/C-1/correct", {"name": "Tea"}, idempotency_key="once")
    seen = manager.get("/v1/deals", as_of="2100-01-01")
    assert seen.answer["journeys"][0]["customer"]["key"] == "C-1"
    assert service.client("admin").send("DELETE", "/v1/people/crm:C-1").answer["rows"] == 2
    fresh = manager.get("/v1/deals", {"If-None-Match": seen.etag}, as_of="2100-01-01")
    assert fresh.answer["journeys"][0]["customer"] is None
    manager.get("/v1/people/crm:C-1").refused(404, "not-found")
    assert manager.post("/v1/people/C-1/correct", {"name": "Tea"}, idempotency_key="once").answer == first.answer
    manager.post("/v1/people/C-1/correct", {"name": "Tea"}).refused(404, "not-found")
