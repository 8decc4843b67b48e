"""The queue: of each journey one at a time and in order, of all that are due the oldest first; whatever comes."""

from dataclasses import replace
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from service.notices.backoff import DAY, Backoff
from service.notices.queue import Notice, Queue

steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 3)),
        st.tuples(st.just("take"), st.integers(0, 3)),
        st.tuples(st.sampled_from(["done", "put_off"]), st.integers(0, 3)),
        st.tuples(st.just("wait"), st.integers(1, 5)),
    ),
    max_size=60,
)


@given(steps)
@settings(max_examples=300, deadline=None)
def test_it_gives_what_a_plain_list_gives(told: list[tuple[str, int]]) -> None:
    queue, now, position = Queue(), 0, 0
    waiting: list[Notice] = []
    out: list[Notice] = []
    for what, number in told:
        if what == "add":
            position += 1
            notice = Notice(position, UUID(int=number), now, now)
            queue.add(notice)
            waiting.append(notice)
        elif what == "wait":
            now += number
        elif what == "take":
            firsts = {}
            for notice in waiting:
                firsts.setdefault(notice.journey, notice)
            free = [each for each in firsts.values() if each not in out and each.due_at <= now]
            later = [each.due_at for each in firsts.values() if each not in out and each.due_at > now]
            assert queue.due(now) == min(later, default=None)
            assert queue.ready == len(free)
            taken = queue.take()
            assert taken == min(free, key=lambda each: each.position, default=None)
            out += [taken] if taken is not None else []
        elif out:
            notice = out.pop(number % len(out))
            at = waiting.index(notice)
            if what == "done":
                queue.done(notice)
                del waiting[at]
            else:
                waiting[at] = replace(notice, due_at=now + number, attempts=notice.attempts + 1, problem="500")
                queue.put_off(waiting[at])
        assert len(queue) == len(waiting)


def test_a_queue_that_is_loaded_goes_on_where_it_was() -> None:
    journey = UUID(int=1)
    queue = Queue([Notice(9, journey, 0, 0), Notice(4, journey, 0, 50, 3, "500")])
    assert queue.due(10) == 50
    assert queue.take() is None
    queue.due(50)
    first = queue.take()
    assert first is not None
    assert first.position == 4
    queue.done(first)
    queue.due(50)
    second = queue.take()
    assert second is not None
    assert second.position == 9


def test_attempts_are_spaced_further_and_further_apart_within_bounds() -> None:
    least, most = Backoff(draw=lambda: 0.0), Backoff(draw=lambda: 1.0)
    assert [most.delay(n) for n in range(1, 10)] == [5, 20, 80, 320, 1280, 5120, 20480, 21600, 21600]
    assert [least.delay(n) for n in range(1, 4)] == [2.5, 10, 40]
    assert most.delay(10**9) == 21_600
    assert most.delay(1, asked=600) == 600
    assert most.delay(1, asked=10**9) == 21_600
    tries, waited = 0, 0.0
    while waited < most.give_up:
        tries += 1
        waited += most.delay(tries)
    assert (most.give_up, tries) == (3 * DAY, 18)


def test_a_receiver_that_fails_at_everything_is_asked_more_and_more_rarely() -> None:
    backoff = Backoff(draw=lambda: 1.0)
    assert [backoff.pause(n) for n in (0, 9, 10, 11, 12, 13, 14, 99, 10**9)] == [0, 0, 5, 10, 20, 40, 60, 60, 60]
