"""The forecast of a simulated history, held against counting its journeys one by one in plain Python."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.log import schema
from engine.log.application import Log
from engine.projections.filters import Filters
from engine.projections.forecast import forecast
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.views import Views
from engine.values import Money, from_micros, to_micros
from service.simulation.history import simulate
from service.simulation.settings import Settings


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Look]:
    """A simulated history in which teams change."""
    url = f"sqlite:///{tmp_path_factory.mktemp('forecast') / 'log.db'}"
    schema.init(url)
    log = Log(url)
    end = datetime(2026, 1, 1, tzinfo=UTC)
    simulate(log, Settings(journeys=300, seed=5, since=to_micros(end - timedelta(days=300)), until=to_micros(end)))
    yield Views(log).look("direct", Lens.of(datetime(2025, 11, 20, tzinfo=UTC)))
    log.close()


def test_it_is_what_counting_journey_by_journey_gives(made_up: Look) -> None:
    zone = ZoneInfo(tz := "America/Los_Angeles")
    today = from_micros(made_up.as_of).astimezone(zone).date()
    spans = made_up.membership.rows(named=True)

    def team(owner: str | None, at: int) -> str | None:
        here = [s["team"] for s in spans if s["rep"] == owner and s["since"] <= at < (s["until"] or 2**62)]
        return here[-1] if here else None

    counts: Counter[tuple[str, str, str | None, str | None]] = Counter()
    for row in made_up.journeys.rows(named=True):
        if row["outcome"] == "won":
            month = f"{from_micros(row['closed_at']).astimezone(zone):%Y-%m}"
            where = (month, team(row["owner"], row["closed_at"]), row["owner"])
            counts["won", *where] += 1
            if row["close_amount_minor"] is not None:
                counts[f"won {row['close_currency']}", *where] += row["close_amount_minor"]
        elif row["outcome"] == "open" and row["expected_close"] is not None:
            where = (f"{row['expected_close']:%Y-%m}", team(row["owner"], made_up.as_of), row["owner"])
            counts["pipeline", *where] += 1
            counts["overdue", *where] += row["expected_close"] < today
            if row["amount_minor"] is not None:
                counts[f"pipeline {row['currency']}", *where] += row["amount_minor"]
    filters = Filters(since=date(2025, 1, 1), until=date(2026, 12, 1), tz=tz)
    found = forecast(made_up, filters)
    told: Counter[tuple[str, str, str | None, str | None]] = Counter()
    keys = dict(made_up.people.select("key", "person_id").iter_rows())
    for period in found.periods:
        for each in period.teams:
            for one in each.people:
                where = (period.period, each.team, keys.get(one.rep))
                told["won", *where] += one.won
                told["pipeline", *where] += one.pipeline_n
                told["overdue", *where] += one.overdue
                for figure, name in (("won_value", "won"), ("pipeline_value", "pipeline")):
                    for sum_of in getattr(one, figure):
                        minor = Money.of(sum_of.amount, sum_of.currency).amount_minor
                        told[f"{name} {sum_of.currency}", *where] += minor
        assert sum(each.won for each in period.teams) == period.won
    assert +told == +counts
    assert sum(period.won for period in found.periods) > 10
    assert sum(period.pipeline_n for period in found.periods) > 10
    assert found.without_date == sum(
        row["outcome"] == "open" and row["expected_close"] is None for row in made_up.journeys.rows(named=True)
    )
