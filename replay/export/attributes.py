"""An event's payload as attributes with plain values, for formats that know no others."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from engine.values import Money

Plain = str | int | float | Decimal | datetime
"""bool is an int"""
MOMENTS: Final = frozenset({"due_at", "until", "expires_at"})


def attributes(payload: Mapping[str, Any]) -> Iterator[tuple[str, Plain]]:
    """Names and values: money as `value` and `value:currency`, a free attribute as `attribute:NAME`, a text as its id.

    Of a proposal's options `price` is the highest, and all of them are JSON.
    """
    for name, value in payload.items():
        match value:
            case {"amount_minor": int(), "currency": str(currency)}:
                yield name, Money.model_validate(value).amount
                yield f"{name}:currency", currency
            case {"text_id": str(text_id)}:
                yield name, text_id
            case list() if name == "attributes":
                for each in value:
                    yield f"attribute:{each['name']}", each["value"]
            case list() if name == "options":
                yield name, json.dumps(value, ensure_ascii=False, separators=(",", ":"))
                if value:
                    yield from attributes({"price": value[0]["price"]})
            case list() | dict():
                yield name, json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            case str() if name in MOMENTS:
                yield name, datetime.fromisoformat(value)
            case _:
                yield name, value
