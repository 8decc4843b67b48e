"""Forecast accuracy: what was said of past periods at their horizons, worked by hand and counted one by one."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from engine.aggregates.deal.commands import ChangeExpectedClose, OpenDeal, Win
from engine.errors import Rejected
from engine.log import schema
from engine.log.application import Log
from engine.log.feed import read_feed
from engine.projections.filters import Filters
from engine.projections.forecast import forecast
from engine.projections.forecast_accuracy import ForecastAccuracy, Horizon, forecast_accuracy
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.score import Score
from engine.projections.views import Views
from engine.stages.presets import preset
from engine.values import Money, from_micros, to_micros
from replay.explain import explain
from service.simulation.history import simulate
from service.simulation.settings import Settings
from tests.checklist.desk import REP, START, Desk
from tests.projections.journeys import DAY, Journey, day, funnel, journey, person

NOW = 130
"""a day: 15 May 2026; April is days 86 to 115"""


def past() -> list[Journey]:
    """Of 30 that came to a proposal in January a half was won."""
    return [journey("contact@0", "proposal@1", "won@2" if n % 2 else "lost@2", owner=person(2)) for n in range(30)]


def seen(*journeys: Journey) -> Look:
    """Whatever moment is asked for is derived from the facts up to it."""

    def at(as_of: int, known_at: int | None) -> Look:
        assert known_at in (None, as_of)
        return replace(funnel(*journeys, as_of=(as_of - day(0)) / DAY).look, at=at)

    return at(day(NOW), None)


def due(on: date, *words: str, value: str = "100 EUR", **more: Any) -> Journey:
    return journey("contact@80", *words, value=value, expected_close=on, **{"owner": person(1), **more})


def asked(look: Look, *horizons: str, filters: Filters | None = None, **options: Any) -> ForecastAccuracy:
    return forecast_accuracy(look, filters or Filters(), horizons=horizons, **{"count": 1, **options})


def money(told: Any, figure: str) -> dict[str, str]:
    return {each.currency: each.amount for each in getattr(told, figure)}


def share(told: Horizon, figure: str) -> dict[str, float]:
    return {each.currency: each.share for each in getattr(told, figure)}


APRIL = [
    due(date(2026, 4, 20), "proposal@81", "won@100", value="400 EUR"),
    due(date(2026, 4, 30), "proposal@81", "lost@110", value="200 EUR"),
    due(date(2026, 4, 10), "proposal@81", "won@90", value="50 EUR"),
    due(date(2026, 6, 1), "proposal@81", "won@112", value="80 EUR", owner=person(2)),
]


@pytest.mark.checklist("S36")
def test_a_forecast_is_what_was_won_by_then_and_what_was_weighted_then() -> None:
    found = asked(seen(*past(), *APRIL), "start", "20")
    start, twenty = found.horizons
    assert (found.n, start.horizon, twenty.horizon) == (3, "start", "20")
    (first,), (later,) = start.points, twenty.points
    # At the start of April nothing is won yet, and three deals of 650 EUR are as likely as not.
    assert (first.period, f"{first.at:%Y-%m-%d}", money(first, "forecast")) == (
        "2026-04",
        "2026-04-01",
        {"EUR": "325.00"},
    )
    assert (money(first, "won_value"), money(first, "error")) == ({"EUR": "530.00"}, {"EUR": "-205.00"})
    assert (first.forecast_wins, first.won, first.error_wins, first.pipeline_n) == (1.5, 3, -1.5, 3)
    # On 11 April one of them is won, 16 of 31 were: the others are a little likelier.
    assert f"{later.at:%Y-%m-%d}" == "2026-04-11"
    assert (money(later, "won_value_then"), money(later, "weighted")) == ({"EUR": "50.00"}, {"EUR": "309.68"})
    assert (later.won_then, later.pipeline_n, money(later, "error")) == (1, 2, {"EUR": "-170.32"})
    assert (share(start, "wape"), share(start, "bias")) == ({"EUR": 205 / 530}, {"EUR": -205 / 530})
    assert (start.wape_wins, start.bias_wins, start.mape_wins) == (0.5, -0.5, 0.5)


def test_each_person_is_held_against_the_own_wins() -> None:
    found = asked(seen(*past(), *APRIL), "start", by="owner")
    assert found.groups is not None
    told = {each.key: each.horizons[0] for each in found.groups}
    assert (share(told["rep-1"], "bias"), told["rep-1"].came_wins) == ({"EUR": -125 / 450}, 2)
    # The second forecast nothing, and won something.
    assert (share(told["rep-2"], "wape"), money(told["rep-2"], "forecast")) == ({"EUR": 1.0}, {"EUR": "0.00"})


def test_what_is_behind_a_forecast_is_what_stood_then() -> None:
    look = seen(*past(), *APRIL)
    options: dict[str, Any] = {"horizons": ("start", "20"), "count": 1}
    cell = {"part": "pipeline_value", "period": "2026-04", "horizon": "start"}
    told = explain(look, "forecast-accuracy", cell, **options)
    assert (told.figure, told.as_of, [each.amount for each in told.value]) == (
        3,
        datetime(2026, 4, 1, tzinfo=UTC),
        ["650.00"],
    )
    assert {event.what for story in told.journeys for event in story.events} == {"entered", "valued"}
    assert explain(look, "forecast-accuracy", {"part": "wape", "horizon": "20"}, **options).figure == 3
    with pytest.raises(Rejected, match=r"name period \(2026-04\) and horizon \(start, 20\)"):
        explain(look, "forecast-accuracy", {"part": "weighted"}, **options)


def test_without_history_there_is_no_forecast() -> None:
    young = asked(seen(*APRIL), "start").horizons[0]
    assert (young.measured, young.insufficient, young.wape, young.wape_wins) == (0, 1, (), None)
    assert (young.points[0].insufficient_history, young.points[0].forecast, young.points[0].won) == (True, (), 3)
    configured = asked(seen(*APRIL), "start", basis="configured").horizons[0]
    assert (configured.measured, money(configured, "forecast")) == (1, {"EUR": "325.00"})
    # Before anything was recorded.
    assert asked(seen(*APRIL), "120").horizons[0].insufficient == 1


def test_who_was_not_known_then_had_nothing_expected_of_them() -> None:
    late = due(date(2026, 4, 20), "proposal@95", "won@100", attributes={"type": "new"})
    look = seen(*past(), replace(late, words=("contact@94", *late.words[1:])), journey("contact@0", owner=person(1)))
    look = replace(look, at=lambda as_of, known_at: without_attributes(seen(*past()).at(as_of, known_at)))
    found = asked(look, "start", filters=Filters(attributes=(("type", "new"),)))
    assert (found.n, money(found.horizons[0], "forecast"), share(found.horizons[0], "bias")) == (
        1,
        {"EUR": "0.00"},
        {"EUR": -1.0},
    )
    grouped = asked(look, "start", by="attr:type")
    assert grouped.groups is not None
    assert [(each.key, each.n) for each in grouped.groups] == [("new", 1)]


def without_attributes(look: Look) -> Look:
    """Of a log that tells of them later."""
    assert look.attributes.is_empty()
    return replace(look, said=lambda *_: True)


@pytest.mark.parametrize(
    ("said", "wape", "bias", "mape", "left_out"),
    [
        ([(100, 100)], 0, 0, 0, 0),
        ([(150, 100), (50, 100)], Fraction(1, 2), 0, Fraction(1, 2), 0),
        ([(30, 0), (100, 200), (10, 10)], Fraction(130, 210), Fraction(-70, 210), Fraction(1, 4), 1),
        ([(5, 0)], None, None, None, 1),
        ([], None, None, None, 0),
    ],
)
def test_scores_are_sums_over_sums_and_mape_leaves_out_periods_without_wins(
    said: list[tuple[int, int]], wape: Any, bias: Any, mape: Any, left_out: int
) -> None:
    found = Score.of(said)
    expected = [None if each is None else float(each) for each in (wape, bias, mape)]
    assert ([found.wape, found.bias, found.mape], found.left_out) == (expected, left_out)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"horizons": ("soon",)}, "horizon 'soon' is none: use start"),
        ({"horizons": ("0",)}, "1 to 730"),
        ({"count": 7, "horizons": ("start", "1", "2", "3")}, "28 looks back.*24 together"),
        ({"count": 0}, "1 to 24"),
        ({"by": "month"}, "group it by something else"),
        ({"filters": Filters(since=date(2026, 5, 2))}, "no month of the window is over"),
    ],
)
def test_what_can_not_be_answered_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(Rejected, match=words):
        forecast_accuracy(seen(), **options)


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Views]:
    url = f"sqlite:///{tmp_path_factory.mktemp('accuracy') / 'log.db'}"
    schema.init(url)
    log = Log(url)
    end = datetime(2026, 1, 1, tzinfo=UTC)
    simulate(log, Settings(journeys=500, seed=8, since=to_micros(end - timedelta(days=400)), until=to_micros(end)))
    yield Views(log)
    log.close()


def test_it_is_what_counting_journey_by_journey_at_each_moment_gives(made_up: Views) -> None:
    now = made_up.look("direct", Lens.of(datetime(2026, 1, 1, tzinfo=UTC)))
    found = forecast_accuracy(now, every="quarter", count=2, horizons=("start", "30", "60"), hindsight=True)
    came: Counter[tuple[str, str]] = Counter()
    for row in now.journeys.rows(named=True):
        if row["outcome"] == "won" and row["close_currency"] is not None:
            came[quarter(from_micros(row["closed_at"]).date()), row["close_currency"]] += row["close_amount_minor"]
    compared = 0
    for horizon in found.horizons:
        errors: dict[str, list[tuple[int, int]]] = {}
        for point in horizon.points:
            if point.insufficient_history:
                continue
            said = counted(made_up.look("direct", Lens.of(point.at)), point.period)
            for currency in {*said, *(own for name, own in came if name == point.period)}:
                errors.setdefault(currency, []).append((said.get(currency, 0), came[point.period, currency]))
        for currency, each in errors.items():
            won = sum(own for _, own in each)
            wape = sum(abs(told - own) for told, own in each) / won
            assert share(horizon, "wape")[currency] == pytest.approx(wape, rel=1e-12), (horizon.horizon, currency)
            assert share(horizon, "bias")[currency] == pytest.approx(sum(a - b for a, b in each) / won, rel=1e-12)
            compared += len(each)
    assert compared > 4
    # It was all recorded today: of what was known then there is nothing.
    assert {each.insufficient for each in forecast_accuracy(now, count=2).horizons} == {2}


def quarter(day: date) -> str:
    return f"{day.year}-Q{(day.month + 2) // 3}"


def counted(then: Look, period: str) -> dict[str, int]:
    """Won and weighted of a quarter, minor units by currency."""
    closed, won = Counter[int](), Counter[int]()
    outcomes = {row["journey"]: row["outcome"] for row in then.journeys.rows(named=True)}
    for visitor, stage in set(then.visits.select("journey", "stage").iter_rows()):
        if outcomes.get(visitor) in ("won", "lost"):
            closed[stage] += 1
            won[stage] += outcomes[visitor] == "won"
    sums: dict[str, Fraction] = {}
    for row in then.journeys.rows(named=True):
        if row["outcome"] == "won" and quarter(from_micros(row["closed_at"]).date()) == period:
            currency, amount = row["close_currency"], Fraction(row["close_amount_minor"] or 0)
        elif row["outcome"] == "open" and row["expected_close"] and quarter(row["expected_close"]) == period:
            if row["stage"] < 0:
                continue
            assert closed[row["stage"]] >= 30
            currency = row["currency"]
            amount = Fraction(row["amount_minor"] or 0) * Fraction(won[row["stage"]], closed[row["stage"]])
        else:
            continue
        if currency is not None:
            sums[currency] = sums.get(currency, Fraction(0)) + amount
    return {currency: round(amount) for currency, amount in sums.items()}


def test_what_was_known_at_a_moment_is_what_the_log_up_to_it_told(sqlite_url: str) -> None:
    """A look back has the world of the look it is taken from, and of it what was recorded by then."""
    log = Log(sqlite_url)
    desk = Desk(log)
    desk.publish(preset("ca"))
    as_of = START + timedelta(days=25)
    moments: list[tuple[datetime, Any]] = []

    def look_back() -> None:
        told = forecast(Views(log).look(None, Lens.of(as_of))).model_dump(exclude={"position", "known_at"})
        moments.append((from_micros(read_feed(log, 0)["recorded_at"][-1]), told))

    for told in range(3):
        sale = desk.begin(OpenDeal(pipeline="ca", owner=REP, value=Money.of(40 + told, "EUR")))
        sale.goes(ChangeExpectedClose(expected_close=date(2025, 3, 30)))
        if told == 1:
            sale.goes(Win(evidence="order 1"))
        look_back()
    now = desk.views.look(None, Lens.of(as_of))
    for recorded, then in moments:
        past = now.at(to_micros(as_of), to_micros(recorded))
        assert forecast(past).model_dump(exclude={"position", "known_at"}) == then
    assert len({str(then) for _, then in moments}) == 3
    log.close()
