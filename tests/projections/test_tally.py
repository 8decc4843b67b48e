"""Tallies: added in any order and taken away again, they are what counting everything anew would give."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.projections.figures import timed
from engine.projections.lengths import FEW, Lengths
from engine.projections.tally import Tally

spans = st.lists(st.integers(-50, 50) | st.integers(-(2**62), 2**62), max_size=30)


def lengths(values: list[int]) -> Lengths:
    return Lengths((pl.Series(sorted(values), dtype=pl.Int64),), sum(values))


@settings(deadline=None)
@given(spans, spans, spans)
def test_what_stays_what_goes_and_what_comes(stays: list[int], goes: list[int], comes: list[int]) -> None:
    found = lengths(stays + goes).changed(lengths(goes), Lengths.of(comes))
    expected = sorted(stays + comes)
    assert [found.nth(place) for place in range(len(found))] == expected
    assert sorted(found.plus(lengths(goes)).ordered) == sorted(expected + goes)
    again = found.changed(Lengths.of(comes), Lengths.of(goes))
    assert [again.nth(place) for place in range(len(again))] == sorted(stays + goes)
    assert found.ordered.to_list() == expected
    assert (found.total, len(found)) == (sum(expected), len(expected))


@settings(deadline=None)
@given(spans, spans)
def test_many_at_a_time_come_to_the_same(stays: list[int], comes: list[int]) -> None:
    goes, comes = [*range(FEW)], comes * FEW
    found = lengths(stays + goes).changed(lengths(goes), lengths(comes))
    assert found.ordered.to_list() == sorted(stays + comes)


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=20), st.integers(-(10**9), 10**9))
def test_durations_are_those_of_the_column(values: list[int], more: int) -> None:
    rows = pl.DataFrame({"spent": values, "all": [1] * len(values)})
    assert dict(lengths(values).durations) == timed(rows, "spent", "all").drop("all").row(0, named=True)
    longer = lengths([value + more for value in values])
    assert lengths(values).quantile(85, plus=more) == longer.quantile(85)


def test_nothing_has_no_quantile() -> None:
    assert lengths([]).quantile(50) is None
    assert lengths([]).durations.model_dump() == {
        "n": 0,
        "p50_seconds": None,
        "p85_seconds": None,
        "p90_seconds": None,
        "mean_seconds": None,
    }


ONE = Tally({("a", None): 1}, {("b", None): {"EUR": (10, 1)}}, {("age", None): lengths([5])})
TWO = Tally({("a", None): 2}, {("b", None): {"EUR": (0, 1), "BHD": (7, 1)}}, {("age", None): lengths([3, 5])})


def test_tallies_add_up_in_any_order() -> None:
    for both in (ONE.plus(TWO), TWO.plus(ONE)):
        assert both.counts == {("a", None): 3}
        assert list(both.money["b", None].items()) == [("BHD", (7, 1)), ("EUR", (10, 2))]
        assert both.of("age", None).ordered.to_list() == [3, 5, 5]
    assert (ONE.count("a", None), ONE.sums("b", None), len(ONE.of("age", None))) == (1, {"EUR": (10, 1)}, 1)


def test_what_a_journey_added_can_be_taken_away_to_the_last_currency() -> None:
    left = ONE.plus(TWO).changed(before=TWO, now=Tally())
    assert (left.count("a", None), left.sums("b", None)) == (1, {"EUR": (10, 1)})
    assert left.of("age", None).ordered.to_list() == [5]
    none = left.changed(before=ONE, now=Tally())
    assert (none.count("a", None), none.sums("b", None), len(none.of("age", None))) == (0, {}, 0)


def test_groups_together_are_the_whole() -> None:
    grouped = Tally(
        {("n", "x"): 1, ("n", None): 2}, {("m", "x", 1): {"EUR": (1, 1)}, ("m", None, 1): {"EUR": (2, 1)}}, {}
    )
    assert grouped.groups("n") == ["x", None]
    assert grouped.whole() == Tally({("n", None): 3}, {("m", None, 1): {"EUR": (3, 2)}}, {})
