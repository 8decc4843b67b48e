"""Numbers exactly as the mapping writes them."""

import re
from decimal import Decimal

from service.importers.layout import Numbers


def decimal_of(text: str, numbers: Numbers) -> Decimal:
    """The number a cell holds; ValueError says what is wrong with it: NaN, negative, another way of writing."""
    plain = text.strip()
    if plain.startswith("-") and plain[1:].strip()[:1].isdigit():
        raise ValueError("is negative: an amount is 0 or more")
    point, group = re.escape(numbers.decimal), re.escape(numbers.thousands)
    grouped = rf"|[0-9]{{1,3}}(?:{group}[0-9]{{3}})+" if group else ""
    if re.fullmatch(rf"(?:[0-9]+{grouped})(?:{point}[0-9]+)?", plain) is None:
        raise ValueError(f"is no number as the mapping writes them (decimal {numbers.decimal!r})")
    if numbers.thousands:
        plain = plain.replace(numbers.thousands, "")
    return Decimal(plain.replace(numbers.decimal, "."))
