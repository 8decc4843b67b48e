"""Win rate: won of won and lost, by close date, with what it was worth."""

from typing import Any

import pytest

from engine.errors import Rejected
from engine.projections.filters import Filters
from engine.projections.win_rate import WinRate, win_rate
from tests.projections.journeys import Funnel, date_of, funnel, journey, person


def asked(told: Funnel, filters: Filters | None = None, **options: Any) -> WinRate:
    return win_rate(told.look, filters or Filters(), **options)


def test_won_of_won_and_lost() -> None:
    told = funnel(journey("contact", "won"), journey("contact", "lost"), journey("contact", "lost"), journey("contact"))
    answer = asked(told)
    assert (answer.won, answer.lost, answer.open, answer.win_rate, answer.n) == (1, 2, 1, 1 / 3, 3)


def test_nothing_decided_is_no_rate() -> None:
    assert asked(funnel(journey("contact"))).win_rate is None
    assert asked(funnel(journey("partners")), by="owner").n == 0


def test_disqualified_before_qualification_is_no_loss_and_afterwards_it_is() -> None:
    told = funnel(journey("contact", "disqualified"), journey("contact", "qualified", "disqualified"))
    answer = asked(told)
    assert (answer.lost, answer.disqualified, answer.win_rate) == (1, 1, 0.0)


def test_merged_and_transferred_are_apart() -> None:
    answer = asked(funnel(journey("contact", "merged"), journey("contact", "won", "~partners"), journey("contact")))
    assert (answer.won, answer.open, answer.merged, answer.transferred) == (0, 1, 1, 1)


def test_the_value_won_is_the_one_at_the_close_and_its_average_is_rounded_half_to_even() -> None:
    told = funnel(
        journey("contact@0", "won@1", "value=900 EUR@2", value="0.01 EUR"),
        journey("contact", "won", value="0.04 EUR"),
        journey("contact", "won", value=None),
        journey("contact", "lost", value="0.05 EUR"),
        journey("contact", "won", value="7 JPY"),
    )
    answer = asked(told)
    assert [(money.amount, money.currency) for money in answer.won_value] == [("0.05", "EUR"), ("7", "JPY")]
    assert [money.amount for money in answer.average_won_value] == ["0.02", "7"]
    assert [(row.currency, row.n, row.mean) for row in answer.average_won] == [("EUR", 2, 0.025), ("JPY", 1, 7.0)]
    assert [(row.currency, row.lost_value.amount, row.win_rate) for row in answer.by_value] == [
        ("EUR", "0.05", 0.5),
        ("JPY", "0", 1.0),
    ]


def test_the_window_is_by_close_and_open_ones_have_none() -> None:
    told = funnel(journey("contact@0", "won@5"), journey("contact@0", "lost@10"), journey("contact@0"))
    answer = asked(told, Filters(since=date_of(5), until=date_of(10)))
    assert (answer.won, answer.lost, answer.open) == (1, 0, 1)


def test_the_cohort_opened_in_the_window() -> None:
    told = funnel(journey("contact@0", "won@9"), journey("contact@5", "lost@9"), journey("contact@6"))
    answer = asked(told, Filters(since=date_of(4)), cohort="opened")
    assert (answer.won, answer.lost, answer.open) == (0, 1, 1)


def test_losses_for_a_reason_can_be_left_out() -> None:
    told = funnel(
        journey("contact", "won"), journey("contact", "lost", reason="no decision"), journey("contact", "lost")
    )
    answer = asked(told, without_reasons=("no decision",))
    assert (answer.won, answer.lost, answer.win_rate) == (1, 1, 0.5)
    with pytest.raises(Rejected, match="reason 'no decison': see which there are in the losses"):
        asked(told, without_reasons=("no decison",))


def test_qualified_counts_those_first_qualified_in_the_window() -> None:
    told = funnel(
        journey("contact@0", "qualified@2", "<contact@3", "qualified@8"),
        journey("contact@0", "won@6"),
        journey("contact@0", "lost@1"),
        journey("contact@0", "qualified@1", "merged@2"),
    )
    assert asked(told).qualified == 2
    assert asked(told, Filters(since=date_of(3))).qualified == 1


def test_lifetime_is_to_won_or_lost() -> None:
    told = funnel(
        journey("contact@0", "won@2"), journey("contact@0", "lost@6"), journey("contact@0", "disqualified@99")
    )
    lifetime = asked(told).lifetime
    assert (lifetime.n, lifetime.p50_seconds, lifetime.mean_seconds) == (2, 4 * 86_400, 4 * 86_400)


def test_a_win_stands_through_after_sales_and_falls_with_a_reopening() -> None:
    told = funnel(journey("contact", "won", "retention"), journey("contact", "won", "^proposal"))
    answer = asked(told)
    assert (answer.won, answer.open) == (1, 1)


def test_by_owner_and_by_month_of_the_close() -> None:
    told = funnel(
        journey("contact@0", "won@28", owner=person(1)),
        journey("contact@0", "lost@2"),
        journey("contact", owner=person(1)),
    )
    by_owner, by_month = asked(told, by="owner").groups, asked(told, by="month").groups
    assert by_owner is not None
    assert by_month is not None
    assert [(group.key, group.n, group.won, group.lost, group.open) for group in by_owner] == [
        ("rep-1", 1, 1, 0, 1),
        (None, 1, 0, 1, 0),
    ]
    assert [(group.key, group.won, group.lost, group.open) for group in by_month] == [
        ("2026-01", 0, 1, 0),
        ("2026-02", 1, 0, 0),
        (None, 0, 0, 1),
    ]
