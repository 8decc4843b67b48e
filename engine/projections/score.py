"""How far off a series of forecasts was: WAPE, signed bias and MAPE, exact up to the last division.

Exact definitions: docs/metrics.md#forecast-accuracy.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple, Self

Number = int | Fraction


class Score(NamedTuple):
    """In one measure: a currency, or wins."""

    forecast: Fraction
    came: Fraction
    wape: float | None
    """sum of the absolute errors / sum that came; None: nothing came"""
    bias: float | None
    """sum of the errors / sum that came"""
    mape: float | None
    """mean of the absolute error / what came, over the periods in which something came"""
    left_out: int
    """periods in which nothing came"""

    @classmethod
    def of(cls, said: Iterable[tuple[Number, Number]]) -> Self:
        """said: forecast and what came, of each period."""
        each = [(Fraction(told), Fraction(own)) for told, own in said]
        forecast = sum((told for told, _ in each), Fraction(0))
        came = sum((own for _, own in each), Fraction(0))
        missed = sum((abs(told - own) for told, own in each), Fraction(0))
        relative = [abs(told - own) / own for told, own in each if own]
        return cls(
            forecast,
            came,
            wape=float(missed / came) if came else None,
            bias=float((forecast - came) / came) if came else None,
            mape=float(sum(relative) / len(relative)) if relative else None,
            left_out=len(each) - len(relative),
        )
