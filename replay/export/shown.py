"""Ids and moments as exports show them."""

import polars as pl

MOMENT = pl.Datetime("us", "UTC")


def dashed(column: str) -> pl.Expr:
    """An id of 32 hex digits as the 36 characters that everybody else calls a UUID."""
    at = pl.col(column).str
    parts = [at.slice(0, 8), at.slice(8, 4), at.slice(12, 4), at.slice(16, 4), at.slice(20)]
    return pl.concat_str(parts, separator="-").alias(column)


def moment(column: str) -> pl.Expr:
    """Microseconds since the epoch as a moment in UTC."""
    return pl.col(column).cast(MOMENT)


def iso(column: str) -> pl.Expr:
    """A moment as text, always with six decimals: 2026-01-05T09:00:00.000000Z."""
    return pl.col(column).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").alias(column)


def seconds(micros: pl.Expr) -> pl.Expr:
    """Microseconds in seconds, the float nearest to it: 409586.991082."""
    # A single number's reciprocal is what Polars multiplies by, and 409586.99108199996 comes of it; columns it divides.
    return micros / (micros * 0 + 1_000_000)
