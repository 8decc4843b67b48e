"""Conversion: the cohort of who entered a stage, and what became of each; golden/stages.yaml has the worked table."""

import pytest

from engine.errors import Rejected
from engine.projections.conversion import PARTS, stage_conversion
from engine.projections.filters import Filters
from engine.stages.definition import Definition, Stage
from tests.conftest import SHARED
from tests.projections.journeys import SALES, date_of, day, funnel, journey, person

GOLDEN = SHARED / "golden" / "stages.yaml"


def test_a_return_does_not_unconvert() -> None:
    funnel(journey("contact", "qualified", back_to="contact")).stage("contact").has(advanced=1, moved_back=0)


def test_a_stage_that_was_left_downwards_was_moved_back() -> None:
    funnel(journey("contact", "proposal", back_to="contact")).stage("proposal").has(entered=1, moved_back=1)


def test_a_journey_that_lost_its_way_is_moved_back() -> None:
    funnel(journey("contact", "qualified", "<bungee")).stage("qualified").has(moved_back=1, still_there=0)


def test_what_came_before_the_first_entry_does_not_count_as_further() -> None:
    told = funnel(journey("contact", "proposal", "<qualified"))
    told.stage("qualified").has(entered=1, advanced=0, still_there=1)


def test_lost_is_not_further_and_a_lost_journey_that_went_further_first_stays_converted() -> None:
    told = funnel(journey("contact", "lost"), journey("contact", "proposal", "lost"))
    told.stage("contact").has(entered=2, advanced=1, lost=1, conversion=0.5)
    told.stage("proposal").has(entered=1, lost=1, conversion=0.0)


def test_a_journey_counts_once_however_often_it_enters() -> None:
    funnel(journey("contact", "qualified", "<contact", "qualified", "<contact")).stage("qualified").has(entered=1)


def test_a_skipped_stage_counts_as_passed_unless_asked_strictly() -> None:
    told = funnel(journey("contact", "proposal"), journey("contact", "qualified", "proposal"))
    told.stage("contact").has(advanced=2, skipped=0, conversion=1.0)
    told.stage("contact", strict=True).has(advanced=1, skipped=1, conversion=0.5)


def test_strictly_a_win_passes_the_last_open_stage_and_after_sales_pass_the_win() -> None:
    told = funnel(journey("contact", "qualified", "proposal", "won", "retention"))
    for stage in ("contact", "qualified", "proposal", "won"):
        told.stage(stage, strict=True).has(entered=1, advanced=1, skipped=0)


def test_winning_one_way_skips_no_other_way() -> None:
    stages = [*SALES.stages[:4], Stage(key="renewed", kind="won"), *SALES.stages[4:]]
    told = funnel(
        journey("contact", "qualified", "proposal", "won"), definition=Definition(pipeline="sales", stages=stages)
    )
    told.stage("proposal", strict=True).has(advanced=1, skipped=0)
    swapped = [*stages[:3], stages[4], stages[3], *stages[5:]]
    told = funnel(
        journey("contact", "qualified", "proposal", "won"), definition=Definition(pipeline="sales", stages=swapped)
    )
    told.stage("proposal", strict=True).has(advanced=1, skipped=0)


def test_leaving_for_another_pipeline_is_transferred_and_going_further_before_comes_first() -> None:
    told = funnel(journey("contact", "qualified", "~partners"))
    told.stage("contact").has(advanced=1, transferred=0)
    told.stage("qualified").has(advanced=0, transferred=1)
    assert told.conversion().overall.transferred == 1


def test_who_came_back_from_another_pipeline_is_where_it_stands() -> None:
    told = funnel(journey("contact", "qualified", "~partners", "~sales:contact"))
    told.stage("qualified").has(transferred=0, moved_back=1)


def test_the_window_holds_first_entries_and_its_end_is_outside() -> None:
    told = funnel(journey("contact@0"), journey("contact@10"), journey("contact@20"))
    told.stage("contact", Filters(since=date_of(10), until=date_of(20))).has(entered=1)


def test_a_second_entry_in_the_window_is_not_a_first_one() -> None:
    told = funnel(journey("contact@0", "qualified@1", "<contact@10"))
    told.stage("contact", Filters(since=date_of(5))).has(entered=0, conversion=None)


def test_within_days_looks_at_each_journey_so_long_after_it_entered() -> None:
    told = funnel(journey("contact@0", "qualified@3", "<contact@4"), journey("contact@0", "lost@3.1"), as_of=30)
    told.stage("contact", within_days=3).has(entered=2, advanced=1, still_there=1, lost=0)
    told.stage("contact", within_days=4).has(advanced=1, lost=1)
    told.stage("qualified", within_days=0.5).has(still_there=1, moved_back=0)


def test_within_days_says_whose_days_are_not_over() -> None:
    told = funnel(journey("contact@0", "qualified@1"), journey("contact@8"), as_of=10)
    told.stage("contact", within_days=5).has(entered=2, conversion=0.5, immature=1, mature_conversion=1.0)
    told.stage("contact").has(immature=0)


def test_in_period_what_happened_after_the_window_does_not_count() -> None:
    told = funnel(journey("contact@0", "qualified@5"), journey("contact@0", "~partners@7"), as_of=30)
    told.stage("contact", Filters(until=date_of(5)), in_period=True).has(advanced=0, still_there=2)
    told.stage("contact", Filters(until=date_of(6)), in_period=True).has(advanced=1, still_there=1)
    told.stage("contact", Filters(until=date_of(8)), in_period=True).has(advanced=1, transferred=1)


def test_in_period_without_an_end_is_refused() -> None:
    with pytest.raises(Rejected, match="until"):
        funnel(journey("contact")).conversion(in_period=True)


def test_overall_a_win_counts_though_it_was_reopened() -> None:
    told = funnel(
        journey("contact", "won", "^proposal", "lost"),
        journey("contact", "won"),
        journey("contact", "disqualified"),
        journey("contact"),
    )
    assert told.conversion().overall.model_dump() == {
        "entered": 4,
        "won": 2,
        "lost": 1,
        "open": 1,
        "transferred": 0,
        "conversion": 0.5,
    }


def test_merged_journeys_stay_outside_and_are_counted_apart() -> None:
    answer = funnel(journey("contact", "qualified", "merged"), journey("contact")).conversion()
    assert (answer.n, answer.merged, answer.overall.entered) == (1, 1, 1)


def test_transitions_tell_how_often_and_how_long() -> None:
    told = funnel(
        journey("contact@0", "qualified@2", "~partners@3"),
        journey("contact@0", "qualified@4", "<bungee@5", "lost@6"),
        journey("contact@0", "lost@1", "^contact@2"),
    )
    rows = [(move.from_stage, move.to, move.n, move.p50_seconds / 86_400) for move in told.conversion().transitions]
    assert rows == [
        ("contact", "qualified", 2, 3.0),
        ("contact", "lost", 1, 1.0),
        ("qualified", "unmapped", 1, 1.0),
        ("qualified", "transferred", 1, 1.0),
        ("lost", "contact", 1, 1.0),
        ("unmapped", "lost", 1, 1.0),
    ]


def test_transitions_are_written_from_and_to() -> None:
    answer = funnel(journey("contact", "qualified")).conversion()
    assert answer.model_dump(mode="json")["transitions"][0] == {
        "from": "contact",
        "to": "qualified",
        "n": 1,
        "p50_seconds": 86_400.0,
        "p85_seconds": 86_400.0,
        "p90_seconds": 86_400.0,
    }


def test_the_value_that_filters_is_the_one_at_entry() -> None:
    told = funnel(journey("contact@0", "value=900 EUR@1", "qualified@2", value="100 EUR"))
    rich = Filters(value_min=500, currency="EUR")
    told.stage("contact", rich).has(entered=0)
    told.stage("qualified", rich).has(entered=1)


def test_the_team_is_the_one_at_entry_unless_todays_is_asked_for() -> None:
    roster = [
        {"rep": person(1), "since": 0, "until": day(5), "team": "north", "manager": None, "region": None},
        {"rep": person(1), "since": day(5), "until": None, "team": "south", "manager": None, "region": None},
    ]
    told = funnel(journey("contact@0", "qualified@9", owner=person(1)), roster=roster)
    told.stage("contact", Filters(team="north")).has(entered=1)
    told.stage("qualified", Filters(team="north")).has(entered=0)
    told.stage("contact", Filters(team="north", membership="today")).has(entered=0)
    told.stage("contact", Filters(team="south", membership="today")).has(entered=1)


def test_groups_add_up_to_the_whole() -> None:
    told = funnel(
        journey("contact", "qualified", source="ads"), journey("contact", source="web"), journey("contact", "lost")
    )
    answer = told.conversion(by="source")
    assert answer.groups is not None
    assert [(group.key, group.label, group.n) for group in answer.groups] == [
        ("ads", "ads", 1),
        ("web", "web", 1),
        (None, None, 1),
    ]
    assert sum(group.stages[0].entered for group in answer.groups) == answer.stages[0].entered == 3


def test_by_month_a_journey_counts_in_the_month_of_each_entry() -> None:
    answer = funnel(journey("contact@0", "qualified@27")).conversion(by="month")
    assert answer.groups is not None
    assert {group.key: [stage.entered for stage in group.stages[:2]] for group in answer.groups} == {
        "2026-01": [1, 0],
        "2026-02": [0, 1],
    }


def test_an_empty_pipeline_has_all_its_stages_and_no_shares() -> None:
    answer = funnel(journey("partners")).conversion()
    assert answer.n == 0
    assert [(stage.entered, stage.conversion) for stage in answer.stages] == [(0, None)] * 5
    assert answer.overall.conversion is None
    assert answer.transitions == ()


def test_counts_that_do_not_add_up_are_never_answered() -> None:
    parts = dict.fromkeys((*PARTS, "immature", "ripe"), 0)
    assert stage_conversion("contact", {**parts, "entered": 1, "lost": 1}).lost == 1
    with pytest.raises(AssertionError, match="does not add up"):
        stage_conversion("contact", {**parts, "entered": 2, "lost": 1})
