"""What journeys are called: asked for again and again, so it is read once."""

from collections.abc import Sequence
from uuid import UUID

from engine.log.application import Log
from engine.log.keys import keys_of
from engine.log.people import erasures
from engine.log.remembered import Words
from engine.log.texts import texts

FEW = 1_000
"""journeys that are shown; what an export names is not remembered"""


def called(
    log: Log, journeys: Sequence[tuple[str, str | None]], erased: int | None = None
) -> list[tuple[str | None, str | None]]:
    """Key (id in the source system) and title of each journey, given as journey_id and text_id of the title.

    erased: how many erasures there were a moment ago, where the caller has just looked.
    """
    known = Words() if len(journeys) > FEW else log.remembered.since(erasures(log) if erased is None else erased)
    if unread := [UUID(hex=journey) for journey, _ in journeys if journey not in known.keys]:
        known.keys.update((journey.hex, key) for journey, key in keys_of(log, unread).items())
    if unread := [UUID(hex=title) for _, title in journeys if title is not None and title not in known.titles]:
        known.titles.update((title.hex, body) for title, body in texts(log, unread).items())
    return [(known.keys.get(journey), known.titles.get(title or "")) for journey, title in journeys]
