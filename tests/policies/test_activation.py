"""Since when a policy looks is in the log: said by whoever runs first, moved by hand, copied with the events."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args
from uuid import UUID

import pytest

from engine.aggregates.pipeline.commands import ActivatePolicy, PolicyName
from engine.aggregates.pipeline.events import PolicyActivated
from engine.log import schema
from engine.log.application import Log, StreamWrite
from engine.log.feed import read_feed
from engine.policies.activation import activated
from engine.policies.every import POLICIES
from engine.policies.raise_stalled import RAISE_STALLED
from engine.policies.run import run_once
from engine.projections.lens import Lens
from engine.projections.views import Views
from tests.policies.stories import Story, day, stage
from tests.service.commandline import run

IDLE = {"stages": [stage(idle_days=14)]}


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Log]:
    url = f"sqlite:///{tmp_path / 'copy.db'}"
    schema.init(url)
    log = Log(url)
    yield log
    log.close()


def copied(log: Log, to: Log) -> None:
    """Events alone: no commands, no people, no texts."""
    versions: dict[str, int] = {}
    for row in read_feed(log, 0).iter_rows(named=True):
        stream = row["stream_id"]
        entry = log.stream(UUID(hex=stream))[versions.get(stream, 0)]
        to.append([StreamWrite(entry.stream_id, versions.get(stream, 0), [entry])])
        versions[stream] = versions.get(stream, 0) + 1


def activations(log: Log) -> list[PolicyActivated]:
    feed = read_feed(log, 0)
    rows = feed.filter(feed["type"] == PolicyActivated.TOPIC)
    return [PolicyActivated.model_validate_json(payload) for payload in rows["payload"]]


def test_a_log_that_is_copied_by_its_events_does_the_same(log: Log, copy: Log) -> None:
    story = Story(log, IDLE)
    old, young = story.opened(0), story.opened(20)
    story.run(30, since=None)
    copied(log, copy)
    assert activated(copy, RAISE_STALLED, "sales") == activated(log, RAISE_STALLED, "sales")
    there = run_once(copy, Views(copy), now=day(36))
    here = story.run(36, since=None)
    assert [done.due for done in there] == [done.due for done in here]
    assert {done.due.journey for done in here} == {young}
    assert old not in {done.due.journey for done in here}
    # And in its turn: what the one did is known to the other.
    for_copy = Log(copy.url)
    assert run_once(for_copy, Views(for_copy), now=day(37)) == []
    for_copy.close()


def test_only_what_a_definition_asks_for_is_activated(log: Log) -> None:
    story = Story(log, {"stages": [stage()]})
    story.opened(0)
    assert story.run(1, since=None) == []
    assert activations(log) == []
    story.publish({"stages": [stage(idle_days=14)], "proposals": {"remind_days": 2}}, at=2)
    story.run(3, since=None)
    assert sorted(each.policy for each in activations(log)) == ["expire_proposals", "raise_stalled"]
    # Steps are planned by people too.
    story.plan(story.opened(4), at=4, due=9)
    story.run(5, since=None)
    assert activations(log)[2].policy == "withdraw_pointless"


def test_of_several_that_run_first_at_once_one_decides_for_all(log: Log) -> None:
    Story(log, IDLE)
    views = [Views(log) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: run_once(log, views[n], now=day(10 + n)), range(4)))
    (said,) = activations(log)
    assert activated(log, RAISE_STALLED, "sales") in {Lens.of(day(10 + n)).as_of for n in range(4)}
    assert said.policy == "raise_stalled"


def test_it_is_moved_by_hand(log: Log) -> None:
    story = Story(log, IDLE)
    deal = story.opened(0)
    story.run(30, since=None)
    assert story.alerts(deal) == []
    story.do(ActivatePolicy(pipeline="sales", policy="raise_stalled", since=day(5)), at=31)
    story.run(32, since=None)
    assert story.alerted_on(deal) == [32]


def test_it_is_moved_on_the_command_line(log: Log) -> None:
    Story(log, IDLE)
    said = run("policies", "activate", "raise_stalled", "--since", "2026-03-05", "--actor", "jo", "--db", log.url)
    assert said.out == "raise_stalled looks at sales since 2026-03-05 00:00 UTC\n"
    run("policies", "activate", "nag", "--db", log.url).refused(2, "no policy 'nag'", "'raise_stalled'")
    run("policies", "activate", "raise_stalled", "--since", "soon", "--db", log.url).refused(2, "--since")
    run("policies", "activate", "raise_stalled", "--pipeline", "x", "--db", log.url).refused(4, "'x'")


def test_a_start_that_would_silence_the_policy_is_refused(log: Log) -> None:
    Story(log, IDLE)
    before = log.position()
    since = ("--since", "2999-01-01", "--db", log.url)
    run("policies", "activate", "raise_stalled", *since).refused(3, "since 2999-01-01", "future", "leave since out")
    run("policies", "run", "--once", *since).refused(3, "since 2999-01-01", "nothing would be due", "leave it out")
    assert log.position() == before


def test_every_policy_can_be_activated() -> None:
    assert set(get_args(PolicyName)) == {policy.name for policy in POLICIES}
