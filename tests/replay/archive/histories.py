"""A small simulated log and narrow ranges, so that an archive of it has many files."""

from datetime import UTC, datetime

from engine.log.application import Log
from engine.projections.lens import Lens
from engine.projections.views import Views
from engine.values import to_micros
from service.simulation.history import simulate
from service.simulation.settings import Settings

WIDTH = 16
"""journeys a range"""


def write_history(log: Log, journeys: int = 88, seed: int = 1) -> None:
    since, until = (to_micros(datetime(year, 1, 1, tzinfo=UTC)) for year in (2024, 2026))
    simulate(log, Settings(journeys, seed, since, until, titles=True))


def frames(views: Views) -> dict[str, list[list[tuple[object, ...]]]]:
    """All that the views derive, by pipeline; free attributes in whatever order."""
    lens = Lens(to_micros(datetime.now(UTC)), live=True)
    found = {}
    views.catch_up()
    for pipeline in views.pipelines():
        look = views.look(pipeline, lens)
        found[pipeline] = [
            look.visits.rows(),
            look.journeys.rows(),
            sorted(look.attributes.rows()),
            look.membership.rows(),
            [(look.void,)],
        ]
    return found
