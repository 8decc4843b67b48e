"""Hypothesis strategies for every event the log can hold, made from the fields it declares."""

import types
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

from annotated_types import Ge, Le
from hypothesis import strategies as st
from pydantic import AfterValidator, AwareDatetime, BaseModel, StringConstraints
from pydantic.fields import FieldInfo

from engine.aggregates.deal.events import ProposalOption
from engine.log.registry import TAGS
from engine.messages import Event
from engine.periods import Every, known_period, name
from engine.stages.definition import Definition, parse_definition
from engine.values import Money, TextRef

DEFINITION = parse_definition(
    {
        "pipeline": "sales",
        "stages": [
            {"key": "contact", "kind": "open", "name": {"ca": "Contacte"}, "stall": {"idle_days": 2.5}},
            {
                "key": "meeting",
                "kind": "open",
                "enter": {"any": [{"touch": {"kind": ["meeting", "demo"]}}, {"bant_confirmed": {"at_least": 3}}]},
                "gate": {"all": [{"signal": "budget seen"}, {"not": {"happened": "DealLost"}}]},
                "probability": 0.4,
            },
            {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
            {"key": "lost", "kind": "lost"},
        ],
    }
)
characters = st.characters(codec="utf-8")
texts = st.text(characters, min_size=1, max_size=30).filter(lambda text: bool(text.strip()))
money = st.builds(Money, amount_minor=st.integers(0, 10**15), currency=st.sampled_from(["EUR", "JPY", "KWD"]))
moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis)
SPECIAL: dict[Any, st.SearchStrategy[Any]] = {
    Definition: st.just(DEFINITION),
    Money: money,
    TextRef: st.builds(TextRef, text_id=st.uuids(), hash=st.text("0123456789abcdef", min_size=64, max_size=64)),
    ProposalOption: st.builds(ProposalOption, name=texts, price=money),
    UUID: st.uuids(),
    bool: st.booleans(),
    date: st.dates(),
    AwareDatetime: moments,
}
any_event: st.SearchStrategy[Event] = st.sampled_from(sorted(TAGS)).flatmap(lambda tag: of_model(TAGS[tag]))


def of_model(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    fields = {name: of_field(field) for name, field in model.model_fields.items()}
    return st.builds(model, **fields)


def of_field(field: FieldInfo) -> st.SearchStrategy[Any]:
    return of_type(field.annotation, field.metadata)


def of_type(kind: Any, limits: list[Any]) -> st.SearchStrategy[Any]:
    if hasattr(kind, "__metadata__"):
        return of_type(kind.__origin__, [*kind.__metadata__, *limits])
    if get_origin(kind) in (Union, types.UnionType):
        return st.one_of(*(of_type(choice, limits) for choice in get_args(kind)))
    if kind is type(None):
        return st.none()
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if get_origin(kind) is tuple:
        return st.lists(of_type(get_args(kind)[0], []), max_size=3).map(tuple)
    if kind in SPECIAL:
        return SPECIAL[kind]
    if kind is int:
        return st.integers(limit(limits, Ge, "ge", -(2**31)), limit(limits, Le, "le", 2**31))
    if kind is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    if kind is str and any(isinstance(each, AfterValidator) and each.func is known_period for each in limits):
        return st.builds(name, st.sampled_from(get_args(Every)), st.dates(date(1900, 1, 1), date(2999, 1, 1)))
    if kind is str:
        pattern = next((each.pattern for each in limits if isinstance(each, StringConstraints) and each.pattern), None)
        return st.from_regex(pattern, fullmatch=True).filter(lambda text: "\n" not in text) if pattern else texts
    if issubclass(kind, StrEnum):
        return st.sampled_from(list(kind))
    if issubclass(kind, BaseModel):
        return of_model(kind)
    raise TypeError(f"no strategy for a field of type {kind}: add it here")


def limit(limits: list[Any], kind: type, name: str, otherwise: int) -> int:
    """The bound that a field declares; pydantic keeps it bare or inside a Field."""
    for each in limits:
        for one in each.metadata if isinstance(each, FieldInfo) else [each]:
            if isinstance(one, kind):
                return int(getattr(one, name))
    return otherwise
