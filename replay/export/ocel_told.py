"""What a batch of journeys tells, as rows of the tables of OCEL's SQLite form.

A lead and the deal it became are one journey and two objects: the deal has from its conversion on what was told of
the lead, as the answers have it, or it would be an object without owner, source or stage.
"""

from dataclasses import dataclass, field
from typing import Final

Cell = str | int | float
"""bool is an int; a moment is text"""
FIRST: Final = frozenset({"source", "channel"})
"""of a journey as they were first told, everything else as last told"""


@dataclass
class Told:
    events: list[tuple[str, str]] = field(default_factory=list)
    """id and type"""
    links: list[tuple[str, str, str]] = field(default_factory=list)
    """event, object, qualifier"""
    rows: dict[tuple[str, tuple[str, ...]], list[tuple[Cell, ...]]] = field(default_factory=dict)
    """id, time and attributes of events, by type and the names of the attributes"""
    objects: dict[str, tuple[str, dict[str, Cell]]] = field(default_factory=dict)
    """type and the attributes that it had from the beginning, by id"""
    changes: dict[tuple[str, str], dict[tuple[str, str], Cell]] = field(default_factory=dict)
    """by type of object and name of the attribute: from that time on the object has the value, by id and time"""
    relations: dict[tuple[str, str, str], None] = field(default_factory=dict)
    """source, target, qualifier"""
    standing: dict[str, dict[str, Cell]] = field(default_factory=dict)
    """what is told so far of journeys that began as a lead"""
    deals: dict[str, str] = field(default_factory=dict)
    """what such a journey's lead became"""
    customers: dict[str, str] = field(default_factory=dict)
    """of journeys, as last told"""

    def change(self, kind: str, own: str, time: str, name: str, value: Cell) -> None:
        # Of several values at one moment the last is the one that stands.
        self.changes.setdefault((kind, name), {})[own, time] = value

    def change_of(self, journey: str, kind: str, own: str, time: str, name: str, value: Cell) -> None:
        """A change of a lead or deal."""
        if name == "status" or (kind == "deal" and own == journey):
            self.change(kind, own, time, name, value)
            return
        standing = self.standing.setdefault(journey, {})
        if name in FIRST and name in standing:
            return
        standing[name] = value
        self.change(kind, own, time, name, value)
        if kind == "lead" and journey in self.deals:
            self.change("deal", self.deals[journey], time, name, value)

    def convert(self, journey: str, deal: str, time: str) -> None:
        """From now on the deal has what its lead had."""
        self.deals[journey] = deal
        if journey in self.customers:
            self.relations[deal, self.customers[journey], "customer"] = None
        for name, value in self.standing.get(journey, {}).items():
            self.change("deal", deal, time, name, value)
