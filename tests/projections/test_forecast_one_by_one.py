"""The forecast of a simulated history, held against counting its journeys one by one in plain Python."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from engine.log import schema
from engine.log.application import Log
from engine.projections.filters import Filters
from engine.projections.forecast import forecast
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.targets import SCHEMA
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


def test_what_is_won_towards_the_quotas_is_what_counting_target_by_target_gives(made_up: Look) -> None:
    """Of a few reps and one team, of whom some change teams."""
    draw = Random(3)
    # By key: the ids are drawn anew each time.
    owners = made_up.people.filter(pl.col("person_id").is_in(made_up.journeys["owner"].implode())).sort("key")
    reps = owners["person_id"].to_list()
    spans = made_up.membership.rows(named=True)
    teams = sorted({span["team"] for span in spans})
    months = [f"2025-{month:02}" for month in range(3, 12)]
    goals = [
        {"rep": rep, "team": team, "period": month, "pipeline": "direct", "target": UUID(int=draw.getrandbits(128)).hex}
        | draw.choice(
            [{"amount_minor": draw.randint(1, 90) * 100_000, "currency": "EUR"}, {"wins": draw.randint(1, 9)}]
        )
        for month in months
        for rep, team in [(None, teams[0]), *((rep, None) for rep in reps[1:])]
        if draw.random() < 0.9
    ]
    look = replace(made_up, targets=lambda: pl.DataFrame(goals, schema=SCHEMA))
    found = forecast(look, Filters(since=date(2025, 3, 1)))

    def team(rep: str | None, moment: int) -> str | None:
        here = [s["team"] for s in spans if s["rep"] == rep and s["since"] <= moment < (s["until"] or 2**62)]
        return here[-1] if here else None

    compared = 0
    for period in found.periods:
        last = min(to_micros(period.until), made_up.as_of + 1) - 1
        own = [each for each in goals if each["period"] == period.period]
        for currency in (None, "EUR"):
            asked = [each for each in own if each.get("currency") == currency]
            whole = {each["team"] for each in asked if each["team"] is not None}
            # Of who is in a team with a target of its own, that one counts.
            people = {each["rep"]: each for each in asked if each["rep"] and team(each["rep"], last) not in whole}
            counted = [each for each in asked if each["team"] is not None] + list(people.values())
            made = [
                row["close_amount_minor"] if currency else 1
                for row in made_up.journeys.rows(named=True)
                if row["outcome"] == "won"
                and to_micros(period.since) <= row["closed_at"] < to_micros(period.until)
                and (row["owner"] in people or team(row["owner"], row["closed_at"]) in whole)
                and (currency is None or row["close_currency"] == currency)
            ]
            quota = sum(each["amount_minor" if currency else "wins"] for each in counted)
            fields = (period.quota, period.toward_quota, period.gap)
            told: list[int | None] = [round(100 * float(each[0].amount)) if each else None for each in fields]
            if currency is None:
                told = [period.quota_wins, period.toward_quota_wins, period.gap_wins]
            assert told == ([quota, sum(made), quota - sum(made)] if counted else [None] * 3), period.period
            compared += bool(counted and made)
    assert compared >= 8
