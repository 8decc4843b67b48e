"""The body of a command: its own fields without those that the address gives, and when it happened."""

from functools import cache
from typing import Any

from pydantic import Field, GetJsonSchemaHandler, create_model, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from engine.aggregates.inputs import NEEDED
from engine.messages import Command
from engine.values import Utc, Value
from service.http_errors import HAS_NUL

OF_THE_ADDRESS = {"pipeline", "rep"}
"""fields that a path parameter of their name gives"""
LATE = "When it happened, for an entry that comes late; never in the future. Without it: now."


class Printable(Value):
    """Base of everything that is sent and kept."""

    @model_validator(mode="before")
    @classmethod
    def no_nul(cls, raw: Any) -> Any:
        # No database of ours can look it up, and PostgreSQL can't keep it.
        place = nul_in(raw)
        if place is not None:
            raise PydanticCustomError(HAS_NUL, "there is a NUL character in it: remove it", {"place": place})
        return raw


def nul_in(raw: Any) -> str | None:
    """Where, with the names on the way; however deep, for who sends it chooses the depth. None: nowhere."""
    left: list[tuple[str, Any]] = [("", raw)]
    while left:
        place, each = left.pop()
        if isinstance(each, str):
            if "\0" in each:
                return place
        elif isinstance(each, dict):
            left += [(f"{place}.{name}".removeprefix("."), value) for name, value in each.items()]
        elif isinstance(each, list):
            left += [(f"{place}.{number}".removeprefix("."), value) for number, value in enumerate(each)]
    return None


class Defining(Printable):
    """Base of what may have a `definition`, the stages of a pipeline."""

    @model_validator(mode="before")
    @classmethod
    def not_bare(cls, raw: Any) -> Any:
        # Else each key of theirs would be said to be unknown here.
        if isinstance(raw, dict) and "stages" in raw and "definition" in cls.model_fields:
            raise ValueError('send the stages under `definition`: {"definition": {"pipeline": ..., "stages": [...]}}')
        return raw


class Body(Defining):
    """Base of the bodies of commands."""

    occurred_at: Utc | None = Field(None, description=LATE)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Required is also what a rule always asks for."""
        shape = handler.resolve_ref_schema(handler(core))
        needed = [name for name, field in cls.model_fields.items() if NEEDED in field.metadata]
        for name in needed:
            told = shape["properties"][name]
            del told["default"]
            (choice,) = (each for each in told.pop("anyOf") if each != {"type": "null"})
            told |= choice
        if needed:
            shape["required"] = [*shape.get("required", ()), *needed]
        return shape


@cache
def body_of(command: type[Command], path: str) -> type[Body]:
    left_out = {name for name in OF_THE_ADDRESS if f"{{{name}}}" in path}
    fields: dict[str, Any] = {
        name: (field.annotation, field) for name, field in command.model_fields.items() if name not in left_out
    }
    return create_model(command.__name__, __base__=Body, __doc__=command.__doc__, **fields)


def command_of(command: type[Command], body: Body, **addressed: Any) -> Command:
    """The command that the body and the address tell."""
    told = {name: value for name, value in vars(body).items() if name != "occurred_at"}
    # What the body told was looked at as it was read: its fields are the command's.
    return command(**told, **addressed) if addressed else command.model_construct(**told)
