"""Random numbers that are a function of what they are for: of the run, a name and a number, never of what came before.

So neither the size of a slice nor the order of the code changes a history. Numbers by SplitMix64, over columns.
"""

import sys
from array import array
from collections.abc import Mapping
from hashlib import sha256
from itertools import chain

import polars as pl

GOLDEN = 0x9E3779B97F4A7C15
ROUNDS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


class Dice:
    def __init__(self, run: str) -> None:
        self.run = run

    def word(self, name: str, number: pl.Expr) -> pl.Expr:
        """64 random bits for the name and the (unsigned) number."""
        key = int.from_bytes(sha256(f"{self.run}\n{name}".encode()).digest()[:8], "big")
        mixed = number.cast(pl.UInt64) * pl.lit(GOLDEN, pl.UInt64) + pl.lit(key, pl.UInt64)
        for shift, factor in ROUNDS:
            mixed = (mixed ^ (mixed // 2**shift)) * pl.lit(factor, pl.UInt64)
        return mixed ^ (mixed // 2**31)

    def share(self, name: str, number: pl.Expr) -> pl.Expr:
        """Uniform in (0, 1)."""
        return ((self.word(name, number) // 2**11).cast(pl.Float64) + 0.5) * 2.0**-53

    def below(self, bound: int, name: str, number: pl.Expr) -> pl.Expr:
        """One of 0 to bound - 1."""
        return (self.share(name, number) * bound).cast(pl.Int64)

    def gamma(self, shape: pl.Expr, most: int, name: str, number: pl.Expr) -> pl.Expr:
        """Gamma distributed with scale 1 and a whole shape of at most `most` (0 gives 0)."""
        drawn = pl.lit(0.0)
        for place in range(most):
            drawn += pl.when(shape > place).then(-self.share(f"{name} {place}", number).log()).otherwise(0.0)
        return drawn

    def one_of(self, weights: Mapping[str, float], name: str, number: pl.Expr) -> pl.Expr:
        """One of the words, by weight."""
        share, total, below = self.share(name, number) * sum(weights.values()), 0.0, list(weights)
        choice = pl.lit(below[-1])
        bounds = []
        for word in below[:-1]:
            total += weights[word]
            bounds.append((word, total))
        for word, bound in reversed(bounds):
            choice = pl.when(share < bound).then(pl.lit(word)).otherwise(choice)
        return choice

    def ids(self, name: str, numbers: pl.Series, per_journey: int) -> list[str]:
        """An id for each number, 32 hex digits: a UUID of version 8, RFC 9562.

        The number of the journey (number // per_journey) comes first: ids that are written together stand together in
        an index, which else is rewritten as a whole with every transaction.
        """
        n = pl.col("n")
        journey = (n // per_journey % 2**40) * 2**24
        words = pl.DataFrame({"n": numbers}).select(
            high=journey | (self.word(f"{name} high", n) & 0xFF0FFF) | 0x8000,
            low=(self.word(f"{name} low", n) & 0x3FFFFFFFFFFFFFFF) | 0x8000000000000000,
        )
        packed = array("Q", chain.from_iterable(zip(words["high"].to_list(), words["low"].to_list(), strict=True)))
        if sys.byteorder == "little":
            packed.byteswap()
        text = packed.tobytes().hex()
        return [text[start : start + 32] for start in range(0, len(text), 32)]


def dashed(column: str) -> pl.Expr:
    """An id of 32 hex digits as JSON writes it."""
    parts = [pl.col(column).str.slice(start, length) for start, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))]
    return pl.concat_str(parts, separator="-")
