"""A question in words that were read before: looked at, answered and refused as if it were the first."""

import pytest
from sqlalchemy import func, select

from engine.log.tables import reads
from service.routes import repeated
from tests.service.http.server import Client, Service


def test_the_same_words_are_answered_with_what_has_changed_since(manager: Client) -> None:
    before = manager.get("/v1/board", pipeline="loans").answer
    manager.post("/v1/deals", {"pipeline": "loans", "title": "Roof"}).done()
    after = manager.get("/v1/board", pipeline="loans")
    assert (before["n"], after.answer["n"]) == (0, 1)
    assert after.answer["position"] > before["position"]
    assert manager.get("/v1/board", {"If-None-Match": after.etag}, pipeline="loans").status == 304


def test_who_asks_is_looked_at_each_time(service: Service) -> None:
    manager, auditor = service.client("manager"), service.client("auditor")
    for _ in range(2):
        manager.get("/v1/board", pipeline="loans", limit=1).done()
        auditor.get("/v1/board", pipeline="loans", limit=1).done()
        manager.with_key(None).get("/v1/board", pipeline="loans", limit=1).refused(401, "unauthenticated")
        manager.with_key("dt_nobody").get("/v1/board", pipeline="loans", limit=1).refused(401, "unauthenticated")
    with service.running.log.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(reads)) == 2


def test_what_is_refused_is_refused_again(manager: Client) -> None:
    for _ in range(2):
        manager.get("/v1/board", pipeline="loans").done()
        manager.send("GET", "/v1/board?pipeline=loans&pipeline=loans").refused(422, "invalid", "pipeline")
        manager.send("GET", "/v1/board?pipeline=loans&nonsense=1").refused(422, "invalid")
        manager.send("POST", "/v1/board?pipeline=loans", b"{}").refused(405, "method-not-allowed")


def test_a_question_that_is_too_long_to_be_remembered_is_read(manager: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated, "LENGTH", 30)
    for source in ("a", "b" * 60, "a", "b" * 60):
        assert manager.get("/v1/board", pipeline="loans", source=source).answer["n"] == 0
