"""The answers that are carried along from event to event, as many ways as they can be asked."""

from itertools import cycle
from typing import Literal, get_args

from engine.projections.board import board
from engine.projections.cards import FIRST_PAGE, Cards, Order
from engine.projections.conversion import conversion
from engine.projections.cycle_time import cycle_time
from engine.projections.figures import Answer
from engine.projections.look import Look
from engine.projections.win_rate import win_rate
from engine.stages.definition import UNMAPPED_KEY


def answers(look: Look) -> list[Answer]:
    """Those that are told of what was added up before and what changed since."""
    boards = [board(look, cards=cards) for cards in CARDS]
    times = [cycle_time(look), cycle_time(look, from_first_touch=True)]
    return [*boards, *times, conversion(look), conversion(look, strict=True), win_rate(look)]


SHOWN: list[tuple[Literal["all", "open", "closed"], int]] = [("all", 2), ("open", 2), ("closed", 2)]
CARDS = [
    FIRST_PAGE,
    *(
        Cards(order=order, currency="EUR" if order == "value" else None, show=show, limit=limit)
        for order, (show, limit) in zip(get_args(Order), cycle(SHOWN), strict=False)
    ),
    Cards(stage=UNMAPPED_KEY, limit=2),
]
