"""The stage rules by example, one sentence each; every story is derived by the fold and over columns."""

from engine.stages.definition import parse_definition
from tests.stages.stories import story


def test_a_deal_goes_the_straight_way_with_three_confirmed_dimensions() -> None:
    story("opened 0", "call 1", "budget+ 2", "authority+ 3", "need+ 4", "meeting 5", "proposal 6", "won 8").visits(
        "contact 0 4", "qualification 4 5", "meeting 5 6", "proposal 6 8", "won 8 -"
    )


def test_skipped_stages_are_not_visited_and_a_lower_trigger_changes_nothing_later() -> None:
    story("opened 0", "proposal 1", "demo 2", "won 3").visits("contact 0 1", "proposal 1 3", "won 3 -")


def test_two_events_of_one_instant_are_two_visits_by_position() -> None:
    story("captured 0", "meeting 0").visits("contact 0 0", "meeting 0 -")


def test_after_a_move_back_only_what_happens_then_advances_again() -> None:
    story("opened 0", "proposal 1", "moved contact 2", "meeting 3", "revised 4").visits(
        "contact 0 1", "proposal 1 2", "contact 2 3 moved", "meeting 3 4", "negotiation 4 -"
    )


def test_an_unrelated_call_does_not_throw_a_moved_deal_forward_but_an_assessment_does() -> None:
    story("opened 0", "budget+ 1", "authority+ 1", "need+ 1", "moved contact 2", "call 3", "timeline? 4").visits(
        "contact 0 1", "qualification 1 2", "contact 2 4 moved", "qualification 4 -"
    )


def test_a_withdrawn_verdict_moves_nothing_back() -> None:
    story("opened 0", "budget+ 1", "authority+ 2", "timeline+ 3", "budget- 4").visits(
        "contact 0 3", "qualification 3 -"
    )


def test_a_dimension_assessed_three_times_counts_once() -> None:
    story("opened 0", "budget+ 1", "budget+ 2", "budget+ 3").visits("contact 0 -")


def test_after_a_loss_only_a_reopening_counts() -> None:
    story("opened 0", "proposal 1", "lost 2", "demo 3", "reopened proposal 5", "won 6").visits(
        "contact 0 1", "proposal 1 2", "lost 2 5", "proposal 5 6 reopened", "won 6 -"
    )


def test_after_the_sale_only_after_sale_stages_count() -> None:
    story("opened 0", "won 1", "proposal 2", "paid 3", "satisfied 9").visits("contact 0 1", "won 1 9", "retention 9 -")


def test_a_lead_and_its_deal_are_one_journey() -> None:
    story("captured 0", "meeting 1", "converted 2", "deal 2", "proposal 3").visits(
        "contact 0 1", "meeting 1 3", "proposal 3 -"
    )


def test_a_disqualified_lead_is_lost() -> None:
    story("captured 0", "disqualified 4").visits("contact 0 4", "lost 4 -")


def test_a_late_entry_takes_its_place_in_time_and_was_not_known_before() -> None:
    told = story("opened 0", "proposal 5", "meeting 2 recorded 7")
    told.visits("contact 0 2", "meeting 2 5", "proposal 5 -")
    told.known_on(6).visits("contact 0 5", "proposal 5 -")


def test_a_retracted_entry_never_was_except_for_who_asks_what_was_known() -> None:
    told = story("opened 0", "proposal 3", "retract #2 5", "demo 6")
    told.visits("contact 0 6", "meeting 6 -")
    told.known_on(4).visits("contact 0 3", "proposal 3 -")
    told.as_of_day(4).visits("contact 0 -")


def test_a_move_to_where_it_is_opens_no_visit() -> None:
    story("opened 0", "meeting 1", "moved meeting 2", "proposal 3").visits("contact 0 1", "meeting 1 3", "proposal 3 -")


def test_an_old_key_lives_on_through_replaces_and_an_unknown_one_is_unmapped() -> None:
    story("opened 0", "moved presentation 1", "moved bungee 2", "demo 3").visits(
        "contact 0 1", "meeting 1 2 moved", "unmapped 2 3 moved", "meeting 3 -"
    )


def test_two_unknown_keys_in_a_row_are_one_unmapped_visit() -> None:
    story("opened 0", "moved bungee 1", "moved nowhere 2").visits("contact 0 1", "unmapped 1 - moved")


def test_a_value_change_is_negotiation_only_once_a_proposal_is_out() -> None:
    story("opened 0", "value 1", "proposal 2", "value 3").visits("contact 0 2", "proposal 2 3", "negotiation 3 -")


def test_a_deal_moved_back_may_stay_there() -> None:
    story("opened 0", "proposal 1", "moved contact 2").visits("contact 0 1", "proposal 1 2", "contact 2 - moved")


def test_a_deal_is_lost_from_the_stage_it_is_in() -> None:
    story("opened 0", "proposal 1", "lost 2").visits("contact 0 1", "proposal 1 2", "lost 2 -")


def test_satisfaction_on_an_open_deal_is_not_after_sales() -> None:
    story("opened 0", "satisfied 1", "proposal 2").visits("contact 0 2", "proposal 2 -")


def test_a_loss_recorded_after_the_win_changes_no_stage() -> None:
    story("opened 0", "won 1", "lost 2", "satisfied 3").visits("contact 0 1", "won 1 3", "retention 3 -")


def test_a_move_recorded_on_a_lost_deal_is_no_reopening() -> None:
    story("opened 0", "lost 1", "moved proposal 2", "proposal 3").visits("contact 0 1", "lost 1 -")


def test_a_person_may_carry_a_won_deal_into_after_sales() -> None:
    story("opened 0", "won 1", "moved retention 2").visits("contact 0 1", "won 1 2", "retention 2 - moved")


def test_a_move_to_a_won_stage_wins_nothing() -> None:
    story("opened 0", "moved won 1", "demo 2").visits("contact 0 2", "meeting 2 -")


def test_a_reopening_that_names_no_open_stage_leads_to_unmapped() -> None:
    story("opened 0", "lost 1", "reopened won 2", "call 3", "meeting 4").visits(
        "contact 0 1", "lost 1 2", "unmapped 2 4 reopened", "meeting 4 -"
    )


def test_the_branches_of_an_any_are_looked_at_each_at_its_own_events() -> None:
    either = parse_definition(
        {
            "pipeline": "either",
            "stages": [
                {"key": "contact", "kind": "open"},
                {
                    "key": "warm",
                    "kind": "open",
                    "enter": {"any": [{"touch": {"kind": ["meeting"]}}, {"bant_confirmed": {"at_least": 1}}]},
                },
                {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
            ],
        }
    )
    story("opened 0", "need+ 1", "moved contact 2", "call 3", "meeting 4", by=either).visits(
        "contact 0 1", "warm 1 2", "contact 2 4 moved", "warm 4 -"
    )


def test_a_move_fires_nothing_even_where_a_criterion_names_it() -> None:
    eager = parse_definition(
        {
            "pipeline": "eager",
            "stages": [
                {"key": "contact", "kind": "open"},
                {"key": "handled", "kind": "open", "enter": {"event": "StageMoved"}},
                {"key": "won", "kind": "won", "enter": {"event": "StageMoved"}},
            ],
        }
    )
    story("opened 0", "moved won 1", "moved contact 2", by=eager).visits("contact 0 -")


def test_the_opening_retracted_voids_the_journey() -> None:
    told = story("opened 0", "call 1", "retract #1 2")
    told.visits()
    told.known_on(1).visits("contact 0 -")


def test_a_history_that_begins_with_a_move_has_no_visit_to_the_first_stage() -> None:
    story("moved meeting 0", "opened 0", "proposal 1").visits("meeting 0 1 moved", "proposal 1 -")


def test_leaving_the_pipeline_ends_the_visit_and_coming_back_begins_one() -> None:
    story("opened 0", "proposal 1", "transferred other start 2", "revised 3", "transferred sales contact 4").visits(
        "contact 0 1", "proposal 1 2", "contact 4 - moved"
    )


def test_what_was_counted_elsewhere_counts_after_coming_back() -> None:
    story(
        *["opened 0", "budget+ 1", "authority+ 1", "transferred other start 2", "need+ 3"],
        *["transferred sales contact 4", "timeline? 5"],
    ).visits("contact 0 2", "contact 4 5 moved", "qualification 5 -")


def test_a_lost_deal_that_changes_its_pipeline_is_open_there() -> None:
    story("opened other 0", "lost 1", "transferred sales meeting 2", "proposal 3").visits(
        "meeting 2 3 moved", "proposal 3 -"
    )


def test_what_happened_before_the_win_is_not_remembered_for_after_sales() -> None:
    story("opened 0", "satisfied 1", "won 2", "call 3").visits("contact 0 2", "won 2 -")
