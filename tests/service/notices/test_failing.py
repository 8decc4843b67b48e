"""A receiver that refuses, hangs, answers late or dies gets everything all the same: in order, with the same ids."""

import random
import threading
import time
from collections import defaultdict
from dataclasses import replace

import pytest

from engine.log.application import Log
from engine.log.feed import read_feed
from service.notices import webhooks
from service.notices.changes import new_change
from service.notices.parked import parked, replay, retry
from service.notices.posting import Poster
from tests.service.notices.receiver import DIE, HANG, Got, Receiver, receiving
from tests.service.notices.world import LOOPBACK, QUICK, hooked, send_all, sending, told, with_backoff


def in_order(receiver: Receiver) -> None:
    """Of each journey, what was accepted came in the order of the log, each the first time it was accepted."""
    by_journey = defaultdict(list)
    for each in receiver.accepted:
        by_journey[each.journey].append(each.position)
    for positions in by_journey.values():
        first = list(dict.fromkeys(positions))
        assert first == sorted(first)


def stable_ids(log: Log, receiver: Receiver) -> None:
    ids = {row["position"]: row["event_id"] for row in read_feed(log, 0).iter_rows(named=True)}
    for each in receiver.got:
        assert each.headers["webhook-id"].replace("-", "") == ids[each.position]


def test_whatever_a_receiver_does_it_gets_everything_in_order(log: Log) -> None:
    told(log, deals=12, entries=5)
    draw = random.Random(7)

    def moody(got: Got) -> int:
        time.sleep(draw.choice([0, 0, 0, 0.02]))
        return draw.choice([200, 200, 204, 299, 500, 503, 400, 302, HANG, DIE])

    with receiving(moody) as receiver, sending(log):
        made, _ = hooked(log, receiver.url)
        receiver.wait_for(log.position())
        receiver.answering = lambda _: 200
    in_order(receiver)
    stable_ids(log, receiver)
    assert {each.answered for each in receiver.got} >= {HANG, DIE, 500, 302}
    found = webhooks.get(log, made.webhook_id)
    assert (found.position, found.waiting, found.parked) == (log.position(), 0, 0)


def test_a_journey_that_fails_holds_up_no_other_and_keeps_its_own_order(log: Log) -> None:
    deals = told(log, deals=4, entries=4)
    bad = deals[0]
    heals = threading.Event()
    with (
        receiving(lambda got: 200 if got.journey != bad or heals.is_set() else 500) as receiver,
        sending(log),
    ):
        hooked(log, receiver.url, types=["deal.*"])
        receiver.wait_for(12)
        refused = [each.position for each in receiver.got if each.journey == bad]
        # Its first alone is tried, again and again.
        assert len(set(refused)) == 1
        heals.set()
        receiver.wait_for(16)
    in_order(receiver)


def test_a_journey_that_hangs_holds_up_no_other(log: Log) -> None:
    deals = told(log, deals=3, entries=6)
    with (
        receiving(lambda got: HANG if got.journey == deals[0] else 200) as receiver,
        sending(log, replace(QUICK, poster=Poster(LOOPBACK, seconds=8))),
    ):
        hooked(log, receiver.url, types=["deal.*"])
        receiver.wait_for(12)
        hangs = next(each.begun for each in receiver.got if each.journey == deals[0])
        # All others came while the first attempt still hung.
        assert max(each.begun for each in receiver.got) < hangs + 8


def test_an_answer_that_comes_too_late_counts_as_none(log: Log) -> None:
    told(log, deals=1, entries=2)
    late = [True]

    def slow(_: Got) -> int:
        if late.pop() if late else False:
            time.sleep(1)
        return 200

    with receiving(slow) as receiver, sending(log):
        hooked(log, receiver.url)
        receiver.wait_for(log.position())
        deadline = time.monotonic() + 10
        while len(receiver.got) < log.position() + 1:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    # The one that was answered late was sent again, by the same id.
    ids = [each.headers["webhook-id"] for each in receiver.got]
    assert len(ids) == len(set(ids)) + 1


def test_a_receiver_that_is_not_there_yet_gets_everything_later(log: Log) -> None:
    told(log, deals=3)
    with receiving() as gone:
        port = gone.port
    with sending(log):
        made, _ = hooked(log, gone.url)
        deadline = time.monotonic() + 10
        while webhooks.get(log, made.webhook_id).failures < 3:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert "no connection" in (webhooks.get(log, made.webhook_id).problem or "")
        with receiving(port=port) as receiver:
            receiver.wait_for(log.position())
    in_order(receiver)


def test_several_journeys_are_told_at_once_and_no_more_than_allowed(log: Log) -> None:
    told(log, deals=20, entries=2)

    def slow(_: Got) -> int:
        time.sleep(0.05)
        return 200

    with receiving(slow) as receiver:
        hooked(log, receiver.url, types=["deal.*"])
        send_all(log, replace(QUICK, at_once=4))
        assert receiver.most_at_once == 4
        assert len(receiver.got) == 40


def test_a_receiver_that_fails_at_everything_is_asked_by_one_at_a_time(log: Log) -> None:
    told(log, deals=30, entries=1)
    with receiving(lambda _: 500) as receiver:
        made, _ = hooked(log, receiver.url, types=["deal.*"])
        with sending(log, with_backoff(cautious_after=5, cautious_most=0.05, first=0.02)):
            deadline = time.monotonic() + 10
            while len(receiver.got) < 25:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            receiver.most_at_once = 0
            while len(receiver.got) < 40:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert receiver.most_at_once == 1
            receiver.answering = lambda _: 200
            receiver.wait_for(30)
        assert webhooks.get(log, made.webhook_id).failures == 0


def test_what_one_journey_cannot_get_through_is_parked_and_the_rest_of_it_goes_on(log: Log) -> None:
    deals = told(log, deals=2, entries=3)
    poison = next(
        row["position"] for row in read_feed(log, 0).iter_rows(named=True) if row["stream_id"] == deals[0].hex
    )
    with receiving(lambda got: 422 if got.position == poison else 200) as receiver:
        made, _ = hooked(log, receiver.url, types=["deal.*"])
        with sending(log, with_backoff(give_up=0.3)):
            receiver.wait_for(5)
        (given_up,) = parked(log, made.webhook_id)
        assert (given_up.position, given_up.journey, given_up.problem) == (poison, deals[0], "answered 422")
        assert given_up.attempts == sum(each.position == poison for each in receiver.got) > 1
        assert webhooks.get(log, made.webhook_id).paused_at is None
        receiver.answering = lambda _: 200
        send_all(log)
        assert parked(log, made.webhook_id) == [given_up]
        retry(log, new_change(deals[0]), made.webhook_id)
        send_all(log)
        assert receiver.positions()[-1] == poison
        assert (webhooks.get(log, made.webhook_id).parked, webhooks.get(log, made.webhook_id).waiting) == (0, 0)


def test_when_nothing_is_accepted_for_days_it_is_paused_and_nothing_is_given_up(log: Log) -> None:
    told(log, deals=3, entries=2)
    with receiving(lambda _: 500) as receiver:
        made, _ = hooked(log, receiver.url)
        with sending(log, with_backoff(give_up=0.3)):
            deadline = time.monotonic() + 10
            while webhooks.get(log, made.webhook_id).paused_at is None:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        found = webhooks.get(log, made.webhook_id)
        assert (found.parked, found.paused_because) == (0, "nothing was accepted for 3.47222e-06 days: answered 500")
        receiver.answering = lambda _: 200
        send_all(log)
        assert receiver.accepted == []
        webhooks.resume(log, new_change(made.webhook_id), made.webhook_id)
        send_all(log)
        assert len(receiver.positions()) == log.position()
    in_order(receiver)


def test_a_receiver_that_is_gone_is_left_alone(log: Log) -> None:
    told(log, deals=3)
    with receiving(lambda _: 410) as receiver:
        made, _ = hooked(log, receiver.url)
        with sending(log):
            deadline = time.monotonic() + 10
            while webhooks.get(log, made.webhook_id).paused_at is None:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        asked = len(receiver.got)
        send_all(log)
        assert len(receiver.got) == asked
    found = webhooks.get(log, made.webhook_id)
    assert "410" in (found.paused_because or "")
    assert found.answered_at is None


def test_a_replay_sends_everything_behind_a_position_again_with_the_same_ids(log: Log) -> None:
    told(log, deals=2)
    with receiving() as receiver:
        made, _ = hooked(log, receiver.url)
        send_all(log)
        replay(log, new_change(made.webhook_id), made.webhook_id, after=3)
        send_all(log)
        again = [each.position for each in receiver.got[log.position() :]]
        assert sorted(again) == list(range(4, log.position() + 1))
    stable_ids(log, receiver)


def test_while_it_is_paused_nothing_is_told_and_nothing_is_missed(log: Log) -> None:
    with receiving() as receiver, sending(log):
        made, _ = hooked(log, receiver.url)
        webhooks.pause(log, new_change(made.webhook_id), made.webhook_id, "they are moving house")
        told(log, deals=2)
        time.sleep(0.3)
        assert receiver.got == []
        webhooks.resume(log, new_change(made.webhook_id), made.webhook_id)
        receiver.wait_for(log.position())


@pytest.mark.parametrize("asked", ["1", "Sun, 01 Jan 2040 00:00:00 GMT"])
def test_a_receiver_that_asks_to_wait_is_not_asked_before(log: Log, asked: str) -> None:
    told(log, deals=1, entries=1)
    with receiving(lambda _: 429) as receiver:
        receiver.headers = {"Retry-After": asked}
        hooked(log, receiver.url, types=["deal.*"])
        with sending(log, with_backoff(most=30.0)):
            deadline = time.monotonic() + 10
            while not receiver.got:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(0.6)
        assert len(receiver.got) == 1
