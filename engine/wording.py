"""What pydantic finds wrong, said in our words: where, what would be right, and the value as given."""

from collections.abc import Iterable
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

LONGEST: Final = 80
"""characters of a value that is shown"""
WRITE_A_DATE: Final = "write a date as 2026-01-05, a moment as 2026-01-05T09:00:00Z"
WORDS: Final = {
    "missing": "is missing",
    "extra_forbidden": "is not known here: leave it out, or correct its name",
    "string_type": "write a text, in quotes",
    "int_type": "write a whole number, without quotes: 5",
    "float_type": "write a number, without quotes: 2.5",
    "bool_type": "write true or false, without quotes",
    "model_type": "write fields with their names: {{name: value}}",
    "model_attributes_type": "write fields with their names: {{name: value}}",
    "dict_type": "write fields with their names: {{name: value}}",
    "list_type": "write a list: [one, other]",
    "tuple_type": "write a list: [one, other]",
    "too_short": "give at least {min_length}",
    "too_long": "give at most {max_length}, not {actual_length}",
    "string_too_short": "give at least {min_length} character",
    "string_too_long": "give at most {max_length} characters",
    "literal_error": "write {expected}",
    "string_unicode": "write whole characters: half of a pair, such as \\ud83d alone, is none",
    **dict.fromkeys(("uuid_parsing", "uuid_type"), "write an id, a UUID such as 6f1c0e6a-4f0e-4d8e-9a51-0c4b3f1f6f7e"),
    "int_parsing": "write a whole number: 5",
    "float_parsing": "write a number: 2.5",
    "decimal_parsing": "write a number: 2.5",
    "bool_parsing": "write true or false",
    **dict.fromkeys(
        ("date_type", "datetime_type", "date_from_datetime_parsing", "datetime_from_date_parsing"),
        WRITE_A_DATE,
    ),
    "timezone_aware": "say in which time zone: 2026-01-05T09:00:00Z, or +01:00 at its end",
}
"""by pydantic's type of error; the braces are of its context"""
YAML_READS: Final = {"True": "yes and on", "False": "no and off"}
PATTERNS: Final = {
    "^[a-z0-9][a-z0-9_.-]{0,63}$": "write 1 to 64 of a-z, 0-9, _ . and -, beginning with a letter or a digit",
    "^[a-z]{2,3}$": "write a language of two or three small letters: en",
    "^[A-Z]{2}$": "write a country of two capital letters: ES",
    r"^[\x21-\x7e]+$": "write visible ASCII characters, without a space: a UUID, say",
    "^[0-9]{1,18}$": "write the id of the last event that arrived: its position",
    r"^[A-Za-z0-9_.:-]+\*?$": "write a whole word such as deal.won, or how it begins and a star: deal.*",
    "^[A-Z]{3}$": "write a currency of three capital letters: EUR",
}


def wording(item: ErrorDetails) -> str:
    """What would be right."""
    context: dict[str, Any] = item.get("ctx", {})
    if item["type"] == "string_pattern_mismatch" and context["pattern"] in PATTERNS:
        return PATTERNS[context["pattern"]]
    if item["type"] in WORDS:
        return WORDS[item["type"]].format_map(context)
    return item["msg"].removeprefix("Value error, ").replace("Input should be", "must be")


def without_echoes(errors: Iterable[ErrorDetails]) -> list[ErrorDetails]:
    """A list is also called too short when what is in it is wrong: that says nothing more."""
    found = list(errors)
    places = [item["loc"] for item in found]
    return [item for item in found if item["type"] != "too_short" or not any(within(at, item["loc"]) for at in places)]


def within(place: tuple[Any, ...], outer: tuple[Any, ...]) -> bool:
    return len(place) > len(outer) and place[: len(outer)] == outer


def problems(error: ValidationError, raw: object = None) -> list[str]:
    """A line for each: where, what would be right, and the value as given (shortened).

    raw: what was read; of a list's members that have a key the place tells it, `stages.2 (proposal).kind`.
    """
    lines = []
    for item in without_echoes(error.errors(include_url=False)):
        place = place_in(raw, item["loc"]) or "as a whole"
        given = repr(item["input"])
        if item["type"] == "string_type" and given in YAML_READS:
            given = f"{given}, as YAML reads {YAML_READS[given]}"
        elif len(given) > LONGEST:
            given = f"{given[: LONGEST - 3]}..."
        # All there is says nothing of what is wrong in it.
        told = item["type"] != "missing" and (item["loc"] or not isinstance(item["input"], dict))
        lines.append(f"{place}: {wording(item)}" + (f" (given: {given})" if told else ""))
    return lines


def place_in(raw: object, place: tuple[int | str, ...]) -> str:
    names = []
    for step in place:
        try:
            raw = raw[step]  # type: ignore[index]  # what can't be looked into says so
        except (TypeError, LookupError):
            raw = None
        key = raw.get("key") if isinstance(step, int) and isinstance(raw, dict) else None
        names.append(f"{step} ({key[:LONGEST]})" if isinstance(key, str) else str(step))
    return ".".join(names)
