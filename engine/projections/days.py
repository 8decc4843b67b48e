"""So many days, as a question gives them, in microseconds."""

from typing import Final

from engine.errors import Rejected
from engine.projections.figures import DAY

MOST: Final = 36_500


def micros_of(field: str, days: float) -> int:
    """Rejected, by the name of the field, where it is no number of days above 0 and of at most a hundred years."""
    if not 0 < days <= MOST:
        raise Rejected(f"{field} {days} is out of range: use a number of days above 0, at most {MOST}", field=field)
    return round(days * DAY)
