"""How stays end: won, with what follows, lost, merged, void."""

from typing import Any

import polars as pl

from engine.values import Money
from service.simulation.entries import ENTRY, VALUED, WON, value
from service.simulation.settings import DAY
from service.simulation.telling import STAND_IN, Telling

EVIDENCE = ("signed order", "purchase order", "signed contract", "paid invoice")
LOST = {"price": 4, "chose another supplier": 3, "no decision": 3, "project stopped": 2, "missing function": 1}
DISQUALIFIED = {"no budget": 4, "no need": 3, "too small": 2, "not reachable": 3, "student project": 1}
DECLINED, LOSS, MERGED, VOID = 900, 901, 902, 903
WON_RIGHT, WON_RETRACTED, ODD = 4, 3, 20
"""a wrong win's retraction, the right one, and what only imported logs hold: a loss or a second win after a win"""


def tell_endings(telling: Telling, stays: pl.DataFrame) -> None:
    tell_wins(telling, stays.filter(pl.col("by").eq("advanced") & (pl.col("key") == "won")))
    tell_after_sales(telling, stays.filter(pl.col("key") == "won"))
    telling.tell(
        "SatisfactionRecorded",
        stays.filter(pl.col("by") == "after_sale").with_columns(
            score=10 - telling.dice.below(8, "score", pl.col("number")) // 2
        ),
        ENTRY,
        leaves=("score",),
    )
    standing = stays.filter(~pl.col("void") & ~pl.col("duplicate"))
    tell_losses(telling, standing.filter(pl.col("what").is_in(["lost", "reopened"]) & (pl.col("key") != "won")))
    tell_cuts(telling, stays.filter(pl.col("void") | pl.col("duplicate")))


def tell_wins(telling: Telling, won: pl.DataFrame) -> None:
    dice, number = telling.dice, pl.col("number")
    apart = (pl.col("before") == "negotiation") & (dice.share("value apart", number) < 0.1)
    wrong = ~apart & (dice.share("wrong win", number) < 0.02)
    won = won.with_columns(apart=apart, wrong=wrong)
    won = won.with_columns(
        amount=pl.when(~pl.col("apart")).then("signed"),
        evidence=dice.below(len(EVIDENCE), "evidence", number),
    )
    # The value was told a moment before, in negotiation: the win itself names none.
    before = won.filter("apart")
    telling.tell("ValueChanged", before, VALUED, leaves=("signed", "currency"), make=value)

    def win(amount: int | None, currency: str, evidence: int, pipeline: str) -> dict[str, Any]:
        money = None if amount is None else Money(amount_minor=amount, currency=currency)
        return {"evidence": telling.library.ref(pipeline, EVIDENCE[evidence]), "value": money}

    leaves = ("amount", "currency", "evidence", "pipeline")
    telling.tell("DealWon", won.filter(~pl.col("wrong")), WON, leaves=leaves, make=win)
    mistaken = won.filter("wrong")
    later = pl.col("entered_at") + DAY
    retractions = mistaken.with_columns(target=pl.Series(telling.event_ids(mistaken, WON), dtype=pl.String))
    doubled = mistaken.with_columns(amount=pl.col("signed") * 2)
    telling.tell("DealWon", doubled, WON, leaves=leaves, make=win)
    retract(telling, retractions, WON_RETRACTED, at=later, reason="wrong value")
    telling.tell("DealWon", mistaken, WON_RIGHT, told=later, leaves=leaves, make=win)
    odd = won.filter((pl.col("what") == "done") & (dice.share("odd", number) < 0.01))
    second = dice.share("second win", number) < 0.5
    telling.tell("DealWon", odd.filter(second), ODD, at="left_at", leaves=leaves, make=win)
    after = odd.filter(~second)
    telling.tell("DealLost", after, ODD, at="left_at", make=lambda: {"reason": "cancelled"})


def retract(telling: Telling, rows: pl.DataFrame, slot: int, *, at: pl.Expr, reason: str, lead: str = "lead") -> None:
    """Takes back the entries named in column target."""
    telling.tell(
        "EntryRetracted",
        rows,
        slot,
        at=at,
        lead=lead,
        make=lambda: {"event_id": STAND_IN, "reason": reason},
        own_id="target",
    )


def tell_after_sales(telling: Telling, won: pl.DataFrame) -> None:
    dice, number = telling.dice, pl.col("number")
    kept = won.filter(pl.col("what") != "reopened")
    span = pl.col("left_at") - pl.col("entered_at")
    delivered = kept.filter(dice.share("delivered", number) < 0.85)
    telling.tell("Delivered", delivered, 11, at=pl.col("entered_at") + span // 3)
    halves = dice.share("halves", number) < 0.3
    paid = kept.filter(dice.share("paid", number) < 0.9).with_columns(
        amount=pl.when(halves).then(pl.col("signed") // 2).otherwise("signed")
    )

    def payment(amount: int, currency: str) -> dict[str, Any]:
        return {"amount": Money(amount_minor=amount, currency=currency)}

    leaves = ("amount", "currency")
    telling.tell("PaymentReceived", paid, 12, at=pl.col("entered_at") + span // 2, leaves=leaves, make=payment)
    rest = paid.filter(halves)
    telling.tell("PaymentReceived", rest, 13, at=pl.col("entered_at") + span, leaves=leaves, make=payment)


def tell_losses(telling: Telling, lost: pl.DataFrame) -> None:
    dice, number, lead = telling.dice, pl.col("number"), pl.col("lead")
    lost = lost.with_columns(
        reason=pl.when("lead")
        .then(dice.one_of(DISQUALIFIED, "why disqualified", number))
        .otherwise(dice.one_of(LOST, "why lost", number))
    )
    declined = lost.filter(pl.col("proposal").is_not_null() & (dice.share("declined", number) < 0.6))
    telling.tell(
        "ProposalDeclined",
        declined,
        DECLINED,
        at="left_at",
        leaves=("reason",),
        make=lambda reason: {"proposal_id": STAND_IN, "reason": reason},
        own_id="proposal",
    )
    telling.tell("LeadDisqualified", lost.filter(lead), LOSS, at="left_at", leaves=("reason",))
    telling.tell("DealLost", lost.filter(~lead), LOSS, at="left_at", leaves=("reason",))


def tell_cuts(telling: Telling, stays: pl.DataFrame) -> None:
    """Duplicates are merged into the journey before them; void ones were never there."""
    merged = stays.filter("duplicate")
    # The one before is no duplicate; its journey is called by its first stream.
    before = merged.with_columns(
        into_lead=pl.Series(telling.dice.ids("lead", merged["n"] - 1, 1), dtype=pl.String),
        into_deal=pl.Series(telling.dice.ids("deal", merged["n"] - 1, 1), dtype=pl.String),
    ).with_columns(into=pl.when("before_is_lead").then("into_lead").otherwise("into_deal"))
    for kind, lead in (("LeadMerged", True), ("DealMerged", False)):
        rows = before.filter(pl.col("lead") == lead)
        telling.tell(kind, rows, MERGED, at="left_at", make=lambda: {"into": STAND_IN}, own_id="into")
    void = stays.filter("void")
    void = void.with_columns(target=pl.Series(telling.event_ids(void, ENTRY), dtype=pl.String))
    retract(telling, void, VOID, at=pl.col("left_at"), reason="entered twice")
