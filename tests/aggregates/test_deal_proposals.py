from typing import Any

import pytest
from pydantic import ValidationError

from engine.aggregates.deal.commands import (
    AcceptProposal,
    DeclineProposal,
    ExpireProposal,
    ReviseProposal,
    SendProposal,
)
from engine.aggregates.deal.events import (
    EntryRetracted,
    ProposalAccepted,
    ProposalDeclined,
    ProposalExpired,
    ProposalLine,
    ProposalOption,
    ProposalRevised,
    ProposalSent,
)
from engine.values import Money
from tests.aggregates.examples import OPENED, WON, deal
from tests.given_when_then import day, made, on, retracted

BASIC = ProposalOption(name="basic", price=Money.of(900, "EUR"))
FULL = ProposalOption(
    name="full",
    price=Money.of(2000, "EUR"),
    lines=(
        ProposalLine(item="chair", quantity=10, price=Money.of(150, "EUR")),
        ProposalLine(item="delivery", price=Money.of(500, "EUR")),
    ),
)
SENT = ProposalSent(proposal_id=made(1), options=(FULL, BASIC), expires_at=day(60))
ENDINGS = [
    ProposalAccepted(proposal_id=made(1), option="full"),
    ProposalDeclined(proposal_id=made(1), reason="price"),
    ProposalExpired(proposal_id=made(1)),
]
ON_A_LIVE_ONE = [
    ReviseProposal(proposal_id=made(1), options=(BASIC,)),
    AcceptProposal(proposal_id=made(1)),
    DeclineProposal(proposal_id=made(1), reason="price"),
    ExpireProposal(proposal_id=made(1)),
]


@pytest.mark.checklist("S18", "S34")
def test_the_highest_price_comes_first() -> None:
    deal.given(OPENED).when(SendProposal(options=(BASIC, FULL), expires_at=day(60))).then(SENT)


def test_options_of_one_price_keep_their_order() -> None:
    alike = ProposalOption(name="alike", price=BASIC.price)
    deal.given(OPENED).when(SendProposal(options=(BASIC, alike))).then(
        ProposalSent(proposal_id=made(1), options=(BASIC, alike))
    )


def test_a_proposal_may_be_sent_without_prices_and_under_the_caller_s_id() -> None:
    deal.given(OPENED).when(SendProposal(proposal_id=made(7))).then(ProposalSent(proposal_id=made(7)))


def test_a_proposal_is_sent_once() -> None:
    deal.given(OPENED, SENT).when(SendProposal(proposal_id=made(1))).rejected("revise")


def test_options_have_names_of_their_own() -> None:
    again = ProposalOption(name="basic", price=Money.of(800, "EUR"))
    deal.given(OPENED).when(SendProposal(options=(BASIC, again))).rejected("same name")


def test_prices_of_several_currencies_can_t_be_ranked() -> None:
    dollars = ProposalOption(name="dollars", price=Money.of(800, "USD"))
    deal.given(OPENED).when(SendProposal(options=(BASIC, dollars))).rejected("currencies")


@pytest.mark.checklist("S34")
def test_the_lines_of_an_itemised_option_add_up() -> None:
    with pytest.raises(ValidationError, match="add up to 50000"):
        ProposalOption(
            name="off",
            price=Money.of(1, "EUR"),
            lines=(ProposalLine(item="delivery", price=Money.of(500, "EUR")),),
        )


def test_a_live_proposal_is_revised() -> None:
    deal.given(OPENED, SENT).when(ReviseProposal(proposal_id=made(1), options=(BASIC,))).then(
        ProposalRevised(proposal_id=made(1), options=(BASIC,))
    )


def test_a_revision_that_changes_nothing_is_no_news() -> None:
    same = ReviseProposal(proposal_id=made(1), options=(BASIC, FULL), expires_at=day(60))
    deal.given(OPENED, SENT).when(same).nothing()


def test_the_same_offer_at_an_earlier_time_is_news() -> None:
    revised = ProposalRevised(proposal_id=made(1), options=(BASIC,))
    same = ReviseProposal(proposal_id=made(1), options=(BASIC,))
    deal.given(OPENED, SENT, on(9, revised)).when(same, at=5).then(revised)


@pytest.mark.checklist("S18")
def test_a_live_proposal_is_accepted_with_one_of_its_options() -> None:
    deal.given(OPENED, SENT).when(AcceptProposal(proposal_id=made(1), option="full")).then(ENDINGS[0])
    deal.given(OPENED, SENT).when(AcceptProposal(proposal_id=made(1), option="golden")).rejected("'golden'", "basic")


def test_a_live_proposal_is_declined_with_a_reason() -> None:
    deal.given(OPENED, SENT).when(DeclineProposal(proposal_id=made(1), reason="price")).then(ENDINGS[1])
    deal.given(OPENED, SENT).when(DeclineProposal(proposal_id=made(1))).rejected("reason")


def test_a_live_proposal_expires_when_its_time_is_over() -> None:
    deal.given(OPENED, SENT).on_day(61).when(ExpireProposal(proposal_id=made(1))).then(ENDINGS[2])
    deal.given(OPENED, SENT).on_day(59).when(ExpireProposal(proposal_id=made(1))).rejected("holds until")


@pytest.mark.parametrize("command", ON_A_LIVE_ONE, ids=lambda command: type(command).__name__)
def test_a_proposal_that_was_never_sent_is_refused(command: Any) -> None:
    deal.given(OPENED).when(command).rejected("no proposal", "send it first")


@pytest.mark.parametrize("command", ON_A_LIVE_ONE, ids=lambda command: type(command).__name__)
@pytest.mark.parametrize("ending", ENDINGS, ids=lambda event: type(event).__name__)
def test_a_proposal_that_ended_is_over(command: Any, ending: Any) -> None:
    deal.given(OPENED, SENT, ending).on_day(61).when(command).rejected("already", "new one")


def test_a_proposal_whose_sending_was_retracted_is_not_there() -> None:
    deal.given(OPENED, SENT, ENDINGS[0], retracted(2, EntryRetracted)).when(
        AcceptProposal(proposal_id=made(1))
    ).rejected("no proposal")


def test_a_proposal_may_follow_a_win() -> None:
    deal.given(OPENED, on(3, WON)).when(SendProposal(options=(BASIC,))).then(
        ProposalSent(proposal_id=made(1), options=(BASIC,))
    )
