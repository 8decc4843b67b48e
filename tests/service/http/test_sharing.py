"""What several want at once is done once, and nobody gets what began before they asked."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.sharing import Sharing
from tests.service.http.server import Client, Service


def test_who_asks_before_it_begins_shares_it_and_who_asks_later_does_not() -> None:
    async def story() -> list[int]:
        sharing, begun, may_end = Sharing(), 0, asyncio.Event()

        async def work() -> int:
            nonlocal begun
            begun += 1
            mine = begun
            await may_end.wait()
            return mine

        first = asyncio.create_task(sharing.fresh("board", work))
        await asyncio.sleep(0.01)
        later = [asyncio.create_task(sharing.fresh("board", work)) for _ in range(5)]
        other = asyncio.create_task(sharing.fresh("funnel", work))
        await asyncio.sleep(0.01)
        may_end.set()
        return [await each for each in (first, other, *later)]

    assert asyncio.run(story()) == [1, 2, 3, 3, 3, 3, 3]


def test_a_failure_is_told_to_all_who_share_it_and_forgotten() -> None:
    async def story() -> int:
        sharing = Sharing()

        async def fail() -> int:
            raise ValueError("no")

        async def succeed() -> int:
            return 7

        for ask in (sharing.fresh, sharing.same):
            failed = await asyncio.gather(*(ask("board", fail) for _ in range(3)), return_exceptions=True)
            assert [str(each) for each in failed] == ["no"] * 3
            assert await ask("board", succeed) == 7
        return len(sharing._begun) + len(sharing._next)

    assert asyncio.run(story()) == 0


def test_one_who_gives_up_does_not_stop_the_others() -> None:
    async def story() -> int:
        sharing = Sharing()

        async def work() -> int:
            await asyncio.sleep(0.02)
            return 7

        first = asyncio.create_task(sharing.fresh("board", work))
        second = asyncio.create_task(sharing.fresh("board", work))
        await asyncio.sleep(0.005)
        first.cancel()
        return await second

    assert asyncio.run(story()) == 7


def test_many_who_watch_a_board_see_each_what_they_wrote(service: Service, manager: Client) -> None:
    def write_and_look(_: int) -> tuple[int, int]:
        position = manager.post("/v1/deals", {"pipeline": "loans"}).answer["position"]
        board = manager.get("/v1/board").answer
        assert board["n"] == board["position"] - 2
        return position, board["position"]

    with ThreadPoolExecutor(12) as threads:
        for written, seen in threads.map(write_and_look, range(60)):
            assert seen >= written


def test_many_at_once_are_answered_from_few_computations(
    service: Service, manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.post("/v1/deals", {"pipeline": "loans"}).done()
    looked = []
    look = service.running.look

    def counted(*given: object) -> object:
        looked.append(given)
        return look(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(service.running, "look", counted)
    with service.running.views._lock, ThreadPoolExecutor(16) as threads:
        sent = [threads.submit(manager.get, "/v1/board") for _ in range(16)]
        deadline = 100
        while service.running.reading.inside == 0 and deadline:
            asyncio.run(asyncio.sleep(0.01))
            deadline -= 1
        asyncio.run(asyncio.sleep(0.3))
        service.running.views._lock.release()
        replies = [each.result() for each in sent]
        service.running.views._lock.acquire()
    assert {reply.status for reply in replies} == {200}
    assert len(looked) <= 3
