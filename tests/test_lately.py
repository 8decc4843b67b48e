"""What is kept for who asks again soon."""

from engine.lately import Lately


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_one_asked_for_least_recently_makes_room() -> None:
    kept: Lately[str, int] = Lately(2)
    kept.put("one", 1)
    kept.put("two", 2)
    assert kept.get("one") == 1
    kept.put("three", 3)
    assert [kept.get(name) for name in ("one", "two", "three")] == [1, None, 3]


def test_what_is_large_leaves_room_for_fewer() -> None:
    kept: Lately[str, int] = Lately(3)
    for number, name in enumerate(("one", "two", "three")):
        kept.put(name, number, most=2)
    assert [kept.get(name) for name in ("one", "two", "three")] == [None, 1, 2]


def test_what_nobody_asked_for_in_a_while_is_let_go() -> None:
    clock = Clock()
    kept: Lately[str, int] = Lately(3, clock)
    kept.put("forgotten", 1)
    kept.put("asked for", 2)
    clock.now = 40
    assert kept.get("asked for") == 2
    clock.now = 80
    kept.let_go(60)
    assert (kept.get("forgotten"), kept.get("asked for"), len(kept)) == (None, 2, 1)
