"""Quantiles and means to the last digit, whatever the size of the frame and of the numbers."""

from fractions import Fraction

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.projections.figures import SECOND, median_seconds, timed

micros = st.integers(0, 10**13) | st.integers(0, 10**9) | st.sampled_from([383_304_830_000_000 // 100, 1, 0])
groups = st.lists(st.lists(micros, min_size=1, max_size=7), min_size=1, max_size=5)


def type7(values: list[int], percent: int) -> float:
    ordered = sorted(values)
    low, rest = divmod((len(ordered) - 1) * percent, 100)
    above = ordered[min(low + 1, len(ordered) - 1)]
    return float(Fraction(ordered[low] * (100 - rest) + above * rest, 100 * SECOND))


def test_a_mean_of_many_is_right() -> None:
    """Above 4,294 rows a count times a million no longer fits 32 bits."""
    spans = [[n * 1_000 for n in range(50_000)], [7] * 9]
    rows = pl.DataFrame([(n, span) for n, each in enumerate(spans) for span in each], ["g", "x"], orient="row")
    means = timed(rows, "x", "g").sort("g")["mean_seconds"].to_list()
    assert means == [float(Fraction(sum(each), len(each) * SECOND)) for each in spans]


@settings(deadline=None)
@given(groups)
def test_every_quantile_and_mean_is_the_exact_one_rounded_once(spans: list[list[int]]) -> None:
    rows = pl.DataFrame([(n, span) for n, each in enumerate(spans) for span in each], ["g", "x"], orient="row")
    found = timed(rows, "x", "g").sort("g").rows()
    expected = [
        (
            n,
            len(each),
            *(type7(each, percent) for percent in (50, 85, 90)),
            float(Fraction(sum(each), len(each) * SECOND)),
        )
        for n, each in enumerate(spans)
    ]
    assert found == expected
    medians = rows.group_by("g").agg(p50=median_seconds("x")).sort("g")["p50"].to_list()
    assert medians == [type7(each, 50) for each in spans]
