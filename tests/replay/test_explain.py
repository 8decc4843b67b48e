"""Behind a number: the journeys and events of a cell add up to what the answer told."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aggregates.deal.commands import Lose, SendProposal, Win
from engine.aggregates.journey.commands import AssessBant
from engine.aggregates.lead.commands import CaptureLead, ConvertLead, QualifyLead
from engine.errors import Rejected
from engine.log.application import Log
from engine.projections.board import board
from engine.projections.conversion import PARTS, conversion
from engine.projections.cycle_time import cycle_time
from engine.projections.filters import Filters
from engine.projections.stalled import stalled
from engine.projections.win_rate import win_rate
from engine.stages.definition import Definition
from engine.stages.facts import Fact, life
from engine.stages.fold import fold
from engine.stages.presets import preset
from engine.values import Dimension, Verdict, from_micros
from replay.explain import CELLS, Explanation, cell_of, explain
from tests.checklist.desk import Desk
from tests.projections.journeys import DAY, FoundLook, date_of, funnel, journey, look
from tests.properties.random_logs import definitions, facts

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
        ("conversion", {"from": "contact"}),
        ("conversion", {"from": "contact", "to": "won", "part": "lost"}),
        ("win-rate", {}),
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
    for wrong in ("", "proposal", "stage=", "=lost"):
        with pytest.raises(Rejected, match="NAME=VALUE"):
            cell_of(wrong)


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    since = draw(st.none() | st.integers(0, 3))
    until = draw(st.none() | st.integers((since or 0) + 1, 6))
    bounds = {"since": since, "until": until}
    return {name: None if bound is None else from_micros(bound * 10) for name, bound in bounds.items()}


@settings(max_examples=120, deadline=None)
@given(facts(), definitions(), questions(), st.booleans(), st.sampled_from([None, 20 / DAY]))
def test_what_is_listed_adds_up_to_what_was_told(
    journeys: list[list[Fact]],
    definition: Definition,
    window: dict[str, Any],
    strict: bool,
    within_days: float | None,
) -> None:
    seen = look(dict(enumerate(journeys)), definition, as_of=AS_OF)
    filters = Filters(**window)
    ways: dict[str, Any] = {"strict": strict, "within_days": within_days}
    passing = conversion(seen, filters, strict=strict, within_days=within_days)
    expected: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}

    def expect(answer: str, count: int, **cell: str) -> None:
        expected[answer, tuple(cell.items())] = count

    for stage in passing.stages:
        for part in ("entered", *PARTS):
            expect("conversion", getattr(stage, part), stage=stage.stage, part=part)
    for part in ("entered", "won", "lost", "open", "transferred"):
        expect("conversion", getattr(passing.overall, part), part=part)
    for step in passing.transitions:
        expect("conversion", step.n, **{"from": step.from_stage, "to": step.to})
    standing = board(seen, filters)
    for each in (*standing.stages, standing.unmapped):
        expect("board", each.count, stage=each.stage)
        expect("board", each.without_value, stage=each.stage, part="without_value")
    expect("board", standing.n)
    rates = win_rate(seen, filters)
    for part in ("won", "lost", "open", "disqualified", "transferred", "merged", "qualified"):
        expect("win-rate", getattr(rates, part), part=part)
    times = cycle_time(seen, filters)
    for part in ("won", "lost", "closed", "disqualified"):
        expect("cycle-time", getattr(times, part).n, part=part)
    for spent in (*times.stages, times.unmapped):
        expect("cycle-time", spent.n, stage=spent.stage, part="left")
        expect("cycle-time", spent.open_n, stage=spent.stage, part="open")
    expect("stalled", stalled(seen, filters).count)
    assert {answer for answer, _ in expected} == set(CELLS)
    for (answer, cell), count in expected.items():
        found = explain(seen, answer, dict(cell), filters, **(ways if answer == "conversion" else {}))
        assert found.figure == count, (answer, cell)
        assert found.n == len(found.journeys) <= count or count == 0
        for story in found.journeys:
            own = {fact.position for fact in life(journeys[int(story.key or "")], as_of=AS_OF).entries}
            assert {event.position for event in story.events} <= own
            assert story.events or answer == "stalled"


@settings(max_examples=120, deadline=None)
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
