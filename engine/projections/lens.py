"""The three lenses of every answer: as of when, known at when, by which definition."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, Self

from engine.errors import Rejected
from engine.values import to_micros

MINUTE = 60_000_000
DRAFT: Final = "draft:"
UNPUBLISHED: Final = "unpublished"
"""what a definition is called that no log holds, such as one in a file"""

Choice = Literal["now", "then"] | int
"""the number of a version; of a draft its number below zero"""


@dataclass(frozen=True)
class Lens:
    """as_of hides what occurred later, known_at what was recorded later (microseconds); definition: which version.

    live: as_of was not asked for, so it is the present, rounded up to the minute: a read after a write sees it, and
    ages, stalls and ETags are stable within the minute.
    """

    as_of: int
    known_at: int | None = None
    definition: Choice = "now"
    live: bool = False

    @property
    def horizon(self) -> int | None:
        """What occurred later is hidden. None where it is live: whoever wrote may have a clock that is ahead of ours,
        and a read after a write sees it all the same.
        """
        return None if self.live else self.as_of

    @property
    def present(self) -> bool:
        """It hides nothing: what follows the log shows what it shows."""
        return self.live and self.known_at is None

    @classmethod
    def of(
        cls,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        definition: str | int = "now",
        *,
        now: datetime | None = None,
    ) -> Self:
        """definition: now, then, the number of a version, or draft:N. Naive datetimes are refused (ValueError); an
        unknown definition too (Rejected).
        """
        moment = -(-to_micros(now or datetime.now(UTC)) // MINUTE) * MINUTE if as_of is None else to_micros(as_of)
        return cls(moment, None if known_at is None else to_micros(known_at), choice_of(definition), as_of is None)


def choice_of(definition: str | int) -> Choice:
    if definition == "now":
        return "now"
    if definition == "then":
        return "then"
    said = re.fullmatch(rf"({DRAFT})?([1-9][0-9]{{0,8}})", str(definition))
    if said is None:
        raise Rejected(
            f"definition {definition!r} is not now, then, the number of a version, or a draft such as draft:1"
        )
    return -int(said[2]) if said[1] else int(said[2])


def called(version: int) -> int | str:
    """What answers call the definition they were computed by: the number of a version, draft:N, or unpublished."""
    if version > 0:
        return version
    return f"{DRAFT}{-version}" if version < 0 else UNPUBLISHED
