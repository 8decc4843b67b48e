"""The board: what stands where under the filters, what it is worth, and the cards a page at a time."""

from dataclasses import replace
from typing import Any

import polars as pl

from engine.projections.board import Board, StageStanding, board
from engine.projections.cards import Cards
from engine.projections.filters import Filters
from engine.projections.likelihood import ENOUGH
from tests.projections.journeys import Funnel, date_of, funnel, journey, person

DAY_SECONDS = 86_400


def asked(told: Funnel, **options: Any) -> Board:
    return board(told.look, **options)


def stage(answer: Board, key: str) -> StageStanding:
    (found,) = (stage for stage in answer.stages if stage.stage == key)
    return found


def keys(answer: Board) -> list[str | None]:
    return [card.key for card in answer.cards]


def test_every_stage_is_there_in_the_definitions_order_with_won_and_lost() -> None:
    answer = asked(funnel(journey("contact"), journey("contact", "won"), journey("contact", "lost")))
    assert [(row.stage, row.kind, row.count) for row in answer.stages] == [
        ("contact", "open", 1),
        ("qualified", "open", 0),
        ("proposal", "open", 0),
        ("won", "won", 1),
        ("lost", "lost", 1),
        ("retention", "after_sale", 0),
    ]
    assert answer.n == 3


def test_values_of_several_currencies_are_never_added() -> None:
    told = funnel(
        journey("contact", value="100.50 EUR"),
        journey("contact", value="7 JPY"),
        journey("contact", value="0.50 EUR"),
        journey("contact", value=None),
    )
    contact = stage(asked(told), "contact")
    assert [money.model_dump() for money in contact.value] == [
        {"amount": "101.00", "currency": "EUR"},
        {"amount": "7", "currency": "JPY"},
    ]
    assert contact.without_value == 1


def test_a_sum_too_large_for_64_bits_is_right() -> None:
    told = funnel(journey("contact")).look
    huge = pl.concat([told.journeys.with_columns(amount_minor=pl.lit(10**15))] * 10_000)
    answer = board(replace(told, frames=told.frames._replace(journeys=huge)), cards=Cards(limit=0))
    assert stage(answer, "contact").value[0].amount == "100000000000000000.00"


def test_age_is_since_the_stage_was_entered_and_its_median_is_shown() -> None:
    told = funnel(journey("contact@0"), journey("contact@6"), journey("contact@0", "qualified@8"), as_of=10)
    assert stage(asked(told), "contact").age_p50_seconds == 7 * DAY_SECONDS
    assert stage(asked(told), "qualified").age_p50_seconds == 2 * DAY_SECONDS
    assert stage(asked(told), "proposal").age_p50_seconds is None


def test_stalled_after_idle_days_without_any_activity() -> None:
    told = [journey("contact@0"), journey("contact@0", "touch@1"), journey("contact@0", "touch@0.5")]
    assert stage(asked(funnel(*told, as_of=10.9)), "contact").stalled == 2
    assert stage(asked(funnel(*told, as_of=10)), "contact").stalled == 1
    assert stage(asked(funnel(*told, as_of=9.9)), "contact").stalled == 0


def test_stalled_after_stage_days_whatever_happens_meanwhile() -> None:
    told = journey("contact@0", "qualified@1", "touch@30")
    assert stage(asked(funnel(told, as_of=30.9)), "qualified").stalled == 0
    assert stage(asked(funnel(told, as_of=31)), "qualified").stalled == 1


def test_a_stage_without_a_rule_never_stalls() -> None:
    assert stage(asked(funnel(journey("contact@0", "proposal@1"), as_of=1000)), "proposal").stalled == 0


def decided(won: int, lost: int) -> list[Any]:
    return [journey("contact", "proposal", "won")] * won + [journey("contact", "proposal", "lost")] * lost


def test_likelihood_is_won_of_the_closed_journeys_that_visited_the_stage() -> None:
    told = funnel(*decided(20, 10), journey("contact", "lost"), journey("contact", "proposal", value="100 EUR"))
    proposal = stage(asked(told), "proposal")
    assert (proposal.closed_n, proposal.likelihood) == (30, 2 / 3)
    assert [money.amount for money in proposal.weighted] == ["66.67"]
    assert (stage(asked(told), "contact").closed_n, stage(asked(told), "contact").likelihood) == (31, 20 / 31)


def test_weighted_values_are_rounded_half_to_even_once() -> None:
    told = funnel(*decided(15, 15), journey("contact", "proposal", value="0.01 EUR"))
    assert stage(asked(told), "proposal").weighted[0].amount == "0.00"
    told = funnel(*decided(15, 15), *[journey("contact", "proposal", value="0.01 EUR")] * 3)
    assert stage(asked(told), "proposal").weighted[0].amount == "0.02"


def test_under_thirty_closed_the_history_is_insufficient() -> None:
    told = funnel(*decided(20, ENOUGH - 21), journey("contact", "proposal"))
    proposal = stage(asked(told), "proposal")
    assert (proposal.closed_n, proposal.likelihood, proposal.weighted) == (29, None, ())
    assert proposal.insufficient_history


def test_a_disqualified_lead_is_no_loss_to_the_likelihood() -> None:
    told = funnel(*decided(20, 10), *[journey("contact", "disqualified")] * 50)
    assert stage(asked(told), "contact").closed_n == 30


def test_likelihood_is_the_pipelines_whatever_the_filter() -> None:
    told = funnel(*decided(20, 10), journey("contact", "proposal", source="ads"))
    answer = asked(told, filters=Filters(source="ads"))
    assert answer.n == 1
    assert stage(answer, "proposal").likelihood == 2 / 3


def test_the_definitions_probability_can_be_asked_for() -> None:
    told = funnel(journey("contact", value="10 EUR"), journey("contact", "qualified"), journey("contact", "won"))
    answer = asked(told, basis="configured")
    assert [(row.likelihood, row.insufficient_history) for row in answer.stages] == [
        (0.1, False),
        (None, False),
        (0.5, False),
        (1.0, False),
        (0.0, False),
        (1.0, False),
    ]
    assert stage(answer, "contact").weighted[0].amount == "1.00"


def test_unmapped_merged_transferred_and_void_are_counted_apart() -> None:
    told = funnel(
        journey("contact", "<bungee", value="5 EUR"),
        journey("contact", "merged"),
        journey("contact", "~partners"),
        journey("contact"),
    )
    answer = asked(told)
    assert (answer.unmapped.count, answer.unmapped.value[0].amount) == (1, "5.00")
    assert (answer.n, answer.merged, answer.transferred, answer.void) == (2, 1, 1, 0)
    assert keys(answer) == ["3", "0"]


def test_groups_have_the_same_stages_and_add_up() -> None:
    told = funnel(
        journey("contact", owner=person(2)), journey("contact", "won", owner=person(1)), journey("contact", "<bungee")
    )
    answer = asked(told, by="owner")
    assert answer.groups is not None
    assert [(group.key, group.label, group.n, group.unmapped.count) for group in answer.groups] == [
        ("rep-1", "Rep One", 1, 0),
        ("rep-2", "Rep Two", 1, 0),
        (None, None, 1, 1),
    ]
    for row in answer.stages:
        parts = [part for group in answer.groups for part in group.stages if part.stage == row.stage]
        assert sum(part.count for part in parts) == row.count


def test_the_window_holds_those_opened_in_it_and_months_are_those_of_the_opening() -> None:
    told = funnel(journey("contact@0"), journey("contact@28"))
    assert asked(told, filters=Filters(since=date_of(1))).n == 1
    groups = asked(told, by="month").groups
    assert groups is not None
    assert [(group.key, group.n) for group in groups] == [("2026-01", 1), ("2026-02", 1)]


def test_the_value_is_the_one_at_as_of() -> None:
    told = journey("contact@0", "value=900 EUR@5", value="100 EUR")
    assert stage(asked(funnel(told, as_of=4)), "contact").value[0].amount == "100.00"
    assert stage(asked(funnel(told, as_of=5)), "contact").value[0].amount == "900.00"


def test_an_empty_board_is_a_board() -> None:
    answer = asked(funnel(journey("partners")), by="owner")
    assert (answer.n, answer.cards, answer.next) == (0, (), None)
    assert len(answer.stages) == 6
