"""The body of a command: its own fields without those that the address gives, and when it happened."""

from functools import cache
from typing import Any

from pydantic import Field, create_model

from engine.messages import Command
from engine.values import Utc, Value

OF_THE_ADDRESS = {"pipeline", "rep"}
"""fields that a path parameter of their name gives"""
LATE = "When it happened, for an entry that comes late; never in the future. Without it: now."


@cache
def body_of(command: type[Command], path: str) -> type[Value]:
    left_out = {name for name in OF_THE_ADDRESS if f"{{{name}}}" in path}
    fields: dict[str, Any] = {
        name: (field.annotation, field) for name, field in command.model_fields.items() if name not in left_out
    }
    fields["occurred_at"] = (Utc | None, Field(None, description=LATE))
    return create_model(command.__name__, __base__=Value, __doc__=command.__doc__, **fields)


def command_of(command: type[Command], body: Value, **addressed: Any) -> Command:
    """The command that the body and the address tell."""
    told = {name: getattr(body, name) for name in type(body).model_fields if name != "occurred_at"}
    return command(**told, **addressed)
