"""A slash that belongs to a name in an address: written %2F there, it parts nothing.

The server decodes addresses before they are taken apart, so that such a slash would look like any other. It is another
character until then.
"""

from typing import Final
from urllib.parse import unquote

from fastapi import Request
from starlette.types import Scope

STAND_IN: Final = "\ufdd0"
"""no character of any text, by Unicode's own word"""
_QUOTED: Final = b"%EF%B7%90"


def kept_apart(scope: Scope) -> Scope:
    """The scope with STAND_IN for each %2F of its path."""
    raw: bytes = scope["raw_path"]
    if b"%2F" not in raw and b"%2f" not in raw:
        return scope
    told = raw.replace(b"%2F", _QUOTED).replace(b"%2f", _QUOTED)
    return {**scope, "path": unquote(told.decode("ascii"))}


async def put_back(request: Request) -> None:
    """For every route with names in its address, before they are read."""
    names = request.scope["path_params"]
    for name, value in names.items():
        if STAND_IN in value:
            names[name] = value.replace(STAND_IN, "/")


def shown(path: str) -> str:
    """As it was written, for who reads logs."""
    return path.replace(STAND_IN, "%2F")
