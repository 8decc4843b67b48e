"""An event in words: its name and what it says, for any event there is or will be."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from service.cli.terminal import moment

if TYPE_CHECKING:
    from replay.standing import Person

QUIET = {"pipeline", "automated", "direction", "override", "version", "definition"}
"""said by every event of the kind, or told elsewhere; a true or unusual one is told"""
LONGEST = 120


def told(topic: str, data: Mapping[str, Any], people: "Mapping[str, Person]") -> str:
    """`deal.touched.v1` with its payload: "touched: demo, three blends"."""
    stream, name, _ = topic.split(".")
    words = name.replace("_", " ")
    head = f"{stream} {words}" if words in ("captured", "opened") else words
    parts = [part for field, value in data.items() if (part := spoken(field, value, people))]
    text = f"{head}: {', '.join(parts)}" if parts else head
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def spoken(field: str, value: Any, people: "Mapping[str, Person]") -> str:
    """One field; empty where it says nothing to a reader."""
    match value:
        case True:
            return field.replace("_", " ")
        case False | None:
            return ""
        case {"amount_minor": int(), "currency": str()}:
            from engine.values import Money

            price = Money.model_validate(value)
            return f"{price.amount:,} {price.currency}"
        case {"text_id": _}:
            return "(text erased)" if value.get("text") is None else f'"{value["text"]}"'
        case {"name": name, "value": str(text)}:
            return f"{name} {text}"
        case {"name": name, "price": price}:
            return f"{name} {spoken('price', price, people)}"
        case list():
            return ", ".join(part for item in value if (part := spoken(field, item, people)))
        case dict():
            return ", ".join(part for name, item in value.items() if (part := spoken(name, item, people)))
        case str() if is_id(value):
            return f"{field} {people[value].label}" if value in people else ""
        case "inbound":
            return "inbound"
        case str() if field.endswith("_at") or field == "until":
            return f"{field.removesuffix('_at')} {moment(datetime.fromisoformat(value))}"
        case int() | float() if field.endswith("_days"):
            return f"{field.removesuffix('_days')} {in_days(value)}"
        case _ if field in QUIET:
            return ""
        case str() if field in PLAIN:
            return value
        case _:
            return f"{field.replace('_', ' ')} {value}"


def in_days(days: float) -> str:
    shown = f"{days:.1f}".removesuffix(".0")
    return f"{shown} {'day' if shown == '1' else 'days'}"


PLAIN = {"kind", "expected_close", "dimension", "verdict", "signal", "reason", "stage", "outcome"}
"""fields whose value speaks for itself"""


def is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
