"""Rows kept by journey, and derived frames in spans, against plain lists and dicts of the same rows."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.projections import kept, spans
from engine.projections.kept import Kept, Row
from engine.projections.rows_alone import by_journey
from engine.projections.spans import Spans

SCHEMA = {"journey": pl.UInt32, "occurred_at": pl.Int64, "position": pl.Int64, "word": pl.String}
CODES = st.integers(0, 6)
batches = st.lists(
    st.tuples(st.booleans(), st.lists(st.tuples(CODES, st.integers(0, 3), st.sampled_from("ab")), max_size=5)),
    max_size=8,
)
changes = st.lists(st.dictionaries(CODES, st.lists(st.sampled_from("ab"), max_size=2), max_size=4), max_size=6)


@contextmanager
def limits(few: int) -> Iterator[None]:
    """What is kept apart until there is much of it is put together after so little."""
    with ExitStack() as patches:
        for module, name in (
            (kept, "NEWEST"),
            (kept, "TIMES"),
            (kept, "FEW"),
            (spans, "BESIDE"),
            (spans, "MOST"),
            (spans, "WIDTH"),
            (spans, "FEW"),
        ):
            patches.enter_context(patch.object(module, name, few))
        yield


def codes(*journeys: int) -> pl.Series:
    return pl.Series(sorted(journeys), dtype=pl.UInt32)


@settings(max_examples=100, deadline=None)
@given(batches, st.integers(1, 5), st.sets(CODES))
def test_rows_are_kept_by_journey_however_they_came(
    added: list[tuple[bool, list[tuple[int, int, str]]]], few: int, asked: set[int]
) -> None:
    with limits(few):
        rows: list[Row] = []
        held = [(Kept.none(SCHEMA), list(rows))]
        for at_once, batch in added:
            more = [(journey, at, len(rows) + n, word) for n, (journey, at, word) in enumerate(batch)]
            rows = [*rows, *more]
            last = held[-1][0]
            frame = pl.DataFrame(more, schema=SCHEMA, orient="row")
            held.append((last.plus(frame) if at_once else last.plus_few(more), rows))
        # Every one of them, for an instance never changes what it holds.
        for each, expected in held:
            for journey in asked:
                assert each.of_one(journey) == sorted(row for row in expected if row[0] == journey)
            assert each.of(codes(*asked)).rows() == sorted(row for row in expected if row[0] in asked)
            assert len(each) == len(expected)
        for each, expected in held:
            assert each.all().rows() == sorted(expected)


def test_two_go_on_from_the_same_rows() -> None:
    begun = Kept.none(SCHEMA).plus_few([(1, 1, 1, "both")])
    one, other = begun.plus_few([(1, 2, 2, "one")]), begun.plus_few([(1, 2, 2, "other")])
    assert [row[3] for row in begun.of_one(1)] == ["both"]
    assert [row[3] for row in one.of_one(1)] == ["both", "one"]
    assert [row[3] for row in other.of_one(1)] == ["both", "other"]


@settings(max_examples=100, deadline=None)
@given(
    changes,
    st.integers(1, 5),
    st.lists(st.tuples(*[st.booleans()] * 3), min_size=6, max_size=6),
    st.sets(CODES),
)
def test_what_is_replaced_is_all_that_a_journey_had(
    changed: list[dict[int, list[str]]], few: int, asks: list[tuple[bool, ...]], asked: set[int]
) -> None:
    with limits(few):
        words: dict[int, list[str]] = {1: ["a"], 4: ["b", "a"]}
        held = [(Spans.of(told(words)), dict(words))]
        for change, (ask, plain, settled) in zip(changed, asks, strict=False):
            if ask:
                # Somebody looks at all of it, so that it is put together.
                assert held[-1][0].whole.rows() == told(words).rows()
            words = words | change
            last = held[-1][0]
            if plain:
                rows = by_journey(told(change))
                now = last.replaced({code: (last.rows_alone(code), rows.get(code, ())) for code in change})
            else:
                now = last.spliced(told(change), codes(*change))
            if settled and (put := last.put_in()) is not None:
                # Meanwhile it went on.
                now.take(put)
            held.append((now, dict(words)))
        for each, expected in held:
            for journey in asked:
                rows = each.rows_alone(journey)
                assert [row["word"] for row in rows] == expected.get(journey, [])
            assert each.height == sum(map(len, expected.values()))
            assert each.whole.rows() == told(expected).rows()


def told(words: dict[int, list[str]]) -> pl.DataFrame:
    rows = [(journey, word) for journey in sorted(words) for word in words[journey]]
    return pl.DataFrame(rows, schema={"journey": pl.UInt32, "word": pl.String}, orient="row")
