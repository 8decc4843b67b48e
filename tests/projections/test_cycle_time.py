"""Cycle time: from opening to close, and how long journeys stay in each stage."""

from typing import Any

import pytest

from engine.errors import Rejected
from engine.projections.cycle_time import CycleTime, StageTime, cycle_time
from engine.projections.figures import Durations
from engine.projections.filters import Filters
from tests.projections.journeys import Funnel, date_of, funnel, journey, person

DAY_SECONDS = 86_400


def asked(told: Funnel, filters: Filters | None = None, **options: Any) -> CycleTime:
    return cycle_time(told.look, filters or Filters(), **options)


def days(times: Durations | StageTime) -> tuple[int, float | None, float | None, float | None, float | None]:
    shown = (times.p50_seconds, times.p85_seconds, times.p90_seconds, times.mean_seconds)
    p50, p85, p90, mean = (None if seconds is None else seconds / DAY_SECONDS for seconds in shown)
    return times.n, p50, p85, p90, mean


def stage(answer: CycleTime, key: str) -> StageTime:
    (found,) = (stage for stage in answer.stages if stage.stage == key)
    return found


def test_quantiles_are_linear_between_the_two_nearest() -> None:
    told = funnel(*[journey("contact@0", f"won@{n}") for n in (10, 20, 40)])
    assert days(asked(told).won) == (3, 20.0, 34.0, 36.0, 70 / 3)


def test_quantiles_are_exact_to_the_last_digit() -> None:
    told = funnel(*[journey("contact@0", f"won@{n}") for n in (1, 1, 1, 3)])
    assert asked(told).won.p85_seconds == (1 * DAY_SECONDS * 45 + 3 * DAY_SECONDS * 55) / 100


def test_closed_is_won_and_lost_and_a_disqualified_lead_is_neither() -> None:
    told = funnel(
        journey("contact@0", "won@2"),
        journey("contact@0", "lost@4"),
        journey("contact@0", "disqualified@9"),
        journey("contact@0", "qualified@1", "disqualified@6"),
        journey("contact@0"),
    )
    answer = asked(told)
    assert [times.n for times in (answer.won, answer.lost, answer.closed, answer.disqualified)] == [1, 2, 3, 1]
    assert days(answer.closed)[1] == 4.0
    assert days(answer.disqualified)[1] == 9.0
    assert answer.n == 3


def test_a_reopened_journey_counts_with_its_standing_close_alone() -> None:
    told = funnel(journey("contact@0", "lost@2", "^contact@3", "won@9"), journey("contact@0", "won@2", "^proposal@3"))
    answer = asked(told)
    assert days(answer.won)[:2] == (1, 9.0)
    assert answer.lost.n == 0


def test_after_sales_do_not_lengthen_the_cycle() -> None:
    assert days(asked(funnel(journey("contact@0", "won@5", "retention@50"))).won)[:2] == (1, 5.0)


def test_the_window_is_by_close() -> None:
    told = funnel(journey("contact@0", "won@5"), journey("contact@0", "won@10"), journey("contact@8", "won@20"))
    assert asked(told, Filters(since=date_of(10), until=date_of(20))).won.n == 1


def test_from_a_stage_the_clock_starts_at_its_first_entry() -> None:
    told = funnel(
        journey("contact@0", "qualified@4", "<contact@5", "qualified@6", "won@10"), journey("contact@0", "won@3")
    )
    answer = asked(told, from_stage="qualified")
    assert (days(answer.won)[:2], answer.since) == ((1, 6.0), "qualified")
    assert asked(told).since == "opened"


def test_a_clock_that_starts_after_the_close_measures_nothing() -> None:
    told = funnel(journey("contact@0", "won@3", "retention@9"))
    assert asked(told, from_stage="retention").won.n == 0
    assert days(asked(told, from_stage="won").won)[:2] == (1, 0.0)


def test_from_the_first_touch() -> None:
    told = funnel(journey("contact@0", "touch@2", "won@5"), journey("contact@0", "won@5"))
    answer = asked(told, from_first_touch=True)
    assert (days(answer.won)[:2], answer.since) == ((1, 3.0), "first_touch")


def test_an_unknown_stage_and_two_starts_are_refused() -> None:
    with pytest.raises(Rejected, match=r"bungee.*contact"):
        asked(funnel(journey("contact")), from_stage="bungee")
    with pytest.raises(Rejected, match="one"):
        asked(funnel(journey("contact")), from_stage="contact", from_first_touch=True)


def test_time_in_stage_adds_up_a_journeys_completed_visits_and_keeps_open_ones_apart() -> None:
    told = funnel(
        journey("contact@0", "qualified@4", "<contact@5", "qualified@8"),
        journey("contact@0", "qualified@1", "~partners@3"),
        as_of=20,
    )
    answer = asked(told)
    assert days(stage(answer, "contact"))[:2] == (2, 4.0)
    qualified = stage(answer, "qualified")
    assert days(qualified) == (2, 1.5, 1.85, 1.9, 1.5)
    assert (qualified.open_n, qualified.open_age_p50_seconds) == (1, 12 * DAY_SECONDS)
    assert days(stage(answer, "proposal")) == (0, None, None, None, None)
    assert [row.stage for row in answer.stages] == ["contact", "qualified", "proposal", "won", "lost", "retention"]


def test_time_in_stage_in_a_window_is_that_of_the_visits_left_in_it() -> None:
    told = funnel(journey("contact@0", "qualified@4", "<contact@5", "qualified@8"))
    assert days(stage(asked(told, Filters(since=date_of(5))), "contact"))[:2] == (1, 3.0)


def test_unmapped_time_is_told() -> None:
    answer = asked(funnel(journey("contact@0", "<bungee@1", "qualified@3")))
    assert (answer.unmapped.stage, days(answer.unmapped)[:2]) == ("unmapped", (1, 2.0))


def test_merged_journeys_are_outside() -> None:
    answer = asked(funnel(journey("contact", "qualified", "merged"), journey("contact", "won")))
    assert (stage(answer, "contact").n, answer.merged) == (1, 1)


def test_the_value_that_filters_is_the_one_at_the_close() -> None:
    told = funnel(journey("contact@0", "value=900 EUR@1", "won@2", "value=5 EUR@3", value="100 EUR"))
    assert asked(told, Filters(value_min=900, value_max=900, currency="EUR")).won.n == 1
    assert asked(told, Filters(value_max=899, currency="EUR")).won.n == 0


def test_groups_by_month_are_those_of_the_close_and_of_leaving_the_stage() -> None:
    told = funnel(journey("contact@0", "qualified@10", "won@28", owner=person(1)))
    answer = asked(told, by="month")
    assert answer.groups is not None
    assert {group.key: (group.won.n, group.stages[0].n, group.stages[1].n) for group in answer.groups} == {
        "2026-01": (0, 1, 0),
        "2026-02": (1, 0, 1),
        None: (0, 0, 0),
    }
    by_owner = asked(told, by="owner").groups
    assert by_owner is not None
    assert [(group.key, group.n, group.won.n, group.stages[0].n) for group in by_owner] == [("rep-1", 1, 1, 1)]


def test_a_journey_that_left_a_stage_in_two_months_is_one_journey_in_the_whole() -> None:
    answer = asked(funnel(journey("contact@0", "qualified@10", "<contact@11", "qualified@30")), by="month")
    assert days(stage(answer, "contact"))[:2] == (1, 29.0)


def test_nothing_closed_is_no_time() -> None:
    assert days(asked(funnel(journey("partners")), by="owner").closed) == (0, None, None, None, None)
