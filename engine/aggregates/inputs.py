"""What people say in commands and no event may hold: free texts, people, and how other systems call a record.

handle stores these in the erasable tables and gives the rules references to put into events instead.
"""

from typing import Annotated, Final
from uuid import UUID

from pydantic import StringConstraints

from engine.values import Value

Words = Annotated[str, StringConstraints(min_length=1, max_length=20_000, strip_whitespace=True)]
"""A free text: a title, a note, a comment, what the evidence is."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class SourceKey(Value):
    """How another system calls a record: its id there, unique within that system."""

    source: Name
    key: Name


class PersonRef(SourceKey):
    """A person by the id in a source system; the details are kept when the person is new here."""

    name: Name | None = None
    email: Name | None = None
    phone: Name | None = None


class Needed:
    """Marks a field that may be None for a rule alone to ask for it, in its own words: the command is never accepted
    without it.
    """


NEEDED: Final = Needed()

Who = UUID | PersonRef
"""A person already known, by person_id, or as a source system calls them."""


def spelled(who: Who) -> str:
    """As one writes whom one means: source:key, or the person_id."""
    return f"{who.source}:{who.key}" if isinstance(who, PersonRef) else str(who)
