"""The cards of the board: ordered, a page at a time."""

from datetime import date

import pytest
from pydantic import ValidationError

from engine.errors import Rejected
from engine.projections.board import Board, board
from engine.projections.cards import Cards
from tests.projections.journeys import Funnel, Journey, day, funnel, journey, person

DAY_SECONDS = 86_400


def asked(told: Funnel, cards: Cards | None = None) -> Board:
    return board(told.look, cards=cards or Cards())


def keys(answer: Board) -> list[str | None]:
    return [card.key for card in answer.cards]


def decided(won: int, lost: int) -> list[Journey]:
    return [journey("contact", "proposal", "won")] * won + [journey("contact", "proposal", "lost")] * lost


@pytest.mark.checklist("S31", "S35")
def test_a_card_tells_what_a_rep_needs() -> None:
    told = funnel(
        journey(
            "contact@0",
            "touch@2",
            "proposal@3",
            owner=person(1),
            next_action_at=day(12),
            value="100 EUR",
            expected_close=date(2026, 2, 1),
            attributes={"volume": "40 t"},
        ),
        *decided(20, 10),
        as_of=10,
    )
    (card,) = [each.model_dump(mode="json") for each in asked(told, Cards(show="open")).cards]
    assert card == {
        "journey": "00000000-0000-0000-0000-000000000000",
        "key": "0",
        "label": None,
        "stage": "proposal",
        "stage_since": "2026-01-08T09:00:00Z",
        "age_seconds": 7.0 * DAY_SECONDS,
        "value": {"amount": "100.00", "currency": "EUR"},
        "owner": {"key": "rep-1", "label": "Rep One"},
        "next_action_at": "2026-01-17T09:00:00Z",
        "expected_close": "2026-02-01",
        "volume": "40 t",
        "likelihood": 2 / 3,
        "stalled": False,
        "touches": 1,
        "last_touch_at": "2026-01-07T09:00:00Z",
    }


@pytest.mark.checklist("S15", "S35")
def test_cards_by_age_value_next_action_and_likelihood() -> None:
    told = funnel(
        journey("contact@3", value="5 EUR", next_action_at=day(20)),
        journey("contact@1", value="9 USD"),
        journey("contact@2", value="7 EUR", next_action_at=day(10)),
        journey("contact@4", "proposal@5", value=None),
        *decided(30, 10),
        *[journey("contact", "lost")] * 10,
        as_of=30,
    )
    some = {"show": "open"}
    assert keys(asked(told, cards=Cards(order="age", **some))) == ["1", "2", "0", "3"]
    assert keys(asked(told, cards=Cards(order="value", currency="EUR", **some))) == ["2", "0", "1", "3"]
    assert keys(asked(told, cards=Cards(order="next_action", **some))) == ["2", "0", "1", "3"]
    assert keys(asked(told, cards=Cards(order="likelihood", **some))) == ["3", "0", "1", "2"]
    assert [card.likelihood for card in asked(told, cards=Cards(show="closed")).cards[:2]] == [None, None]


@pytest.mark.parametrize(
    "cards",
    [
        Cards(order="age", limit=3),
        Cards(order="value", currency="EUR", limit=3),
        Cards(order="next_action", limit=3),
        Cards(order="likelihood", limit=3),
        Cards(order="likelihood", limit=1, show="open"),
    ],
)
def test_pages_hold_every_card_once_in_one_order(cards: Cards) -> None:
    ties = [
        journey(f"contact@{n % 2}", value=f"{n % 3} EUR", next_action_at=None if n % 4 else day(9)) for n in range(8)
    ]
    told = funnel(*ties, *decided(20, 10), journey("contact", value="1 USD"), journey("contact", value=None))
    whole = asked(told, cards=cards.model_copy(update={"limit": 1000}))
    assert whole.next is None
    found: list[str | None] = []
    page = asked(told, cards=cards)
    while page.next is not None:
        assert len(page.cards) == cards.limit
        found += keys(page)
        page = asked(told, cards=cards.model_copy(update={"after": page.next}))
    assert found + keys(page) == keys(whole)


def test_cards_of_one_stage_by_its_key() -> None:
    told = funnel(journey("contact"), journey("contact", "won"), journey("contact", "<bungee"))
    assert keys(asked(told, cards=Cards(stage="won"))) == ["1"]
    assert keys(asked(told, cards=Cards(stage="unmapped"))) == ["2"]
    with pytest.raises(Rejected, match=r"bungee.*contact"):
        asked(told, cards=Cards(stage="bungee"))


def test_a_cursor_that_is_none_or_of_another_order_is_refused() -> None:
    told = funnel(journey("contact@0"), journey("contact@1"))
    cursor = asked(told, cards=Cards(limit=1)).next
    for wrong in ("nonsense", "", "bnVsbA", "W10"):
        with pytest.raises(Rejected, match="no cursor"):
            asked(told, cards=Cards(after=wrong))
    with pytest.raises(Rejected, match="another order"):
        asked(told, cards=Cards(order="likelihood", after=cursor))


def test_order_by_value_names_its_currency() -> None:
    with pytest.raises(ValidationError, match="currency"):
        Cards(order="value")
