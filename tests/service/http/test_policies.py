"""The policies in the service: they run by themselves, quiet at first; what is due is shown before it is done."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.handle import handle
from engine.log.application import Log
from engine.policies.every import POLICIES
from engine.policies.run import run_once
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
    nothing = {"count": 0, "by_policy": {}, "actions": [], "next": None}
    assert manager.get("/v1/policies/due").answer.items() >= nothing.items()
    since = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    found = manager.get("/v1/policies/due", since=since, limit=1).answer
    assert (found["count"], found["by_policy"], len(found["actions"])) == (2, {"raise_stalled": 2}, 1)
    assert found["actions"][0]["command"] == "RaiseStalled"
    assert found["actions"][0]["with"]["stage"] == "contact"
    assert manager.get("/v1/policies/due", since=since, policy="hand_over").answer["count"] == 0
    wrong = manager.get("/v1/policies/due", policy="hand_ovr").refused(422, "invalid", "hand_over")
    assert [each["field"] for each in wrong["errors"]] == ["query.policy"]
    manager.get("/v1/policies/due", since="soon").refused(422, "invalid", "since")
    service.client("rep").get("/v1/policies/due").refused(403, "forbidden")
    assert service.running.log.position() == before


@pytest.mark.parametrize("as_of", [None, "2999-01-01"])
def test_what_is_due_is_told_in_pages_of_the_world_of_the_first(story: Story, as_of: str | None) -> None:
    for days in (90, 60, 45, 30):
        silent_for(story.log, days=days)
    with serving(story.log.url, Serving(policies_seconds=0)) as running:
        manager = running.client("manager")
        asked: dict[str, Any] = {"since": "2026-01-01", "policy": "raise_stalled"} | (
            {} if as_of is None else {"as_of": as_of}
        )
        first = manager.get("/v1/policies/due", **asked, limit=4).answer
        every = manager.get("/v1/policies/due", **asked, limit=1000).answer
        assert (first["count"], every["next"]) == (6, None)
        # What is written meanwhile changes nothing on the pages that follow, be it all that was due.
        silent_for(story.log, days=20)
        run_once(story.log, story.views, since=datetime(2026, 1, 1, tzinfo=UTC))
        body = {"policy": "raise_stalled", "since": "2026-11-01T00:00:00Z"}
        manager.post("/v1/pipelines/sales/activate-policy", body).done()
        second = manager.get("/v1/policies/due", **asked, limit=4, after=first["next"]).answer
        assert second["next"] is None
        assert [second[name] for name in ("as_of", "position", "count")] == [
            first[name] for name in ("as_of", "position", "count")
        ]
        assert first["actions"] + second["actions"] == every["actions"]
        opened = manager.get("/v1/events", type="deal.opened", limit=6).answer["events"]
        oldest = sorted(opened, key=lambda event: event["occurred_at"])
        assert [each["started_by"] for each in every["actions"]] == [event["event_id"] for event in oldest]
        for after, words in ((first["next"], "another question"), ("bm9uZQ", "no cursor")):
            manager.get("/v1/policies/due", since="2026-02-01", after=after).refused(422, "invalid", words)


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


def test_a_start_in_the_future_is_refused(service: Service) -> None:
    manager = service.client("manager")
    body = {"policy": "raise_stalled", "since": "2999-01-01T00:00:00Z"}
    manager.post("/v1/pipelines/sales/activate-policy", body).refused(409, "rejected", "since 2999-01-01")
    manager.get("/v1/policies/due", since="2999-01-01").refused(422, "invalid", "since 2999-01-01")


def test_the_steps_of_what_nobody_owns_are_those_of_the_team_of_its_stage_and_nobody_else_s(log: Log) -> None:
    inside, field = ({**stage(key), "team": team} for key, team in (("contact", "inside"), ("visit", "field")))
    story = Story(log, {"stages": [inside, field]})
    with serving(log.url) as running:
        manager, reps = running.client("manager"), {}
        for rep, team in (("rep-01", "inside"), ("rep-02", "inside"), ("rep-03", "field")):
            reps[rep] = running.client("rep", f"crm:{rep}")
            manager.post("/v1/reps", {"rep": {"source": "crm", "key": rep}, "team": team}).done()
        reps["rep-04"] = running.client("rep", "crm:rep-04")
        nobodys, bare = story.opened(0, owner=None), story.opened(0, owner=None)
        due = {"kind": "call", "due_at": "2026-12-24T09:00:00Z"}
        step = manager.post(f"/v1/journeys/{nobodys}/schedule-follow-up", due)
        step.done()
        seen = {rep: client.get("/v1/follow-ups").answer for rep, client in reps.items()}
        assert {rep: [each["journey"] for each in told["follow_ups"]] for rep, told in seen.items()} == {
            "rep-01": [str(nobodys)],
            "rep-02": [str(nobodys)],
            "rep-03": [],
            "rep-04": [],
        }
        assert [each["journey"] for each in seen["rep-02"]["journeys"]] == [str(bare)]
        assert (seen["rep-03"]["journeys"], seen["rep-03"]["n"]) == ([], 0)
        # Who sees it can look at it, and do it; for the others it is not there.
        reps["rep-02"].get(f"/v1/journeys/{nobodys}/history").done()
        for stranger in ("rep-03", "rep-04"):
            reps[stranger].get(f"/v1/journeys/{nobodys}").refused(404, "not-found")
            reps[stranger].post(f"/v1/journeys/{nobodys}/touch", {"kind": "call"}).refused(404, "not-found")
        (planned,) = seen["rep-02"]["follow_ups"]
        done = {"follow_up_id": planned["follow_up"], "outcome": "reached"}
        reps["rep-02"].post(f"/v1/journeys/{nobodys}/complete-follow-up", done).done()
        reps["rep-02"].post(
            f"/v1/journeys/{nobodys}/assign-owner", {"owner": {"source": "crm", "key": "rep-02"}}
        ).done()
        reps["rep-01"].post(f"/v1/journeys/{nobodys}/touch", {"kind": "call"}).refused(403, "forbidden")
        # In the next stage it is the other team's.
        manager.post(f"/v1/deals/{bare}/move-stage", {"stage": "visit"}, if_match="*").done()
        assert reps["rep-01"].get("/v1/follow-ups").answer["without_next_step"] == 1
        assert [each["journey"] for each in reps["rep-03"].get("/v1/follow-ups").answer["journeys"]] == [str(bare)]


def test_a_step_is_shown_to_the_team_of_whom_it_is_asked(log: Log) -> None:
    story = Story(log, {"stages": [stage()]})
    with serving(log.url) as running:
        manager = running.client("manager")
        for rep, team in (("rep-01", "inside"), ("rep-03", "field")):
            manager.post("/v1/reps", {"rep": {"source": "crm", "key": rep}, "team": team}).done()
        deal = story.opened(0)
        asked = {"kind": "call", "due_at": "2026-12-24T09:00:00Z", "owner": {"source": "crm", "key": "rep-03"}}
        manager.post(f"/v1/journeys/{deal}/schedule-follow-up", asked).done()
        count = {
            rep: running.client("rep", f"crm:{rep}").get("/v1/follow-ups").answer["count"]
            for rep in ("rep-01", "rep-03")
        }
        assert count == {"rep-01": 0, "rep-03": 1}


def test_what_somebody_who_left_owned_is_seen_and_taken_by_the_team_of_its_stage(log: Log) -> None:
    story = Story(log, {"stages": [{**stage(), "team": "inside"}]})
    with serving(log.url) as running:
        manager = running.client("manager")
        for rep, team in (("rep-01", "inside"), ("rep-02", "inside"), ("rep-03", "field")):
            manager.post("/v1/reps", {"rep": {"source": "crm", "key": rep}, "team": team}).done()
        deal, strangers = story.opened(0), story.opened(0, owner=PersonRef(source="crm", key="rep-09"))
        colleague, stranger = (running.client("rep", f"crm:{rep}") for rep in ("rep-02", "rep-03"))
        colleague.post(f"/v1/journeys/{deal}/touch", {"kind": "call"}).refused(403, "forbidden")
        manager.post("/v1/reps/crm:rep-01/leave", {}).done()
        (waiting,) = colleague.get("/v1/follow-ups").answer["journeys"]
        assert (waiting["journey"], waiting["owner"], waiting["team"]) == (str(deal), None, "inside")
        colleague.get(f"/v1/journeys/{deal}/history").done()
        colleague.post(f"/v1/journeys/{deal}/touch", {"kind": "call"}).done()
        take = {"owner": {"source": "crm", "key": "rep-02"}}
        stranger.post(f"/v1/journeys/{deal}/assign-owner", take).refused(404, "not-found")
        colleague.post(f"/v1/journeys/{deal}/assign-owner", take).done()
        # Who never was on the roster is an owner still.
        colleague.get(f"/v1/journeys/{strangers}").refused(404, "not-found")
