"""What brings a journey into each stage: the one event at the beginning of a stay that the definition looks at."""

from typing import Any

import polars as pl

from engine.aggregates.deal.events import ProposalLine, ProposalOption
from engine.values import Money, from_micros
from service.simulation.settings import DAY
from service.simulation.telling import STAND_IN, Telling
from service.simulation.walk import STEPS

ENTRY, VALUED, WON, SENT, RENEWED = 0, 1, 2, 8, 10
DIMENSIONS = ("need", "budget", "authority", "timeline")
OFFER = ("units", "unit_price", "price", "currency", "off", "itemised", "expires")


def tell_entries(telling: Telling, stays: pl.DataFrame, renamed_at: int) -> None:
    """stays: with_stages(...). renamed_at: until then the meeting stage was called presentation."""
    by, stage, number, dice = pl.col("by"), pl.col("key"), pl.col("number"), telling.dice
    came = stays.filter(by == "advanced")
    qualified = came.filter(stage == "qualified").with_columns(dimension=dimension(telling, 2))
    telling.tell(
        "BantAssessed",
        qualified,
        ENTRY,
        lead="was_lead",
        leaves=("dimension",),
        make=lambda dimension: {"dimension": dimension, "verdict": "confirmed"},
    )
    met = came.filter(stage == "meeting").with_columns(
        touch=dice.one_of({"meeting": 5, "demo": 3, "visit": 1}, "meeting", number),
        key=pl.when(pl.col("entered_at") < renamed_at).then(pl.lit("presentation")).otherwise("key"),
        by_hand=~pl.col("was_lead") & (dice.share("by hand", number) < 0.15),
    )
    by_hand = met.filter("by_hand")
    telling.tell("StageMoved", by_hand, ENTRY, leaves=("key",), make=lambda key: {"stage": key})
    telling.tell(
        "Touched",
        met.filter(~pl.col("by_hand")),
        ENTRY,
        lead="was_lead",
        leaves=("touch",),
        make=lambda touch: {"kind": touch},
    )
    tell_online(telling, came)
    tell_moves(telling, stays)
    tell_offers(telling, stays)


def tell_online(telling: Telling, came: pl.DataFrame) -> None:
    stage, scored = pl.col("key"), telling.dice.share("by score", pl.col("number")) < 0.4
    started = came.filter(stage == "trial")
    telling.tell("SignalRecorded", started, ENTRY, lead="was_lead", make=lambda: {"signal": "trial-started"})
    engaged = came.filter(stage == "engaged")
    finished = engaged.filter(~scored)
    telling.tell("SignalRecorded", finished, ENTRY, lead="was_lead", make=lambda: {"signal": "trial-finished"})
    telling.tell("Scored", engaged.filter(scored), ENTRY, lead="was_lead", make=lambda: {"engagement": 90})


def tell_moves(telling: Telling, stays: pl.DataFrame) -> None:
    """What persons move: back, into the other pipeline, open again."""
    reasons = {
        "returned": "needs more work",
        "transferred": "fits the other way better",
        "reopened": "they called again",
    }

    def moved(by: str, key: str, pipeline: str) -> dict[str, Any]:
        place = {"pipeline": pipeline} if by == "transferred" else {}
        return {**place, "stage": key, "reason": reasons[by]}

    lead, by = pl.col("lead"), pl.col("by")
    for kind, rows in (
        ("StageMoved", by == "returned"),
        ("PipelineChanged", by == "transferred"),
        ("LeadReopened", (by == "reopened") & lead),
        ("DealReopened", (by == "reopened") & ~lead),
    ):
        telling.tell(kind, stays.filter(rows), ENTRY, leaves=("by", "key", "pipeline"), make=moved)


def tell_offers(telling: Telling, stays: pl.DataFrame) -> None:
    """Proposals and what comes of them, wins included."""
    by, number, dice = pl.col("by"), pl.col("number"), telling.dice
    sends = by.eq("advanced") & pl.col("key").is_in(["proposal", "offer"])
    renews = by.eq("reopened") & (pl.col("stage") >= 3)
    sent = stays.filter(sends | renews).with_columns(
        slot=pl.when(sends.fill_null(False)).then(SENT).otherwise(RENEWED), off=pl.lit(0, pl.Int64)
    )
    telling.tell("ProposalSent", sent, pl.col("slot"), leaves=OFFER, make=offer, own_id="proposal")
    haggled = stays.filter(by.eq("advanced") & (pl.col("key") == "negotiation"))
    by_value = dice.share("by value", number) < 0.3
    revised = haggled.filter(~by_value).with_columns(off=pl.col("discount"))
    telling.tell("ProposalRevised", revised, ENTRY, leaves=OFFER, make=offer, own_id="proposal")
    telling.tell("ValueChanged", haggled.filter(by_value), ENTRY, leaves=("signed", "currency"), make=value)
    won = stays.filter(by.eq("advanced") & (pl.col("key") == "won"))
    telling.tell(
        "ProposalAccepted",
        won.filter(pl.col("proposal").is_not_null()),
        ENTRY,
        make=lambda: {"proposal_id": STAND_IN, "option": "standard"},
        own_id="proposal",
    )


def value(signed: int, currency: str) -> dict[str, Any]:
    return {"value": Money(amount_minor=signed, currency=currency)}


def offer(
    units: int, unit_price: int, price: int, currency: str, off: int, itemised: bool, expires: int
) -> dict[str, Any]:
    """Three options, highest price first; off: percent, with which lines no longer add up and are left out."""
    prices = {"extended": price * 13 // 10, "standard": price * (100 - off) // 100, "basic": price * 3 // 4}
    piece = ProposalLine(item="licence", quantity=units, price=Money(amount_minor=unit_price, currency=currency))
    extra = Money(amount_minor=price * 3 // 10, currency=currency)
    lines: dict[str, tuple[ProposalLine, ...]] = {}
    if itemised and not off:
        lines = {"extended": (piece, ProposalLine(item="support", price=extra)), "standard": (piece,)}
    options = [
        ProposalOption(name=name, price=Money(amount_minor=minor, currency=currency), lines=lines.get(name, ()))
        for name, minor in prices.items()
    ]
    return {"proposal_id": STAND_IN, "options": options, "expires_at": from_micros(expires)}


def dimension(telling: Telling, place: int) -> pl.Expr:
    """The dimension that this journey's rep asks for in this place, 0 to 3: each journey in an order of its own."""
    turn = telling.dice.below(len(DIMENSIONS), "first dimension", pl.col("n"))
    return ((turn + place) % len(DIMENSIONS)).replace_strict(dict(enumerate(DIMENSIONS)), return_dtype=pl.String)


def with_stages(telling: Telling, stays: pl.DataFrame, keys: dict[str, list[str]]) -> pl.DataFrame:
    """Adds key (of the stage), before (key of the stage before), proposal (id of the live one), itemised and expires.

    keys: of the open stages by pipeline.
    """
    names = [
        (pipeline, place, key)
        for pipeline, open_keys in keys.items()
        for place, key in enumerate([*open_keys, "won", "in-use"])
    ]
    table = pl.DataFrame(names, schema={"pipeline": pl.String, "stage": pl.Int64, "key": pl.String}, orient="row")
    stays = stays.join(table, on=["pipeline", "stage"], maintain_order="left")
    by = pl.col("by")
    fresh = by.eq("advanced") & pl.col("key").is_in(["proposal", "offer"]) | by.eq("reopened") & (pl.col("stage") >= 3)
    stays = stays.with_columns(
        before=pl.col("key").shift().over("n"),
        next_key=pl.col("key").shift(-1).over("n"),
        sent=pl.when(fresh).then("number").forward_fill().over("n"),
        itemised=telling.dice.share("itemised", pl.col("n")) < 0.5,
        expires=(pl.col("entered_at") // DAY + 31) * DAY,
    )
    numbers = stays["sent"].drop_nulls().unique()
    ids = pl.DataFrame({"sent": numbers, "proposal": telling.dice.ids("proposal", numbers, STEPS)})
    return stays.join(ids, on="sent", how="left", maintain_order="left")
