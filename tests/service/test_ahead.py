"""What is written is followed before the next question, as long as there are questions."""

import time
from unittest.mock import patch

import pytest

from engine.aggregates.inputs import PersonRef
from engine.aggregates.pipeline.commands import CreatePipeline
from engine.handle import handle
from engine.log.application import Log
from engine.projections.views import Views
from service.ahead import Ahead

SOMEBODY = PersonRef(source="login", key="somebody")


@pytest.fixture(autouse=True)
def a_patient_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is held up between a question and a write is no quiet minute."""
    monkeypatch.setattr("service.ahead.LATELY_SECONDS", 60.0)


def write(log: Log, pipeline: str) -> None:
    handle(log, CreatePipeline(pipeline=pipeline, name=pipeline), actor=SOMEBODY, origin="cli")


def followed(log: Log, views: Views) -> bool:
    until = time.monotonic() + 30
    while views.position != log.position() and time.monotonic() < until:
        time.sleep(0.001)
    return views.position == log.position()


def test_what_is_written_between_questions_is_followed_unasked(log: Log) -> None:
    views = Views(log)
    ahead = Ahead(views)
    ahead.start()
    for pipeline in ("loans", "cards"):
        ahead.asked()
        write(log, pipeline)
        ahead.written()
        assert followed(log, views)
    ahead.close()


def test_without_questions_nothing_is_followed(log: Log) -> None:
    views = Views(log)
    ahead = Ahead(views)
    write(log, "loans")
    ahead.written()
    with patch.object(views, "catch_up", side_effect=AssertionError("followed")) as catch_up:
        ahead.start()
        # Else it would end before it could.
        time.sleep(0.05)
        ahead.close()
    assert catch_up.mock_calls == []


def test_a_database_that_was_away_is_followed_when_it_is_back(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    views = Views(log)
    ahead = Ahead(views)
    with patch.object(views, "catch_up", side_effect=[OSError("away"), None]) as catch_up:
        ahead.start()
        ahead.asked()
        ahead.written()
        until = time.monotonic() + 30
        while not caplog.records and time.monotonic() < until:
            time.sleep(0.001)
        ahead.written()
        while catch_up.call_count < 2 and time.monotonic() < until:
            time.sleep(0.001)
        ahead.close()
    assert catch_up.call_count == 2
    assert [record.getMessage() for record in caplog.records] == ["following the log failed"]
