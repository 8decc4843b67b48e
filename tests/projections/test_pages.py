"""Lists of one answer, continued together: the pages of each are the list, whatever its size."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Rejected
from engine.projections.pages import Pages

ROWS = st.lists(st.tuples(st.integers(-2, 2), st.sampled_from("ab")), max_size=9)


def frame(rows: list[tuple[int, str]]) -> pl.DataFrame:
    schema = {"size": pl.Int64, "letter": pl.String, "id": pl.String}
    return pl.DataFrame([(*row, str(place)) for place, row in enumerate(rows)], schema, orient="row")


@settings(max_examples=60, deadline=None)
@given(cards=ROWS, steps=ROWS, limit=st.integers(1, 4))
def test_pages_of_two_lists_are_the_lists(
    cards: list[tuple[int, str]], steps: list[tuple[int, str]], limit: int
) -> None:
    lists = {"cards": frame(cards), "steps": frame(steps)}
    found: dict[str, list[Any]] = {"cards": [], "steps": []}
    after, asked = None, 0
    while asked == 0 or after is not None:
        pages = Pages(limit, after, of=tuple(lists))
        for name, rows in lists.items():
            found[name] += pages.page(name, rows, ("size", "letter", "id")).rows()
        after, asked = pages.next, asked + 1
    assert found == {name: sorted(rows.rows()) for name, rows in lists.items()}
    assert asked == max(1, *(-(-len(rows) // limit) for rows in (cards, steps)))


def test_without_a_limit_all_of_it_comes() -> None:
    pages = Pages(None, None, of=("cards",))
    assert pages.page("cards", frame([(1, "a")] * 700), ("size", "id")).height == 700
    assert pages.next is None


def test_a_cursor_continues_the_lists_it_came_from() -> None:
    pages = Pages(1, None, of=("age",))
    pages.page("age", frame([(1, "a"), (2, "b")]), ("size", "id"))
    with pytest.raises(Rejected, match="another list"):
        Pages(1, pages.next, of=("value EUR",))
    with pytest.raises(Rejected, match="no cursor"):
        Pages(1, pages.next, of=("age",)).page("age", frame([]), ("size", "letter", "id"))
    with pytest.raises(Rejected, match="out of range"):
        Pages(-1, None, of=("age",))
