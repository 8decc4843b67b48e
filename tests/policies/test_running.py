"""Any number of runners, whatever happens to them, do each thing once; a first run is quiet; nothing else fires."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.aggregates.deal.commands import OpenDeal, SendProposal
from engine.aggregates.inputs import PersonRef, SourceKey
from engine.aggregates.journey.commands import RecordSignal, RetractEntry, SetScore
from engine.aggregates.pipeline.events import PolicyActivated
from engine.aggregates.roster.commands import EnrolRep
from engine.handle import handle
from engine.log.application import Log
from engine.log.feed import read_feed
from engine.policies.activation import activated
from engine.policies.every import POLICIES
from engine.policies.raise_stalled import RAISE_STALLED
from engine.policies.run import do, run_once
from engine.projections.lens import Lens
from engine.projections.views import Views
from replay.history import history
from replay.verify import verify
from tests.policies.stories import REP, Story, day, stage

ROOT = Path(__file__).resolve().parents[2]
IDLE = {"stages": [stage(idle_days=14)]}
DEALS = 60


def by_policies(log: Log) -> pl.DataFrame:
    """What policies did to journeys."""
    mine = pl.col("origin").str.starts_with("policy:") & (pl.col("type") != PolicyActivated.TOPIC)
    return read_feed(log, 0).filter(mine)


def test_the_first_run_on_an_old_log_is_quiet_and_what_stalls_later_is_not(log: Log) -> None:
    story = Story(log, IDLE)
    old, young = story.opened(0), story.opened(20)
    assert story.run(30, since=None) == []
    assert story.run(33, since=None) == []
    assert [done.due.journey for done in story.run(34, since=None)] == [young]
    assert story.alerts(old) == []


def test_the_first_runner_decides_since_when_for_all(log: Log) -> None:
    story, other = Story(log, IDLE), Story(log)
    story.opened(0)
    story.run(10, since=None)
    assert [done.what for done in other.run(15, since=None)] == ["done"]
    since = activated(log, RAISE_STALLED, "sales")
    assert since is not None
    assert since == Lens.of(day(10)).as_of


def test_a_stage_with_its_first_rule_is_looked_at_from_then_on(log: Log) -> None:
    story = Story(log, {"stages": [stage()]})
    story.run(0, since=None)
    silent, touched = story.opened(0), story.opened(0)
    story.touch(touched, at=35)
    story.publish(IDLE, at=40)
    assert story.run(41, since=None) == []
    assert [done.due.journey for done in story.run(49, since=None)] == [touched]
    story.publish({"stages": [stage(idle_days=15)]}, at=50)
    story.touch(silent, at=51)
    assert [done.due.journey for done in story.run(66, since=None)] == [silent]


ASKS: dict[str, dict[str, Any]] = {
    "hand_over": {"hand_over": {"score": 80, "team": "sales"}},
    "answer_signals": {"signals": [{"signal": ["demo requested"], "kind": "call", "within_days": 1}]},
    "expire_proposals": {"proposals": {"expire": True}},
}


@pytest.mark.parametrize("policy", ASKS)
def test_what_was_not_asked_for_meanwhile_is_left_alone(log: Log, policy: str) -> None:
    story = Story(log, {"stages": [stage()], **ASKS[policy]})
    story.do(EnrolRep(rep=PersonRef(source="crm", key="seller"), team="sales"), at=0)
    story.run(1, since=None)
    story.publish({"stages": [stage()]}, at=2)
    meanwhile = story.opened(3)
    signs = (SetScore(fit=50, engagement=40), RecordSignal(signal="demo requested"))
    for command in (*signs, SendProposal(expires_at=day(5))):
        story.do(command, meanwhile, at=3)
    story.publish({"stages": [stage()], **ASKS[policy]}, at=10)
    assert story.run(11, since=None) == []
    later = story.opened(12)
    for command in (*signs, SendProposal(expires_at=day(13))):
        story.do(command, later, at=12)
    assert [(done.due.policy, done.due.journey) for done in story.run(14, since=None)] == [(policy, later)]


def test_since_given_goes_back_and_raises_nothing_twice(log: Log) -> None:
    story = Story(log, IDLE)
    deal = story.opened(0)
    story.run(30, since=None)
    story.run(31, since=10)
    story.run(32, since=0)
    assert story.alerted_on(deal) == [31]


def test_a_dry_run_writes_nothing_and_decides_nothing(log: Log) -> None:
    story = Story(log, IDLE)
    story.opened(0)
    before = log.position()
    assert [done.what for done in story.run(15, dry_run=True)] == ["would"]
    assert story.run(15, since=None, dry_run=True) == []
    assert log.position() == before
    assert all(activated(log, policy, "sales") is None for policy in POLICIES)


def test_a_runner_that_lags_finds_it_done_or_over(log: Log) -> None:
    story, lagging = Story(log, IDLE), Story(log)
    done, touched = story.opened(0), story.opened(0)
    look = lagging.views.look("sales", Lens.of(day(15)))
    dues = RAISE_STALLED.due(look, {key.key: 0 for key in look.definition.stages})
    story.touch(touched, at=14.9)
    story.run(15)
    came = {due.journey: do(log, due, day(15)).what for due in dues}
    assert came == {done: "known", touched: "over"}


def test_what_was_over_is_not_remembered_as_done(log: Log) -> None:
    """A touch comes between the look and the alert, and is taken back later: the silence is alerted after all."""
    story = Story(log, IDLE)
    deal = story.opened(0)
    look = story.views.look("sales", Lens.of(day(15)))
    (due,) = RAISE_STALLED.due(look, {key.key: 0 for key in look.definition.stages})
    story.touch(deal, at=14.9)
    assert do(log, due, day(15)).what == "over"
    story.do(RetractEntry(event_id=log.stream(deal)[-1].event_id, reason="another deal's"), deal, at=16)
    story.run(16)
    assert story.alerted_on(deal) == [16]


def test_history_check_and_new_views_fire_nothing(log: Log) -> None:
    story = Story(log, IDLE)
    deal = story.opened(0)
    before = log.position()
    for known in (Views(log), Views(log)):
        known.look("sales", Lens.of(day(90)))
        known.look("sales", Lens.of(day(90), day(80), "then"))
    history(log, str(deal), Lens.of(day(90)))
    assert verify(log, Views(log)) == []
    assert log.position() == before


def test_four_runners_with_skewed_clocks_two_of_them_killed_and_restarted(database_url: str) -> None:
    log = Log(database_url)
    story = Story(log, IDLE)
    ago = datetime.now(UTC) - timedelta(days=14, minutes=10)
    for number in range(DEALS):
        handle(
            log,
            OpenDeal(pipeline="sales", owner=REP, record=SourceKey(source="crm", key=str(number))),
            actor=REP,
            origin="cli",
            # Every third stalls only by the clocks that are fast.
            now=ago + timedelta(minutes=11 if number % 3 == 0 else 0),
        )
    skews = (-2, 0, 2, 5)
    runners = [runner(database_url, skew) for skew in skews]
    try:
        for number in (1, 3):
            wait_for(log, number * DEALS // 6)
            os.kill(runners[number].pid, signal.SIGKILL)
            runners[number].wait(10)
            runners[number] = runner(database_url, skews[number])
        wait_for(log, DEALS)
        time.sleep(0.5)
    finally:
        for started in runners:
            started.kill()
            started.wait(10)
    run_once(log, story.views, since=day(-100))
    found = by_policies(log)
    counted = found.group_by("stream_id", "type").agg(pl.len())
    assert counted["len"].to_list() == [1] * (2 * DEALS)
    assert found["type"].value_counts().sort("type")["count"].to_list() == [DEALS, DEALS]
    # One of each of the two policies that watch here.
    assert read_feed(log, 0)["type"].to_list().count(PolicyActivated.TOPIC) == 2
    log.close()


def runner(url: str, skew_minutes: float) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.policies.runner", url, str(skew_minutes)]
    return subprocess.Popen(command, cwd=ROOT)


def wait_for(log: Log, alerts: int) -> None:
    """Until so many are there."""
    deadline = time.monotonic() + 25
    while by_policies(log).height < 2 * alerts:
        assert time.monotonic() < deadline, f"{by_policies(log).height // 2} of {alerts} alerts"
        time.sleep(0.05)
