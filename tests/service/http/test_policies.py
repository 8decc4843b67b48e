"""The policies in the service: they run by themselves, quiet at first; what is due is shown before it is done."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.aggregates.deal.commands import OpenDeal
from engine.handle import handle
from engine.log.application import Log
from engine.policies.every import POLICIES
from service.settings import Serving
from tests.policies.stories import REP, Story, stage
from tests.service.http.server import Client, Service, serving

IDLE = {"stages": [stage("contact", idle_days=14), stage("proposal")]}
QUICK = Serving(policies_seconds=0.1)


@pytest.fixture
def story(log: Log) -> Story:
    """Deals that stalled four days ago, and one that will in a moment."""
    story = Story(log, IDLE)
    silent_for(log, days=18)
    silent_for(log, days=18)
    return story


def silent_for(log: Log, days: float) -> None:
    handle(log, OpenDeal(pipeline="sales", owner=REP), actor=REP, origin="cli", now=datetime.now(UTC) - timedelta(days))


@pytest.fixture
def service(story: Story) -> Iterator[Service]:
    with serving(story.log.url, QUICK) as running:
        yield running


def watched(client: Client, policy: str = "raise_stalled") -> Any:
    (found,) = (each for each in client.get("/v1/policies").answer["policies"] if each["policy"] == policy)
    return found


def until(done: Any, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alerts(client: Client) -> int:
    return len(client.get("/v1/events", type="deal.stalled.v1", limit=1000).answer["events"])


def test_the_service_runs_the_policies_and_is_quiet_about_what_is_long_past(service: Service) -> None:
    manager = service.client("manager")
    until(lambda: watched(manager)["since"] is not None)
    assert alerts(manager) == 0
    found = manager.get("/v1/policies").answer
    assert [each["policy"] for each in found["policies"]] == [policy.name for policy in POLICIES]
    assert watched(manager)["stages"] == ["contact"]
    assert watched(manager, "hand_over") | {"since": None, "stages": []} == watched(manager, "hand_over")
    assert found["every_seconds"] == 0.1
    # Stalls two seconds from now.
    silent_for(service.running.log, days=14 - 2 / 86_400)
    until(lambda: alerts(manager) == 1)
    (step,) = manager.get("/v1/follow-ups").answer["follow_ups"]
    assert step["policy"] == "raise_stalled"
    told = service.client("ops").get("/metrics").content.decode()
    assert 'dealtrail_policy_actions_total{policy="raise_stalled",result="done"}' in told
    assert "dealtrail_policy_round_timestamp_seconds" in told


def test_what_is_due_is_shown_and_not_done(service: Service) -> None:
    manager = service.client("manager")
    until(lambda: watched(manager)["since"] is not None)
    before = service.running.log.position()
    assert manager.get("/v1/policies/due").answer == {"count": 0, "by_policy": {}, "actions": []}
    since = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    found = manager.get("/v1/policies/due", since=since, limit=1).answer
    assert (found["count"], found["by_policy"], len(found["actions"])) == (2, {"raise_stalled": 2}, 1)
    assert found["actions"][0]["command"] == "RaiseStalled"
    assert found["actions"][0]["with"]["stage"] == "contact"
    assert manager.get("/v1/policies/due", since=since, policy="hand_over").answer["count"] == 0
    manager.get("/v1/policies/due", since="soon").refused(422, "invalid", "since")
    service.client("rep").get("/v1/policies/due").refused(403, "forbidden")
    assert service.running.log.position() == before


def test_a_policy_that_is_activated_from_earlier_on_does_what_was_due_since(service: Service) -> None:
    manager = service.client("manager")
    until(lambda: watched(manager)["since"] is not None)
    since = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    body = {"policy": "raise_stalled", "since": since}
    service.client("ops").post("/v1/pipelines/sales/activate-policy", body).refused(403, "forbidden")
    manager.post("/v1/pipelines/sales/activate-policy", {"policy": "nag"}).refused(422, "invalid", "policy")
    manager.post("/v1/pipelines/sales/activate-policy", body).done()
    until(lambda: alerts(manager) == 2)
    assert datetime.fromisoformat(watched(manager)["since"]) == datetime.fromisoformat(since)


def test_a_service_that_is_told_not_to_runs_none(story: Story) -> None:
    with serving(story.log.url, Serving(policies_seconds=0)) as service:
        time.sleep(0.5)
        manager = service.client("manager")
        found = manager.get("/v1/policies").answer
        assert (found["every_seconds"], found["last_round"]) == (None, None)
        assert watched(manager)["since"] is None
