"""Words as small integers, given as the words appear (columns.Codes)."""

from typing import Final

import polars as pl

FEW: Final = 1_000
"""rows that are read one by one: to look for equal ones first would cost more"""


def coded(words: pl.Series, codes: dict[str, int], *, ids: bool = False) -> pl.Series:
    """The codes of a column of words, new words added; null stays null. ids: they lose their dashes."""
    if words.null_count() == words.len():
        return words.cast(pl.Int32)
    many = words.len() > FEW
    known = (words.drop_nulls().unique(maintain_order=True) if many else words).to_list()
    plain = [each and each.replace("-", "") for each in known] if ids else known
    numbers = [None if each is None else codes.setdefault(each, len(codes)) for each in plain]
    if not many:
        return pl.Series(words.name, numbers, dtype=pl.Int32)
    return words.replace_strict(known, numbers, default=None, return_dtype=pl.Int32)
