"""Behind a number: the journeys and events of a cell add up to what the answer told."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from inspect import signature
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aggregates.deal.commands import Lose, SendProposal, Win
from engine.aggregates.journey.commands import AssessBant
from engine.aggregates.lead.commands import CaptureLead, ConvertLead, QualifyLead
from engine.errors import Rejected
from engine.log import schema
from engine.log.application import Log
from engine.projections.activity import activity
from engine.projections.board import board
from engine.projections.comparison import comparison
from engine.projections.conversion import conversion
from engine.projections.cycle_time import cycle_time
from engine.projections.figures import Answer
from engine.projections.filters import Filters
from engine.projections.follow_ups import follow_ups
from engine.projections.forecast import forecast
from engine.projections.forecast_accuracy import forecast_accuracy
from engine.projections.frames import Frames
from engine.projections.hygiene import hygiene
from engine.projections.lens import Lens
from engine.projections.likeliest import likeliest
from engine.projections.losses import losses
from engine.projections.satisfaction import satisfaction
from engine.projections.sizing import Target, sizing
from engine.projections.sources import sources
from engine.projections.stalled import stalled
from engine.projections.trend import trend
from engine.projections.velocity import velocity
from engine.projections.views import Views
from engine.projections.win_rate import win_rate
from engine.stages.definition import Definition
from engine.stages.facts import Fact, life
from engine.stages.fold import fold
from engine.stages.presets import preset
from engine.values import Dimension, Verdict, from_micros, to_micros
from replay.cells.finding import cell_of
from replay.explain import Explanation, explain
from service.simulation.history import simulate
from service.simulation.settings import Settings
from tests.checklist.desk import Desk
from tests.projections.journeys import DAY, FoundLook, date_of, funnel, journey, look
from tests.properties.random_logs import definitions, facts
from tests.replay.cells_told import Cell, Number, cells

AS_OF = 10_000


def of(
    seen: FoundLook, answer: str, filters: Filters | None = None, options: dict[str, Any] | None = None, **cell: str
) -> Explanation:
    return explain(seen, answer, cell, filters or Filters(), **(options or {}))


def test_behind_lost_from_proposal_are_the_journeys_and_the_events_that_entered_and_lost_them(sqlite_url: str) -> None:
    log = Log(sqlite_url)
    desk = Desk(log)
    desk.publish(preset("ca"))
    first = desk.begin(CaptureLead(pipeline="ca")).goes(QualifyLead(), ConvertLead(), SendProposal())
    first.goes(AssessBant(dimension=Dimension.NEED, verdict=Verdict.DENIED), Lose(reason="price"))
    desk.begin(CaptureLead(pipeline="ca")).goes(QualifyLead(), ConvertLead(), SendProposal(), Win(evidence="order 1"))
    found = explain(desk.look(), "conversion", {"stage": "negotiation", "part": "lost"})
    (story,) = found.journeys
    assert (found.figure, found.n, story.journey) == (1, 1, str(first.journey))
    entered, closed = story.events
    assert (entered.what, entered.event, closed.what, closed.event) == ("entered", "ProposalSent", "closed", "DealLost")
    recorded = {str(entry.event_id): entry for entry in log.stream(first.stream)}
    for event in story.events:
        assert recorded[event.event_id].position == event.position
        assert recorded[event.event_id].occurred_at == event.occurred_at
    log.close()


def test_an_advance_is_told_by_the_event_that_made_it() -> None:
    seen = funnel(journey("contact", "touch", "proposal", "won")).look
    (story,) = of(seen, "conversion", stage="contact", part="advanced").journeys
    assert [(event.what, event.position) for event in story.events] == [("entered", 1), ("advanced", 3)]
    (whole,) = of(seen, "conversion", part="won").journeys
    assert [(event.what, event.position) for event in whole.events] == [("entered", 1), ("advanced", 4)]


def test_a_journey_that_left_is_told_by_the_change_of_the_pipeline() -> None:
    seen = funnel(journey("contact", "qualified", "~partners")).look
    for cell in ({"stage": "qualified", "part": "transferred"}, {"from": "qualified", "to": "transferred"}):
        (story,) = explain(seen, "conversion", cell).journeys
        assert [(event.what, event.event) for event in story.events] == [
            ("entered", "SignalRecorded"),
            ("left", "PipelineChanged"),
        ]
    (left,) = of(seen, "win-rate", part="transferred").journeys
    assert left.events[-1].event == "PipelineChanged"


def test_a_merged_journey_is_told_by_the_merging() -> None:
    (story,) = of(funnel(journey("contact", "merged")).look, "win-rate", part="merged").journeys
    assert [event.event for event in story.events] == ["DealOpened", "DealMerged"]


def test_the_list_is_cut_and_the_count_is_not() -> None:
    found = explain(funnel(*[journey("contact")] * 5).look, "board", {"stage": "contact"}, limit=2)
    assert (found.n, found.figure, len(found.journeys)) == (5, 5, 2)


def test_a_cell_that_is_not_in_the_answer_is_refused() -> None:
    seen = funnel(journey("contact")).look
    wrong: list[tuple[str, dict[str, str]]] = [
        ("board", {"stage": "nowhere"}),
        ("board", {"part": "lost"}),
        ("board", {"colour": "red"}),
        ("conversion", {"stage": "contact", "part": "won"}),
        ("conversion", {"from": "contact", "to": "won", "part": "lost"}),
        ("win-rate", {"group": "ads"}),
        ("losses", {"reason": "weather"}),
        ("cycle-time", {"part": "open"}),
        ("revenue", {"part": "won"}),
    ]
    for answer, cell in wrong:
        with pytest.raises(Rejected):
            explain(seen, answer, cell)
    with pytest.raises(Rejected, match="limit"):
        explain(seen, "board", {"stage": "contact"}, limit=-1)


def test_a_cell_is_written_name_value() -> None:
    assert (
        cell_of("stage=proposal part=lost")
        == cell_of("stage=proposal,part=lost")
        == {"stage": "proposal", "part": "lost"}
    )
    with pytest.raises(Rejected, match="stage more than once"):
        cell_of("stage=proposal stage=contact")
    for wrong in ("", "proposal", "stage=", "=lost"):
        with pytest.raises(Rejected, match="NAME=VALUE"):
            cell_of(wrong)


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    since = draw(st.none() | st.integers(0, 3))
    until = draw(st.none() | st.integers((since or 0) + 1, 6))
    bounds = {"since": since, "until": until}
    return {name: None if bound is None else from_micros(bound * 10) for name, bound in bounds.items()}


@settings(max_examples=12, deadline=None)
@given(facts(), definitions(), questions(), st.booleans(), st.sampled_from([None, 20 / DAY]), st.booleans())
def test_what_is_listed_adds_up_to_what_was_told(
    journeys: list[list[Fact]],
    definition: Definition,
    window: dict[str, Any],
    strict: bool,
    within_days: float | None,
    grouped: bool,
) -> None:
    seen = look(dict(enumerate(journeys)), definition, as_of=AS_OF)
    sources = [("ads", "events", None)[journey % 3] for journey in seen.journeys["journey"]]
    seen = replace(
        seen,
        frames=Frames(
            seen.visits,
            seen.journeys.with_columns(source=pl.Series(sources, dtype=pl.String)),
            seen.attributes,
            seen.frames.void,
        ),
    )
    filters, by = Filters(**window), "source" if grouped else None
    ways: dict[str, Any] = {"strict": strict, "within_days": within_days}
    asked: dict[str, tuple[Answer, str | None, dict[str, Any]]] = {
        "conversion": (conversion(seen, filters, by=by, **ways), by, ways),
        "board": (board(seen, filters, by=by), by, {}),
        "win-rate": (win_rate(seen, filters, by=by), by, {}),
        "stalled": (stalled(seen, filters), None, {}),
    }
    for answer, (told, grouping, options) in asked.items():
        for cell, number in counted(told, answer):
            found = explain(seen, answer, cell, filters, by=grouping, **options)
            assert shown(found, number) == number, (answer, cell)
            for story in found.journeys:
                own = {fact.position for fact in life(journeys[int(story.key or "")], as_of=AS_OF).entries}
                assert {event.position for event in story.events} <= own
                assert story.events or answer == "stalled"


def counted(told: Answer, answer: str) -> Iterator[tuple[Cell, Number]]:
    """The cells of an answer; n where it has no other name is told by the figure it is the sum of."""
    for cell, number in cells(told):
        if (
            cell["part"] != "n"
            or {"from", "reason", "score"} & cell.keys()
            or (answer == "cycle-time" and "stage" in cell)
        ):
            yield cell, number


def shown(found: Explanation, number: Number) -> Number:
    """The same kind of number: a count, or the value by currency."""
    if isinstance(number, int):
        assert sum(story.count for story in found.journeys) == found.figure
        return found.figure
    return {each.currency: each.amount for each in found.value}


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Views]:
    """A simulated history, with everything that happens in one."""
    url = f"sqlite:///{tmp_path_factory.mktemp('explained') / 'log.db'}"
    schema.init(url)
    log = Log(url)
    end = datetime(2026, 1, 1, tzinfo=UTC)
    simulate(log, Settings(journeys=500, seed=11, since=to_micros(end - timedelta(days=400)), until=to_micros(end)))
    yield Views(log)
    log.close()


ACCURACY: dict[str, Any] = {"every": "quarter", "horizons": ("start", "30"), "hindsight": True}
QUESTIONS: dict[str, Callable[..., Answer]] = {
    "board": board,
    "conversion": conversion,
    "cycle-time": cycle_time,
    "win-rate": win_rate,
    "velocity": velocity,
    "sizing": partial(sizing, target=Target(deals=10)),
    "sources": sources,
    "activity": activity,
    "satisfaction": satisfaction,
    "losses": losses,
    "likeliest": likeliest,
    "forecast": partial(forecast, every="quarter"),
    "forecast-accuracy": partial(forecast_accuracy, **ACCURACY),
    "trend": partial(trend, every="quarter"),
    "stalled": stalled,
    "hygiene": hygiene,
    "follow-ups": follow_ups,
}


@pytest.mark.parametrize("answer", QUESTIONS)
def test_the_counts_and_sums_of_every_answer_can_be_explained(made_up: Views, answer: str) -> None:
    seen = made_up.look("direct", Lens.of(datetime(2026, 1, 1, tzinfo=UTC)))
    filters = Filters(since=datetime(2025, 4, 1, tzinfo=UTC))
    options = {"by": "team"} if "by" in signature(QUESTIONS[answer]).parameters else {}
    told = QUESTIONS[answer](seen, filters=filters, **options)
    every = list(counted(told, answer))
    assert len(every) >= FEWEST.get(answer, 10)
    for cell, number in drawn(every, Random(answer)):
        found = explain(seen, answer, cell, filters, limit=100_000, **options, **TREND.get(answer, {}))
        assert shown(found, number) == number, cell
        assert found.n == len(found.journeys)
        assert all(story.events for story in found.journeys), cell


TREND: dict[str, dict[str, Any]] = {
    "trend": {"every": "quarter"},
    "forecast": {"every": "quarter"},
    "forecast-accuracy": ACCURACY,
}
EACH = 4
"""cells of each kind that are drawn of an answer with hundreds, always the same"""
FEWEST = {"stalled": 1, "hygiene": 3, "follow-ups": 3, "satisfaction": 5}


def drawn(every: list[tuple[Cell, Number]], chance: Random) -> Iterator[tuple[Cell, Number]]:
    """A few cells of each kind: of what is told of one stage, say, by one group."""
    kinds: Counter[object] = Counter()
    for cell, number in chance.sample(every, len(every)):
        kind = cell.get("part"), frozenset(cell)
        kinds[kind] += 1
        if kinds[kind] <= EACH:
            yield cell, number


def test_behind_two_periods_is_what_each_of_them_counted(made_up: Views) -> None:
    seen = made_up.look("direct", Lens.of(datetime(2026, 1, 1, tzinfo=UTC)))
    filters = Filters(since=datetime(2025, 7, 1, tzinfo=UTC))
    figures = [row for row in comparison(seen, filters).figures if row.unit == "count"]
    assert len(figures) > 10
    for row in figures:
        for period, number in (("before", row.before), ("after", row.after)):
            cell = {"part": row.figure, "period": period} | ({"stage": row.stage} if row.stage else {})
            assert explain(seen, "compare", cell, filters).figure == number, cell


def test_a_share_is_explained_by_all_it_is_a_share_of(made_up: Views) -> None:
    seen = made_up.look("direct", Lens.of(datetime(2026, 1, 1, tzinfo=UTC)))
    rates = win_rate(seen)
    found = explain(seen, "win-rate", {"part": "win_rate"}, limit=100_000)
    won = [story for story in found.journeys if "won" in story.figures]
    assert found.figure == rates.won + rates.lost
    assert len(won) / found.figure == rates.win_rate
    assert found.times.p50_seconds == rates.lifetime.p50_seconds


@settings(max_examples=25, deadline=None)
@given(facts(), definitions())
def test_the_events_behind_a_stage_are_those_by_which_the_plain_fold_enters_it(
    journeys: list[list[Fact]], definition: Definition
) -> None:
    seen = look(dict(enumerate(journeys)), definition, as_of=AS_OF)
    for stage in conversion(seen).stages:
        listed = of(seen, "conversion", stage=stage.stage).journeys
        entered = {story.key: [event.position for event in story.events if event.what == "entered"] for story in listed}
        expected = {}
        for number, told in enumerate(journeys):
            visits = fold(life(told, as_of=AS_OF), definition).visits
            first = next((visit.entered_position for visit in visits if visit.stage == stage.stage), None)
            if first is not None:
                expected[str(number)] = [first]
        assert entered == expected


def test_the_window_and_the_options_are_those_of_the_answer() -> None:
    seen = funnel(journey("contact@0", "won@5"), journey("contact@0", "won@20")).look
    assert of(seen, "win-rate", Filters(since=date_of(10)), part="won").figure == 1
    assert of(seen, "win-rate", Filters(since=date_of(1)), {"cohort": "opened"}, part="won").figure == 0
    assert of(seen, "cycle-time", None, {"from_stage": "won"}, part="won").figure == 2
    (story, _) = of(seen, "cycle-time", None, {"from_stage": "contact"}, part="won").journeys
    assert Counter(event.what for event in story.events) == {"entered": 1, "closed": 1}
    assert of(seen, "cycle-time", None, {"from_first_touch": True}, part="won").figure == 0
    assert of(seen, "stalled", None, {"idle_days": 1.0}).figure == 0


def test_the_stalled_of_a_stage_are_told_by_their_last_activity() -> None:
    seen = funnel(journey("contact@0", "touch@3"), journey("contact@95"), as_of=100).look
    for found in (of(seen, "board", stage="contact", part="stalled"), of(seen, "stalled", stage="contact")):
        (story,) = found.journeys
        assert [(event.what, event.position) for event in story.events] == [("entered", 1), ("last_activity", 2)]
