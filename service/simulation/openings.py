"""How journeys begin: a lead is captured or a deal opened; and how a lead becomes a deal."""

from typing import Any
from uuid import UUID

import polars as pl

from engine.values import Attribute, Money
from service.simulation.settings import DAY
from service.simulation.telling import STAND_IN, Telling
from service.simulation.walk import SELLERS

LEAVES = ("pipeline", "owner", "source", "channel", "value", "currency", "product", "sector", "campaign")
OPENED, QUALIFIED, CONVERTED, DEAL_OPENED, HANDED_OVER = 0, 3, 4, 5, 6


def tell_openings(telling: Telling, stays: pl.DataFrame) -> None:
    dice, number = telling.dice, pl.col("number")
    estimate = pl.col("price") * (dice.below(5, "estimate", number) * 10 + 80) // 100
    known = dice.share("value known", number) < pl.when("lead").then(0.3).otherwise(0.8)
    begun = stays.filter(pl.col("step") == 0).with_columns(value=pl.when(known).then(estimate))
    own = ("n", "lead_stream", "deal_stream") if telling.settings.titles else ()

    def opening(owner: int, **row: Any) -> dict[str, Any]:
        return {
            **common(telling, row),
            "owner": telling.people[owner],
            "source": row["source"],
            "channel": row["channel"],
        }

    for kind, lead in (("LeadCaptured", True), ("DealOpened", False)):
        telling.tell(kind, begun.filter(pl.col("lead") == lead), OPENED, leaves=(*LEAVES, *own), make=opening)


def common(telling: Telling, row: dict[str, Any]) -> dict[str, Any]:
    """Fields of both openings."""
    title = f"{row['product']} for {row['sector']}"
    if "n" in row:
        stream = row["lead_stream"] if row.get("lead") else row["deal_stream"]
        ref = telling.library.own(UUID(hex=stream), f"{title}, no. {row['n'] + 1}")
    else:
        ref = telling.library.ref(row["pipeline"], title)
    attributes = [Attribute(name=name, value=row[name]) for name in ("product", "sector", "campaign")]
    value = row["value"]
    return {
        "pipeline": row["pipeline"],
        "title": ref,
        "value": None if value is None else Money(amount_minor=value, currency=row["currency"]),
        "attributes": attributes,
    }


def with_owners(telling: Telling, stays: pl.DataFrame) -> pl.DataFrame:
    """Some leads are handed over to another rep when they become deals."""
    dice, n = telling.dice, pl.col("n")
    other = dice.below(len(SELLERS), "second owner", n) + SELLERS[0]
    handed = (dice.share("handed over", n) < 0.25) & ~pl.col("lead") & (pl.col("step") > 0)
    return stays.with_columns(owner=pl.when(handed & pl.col("lead").first().over("n")).then(other).otherwise("owner"))


def tell_conversions(telling: Telling, stays: pl.DataFrame) -> None:
    converting = stays.filter(pl.col("was_lead") & ~pl.col("lead"))
    dice, number = telling.dice, pl.col("number")
    known = dice.share("value at conversion", number) < 0.6
    closes = pl.from_epoch((pl.col("entered_at") + 60 * DAY) // 1_000_000).dt.date().cast(pl.String)
    converting = converting.with_columns(value=pl.when(known).then("price"), closes=closes)
    qualified = converting.filter(dice.share("qualified", number) < 0.8)
    telling.tell("LeadQualified", qualified, QUALIFIED, lead=True)
    telling.tell(
        "LeadConverted", converting, CONVERTED, lead=True, make=lambda: {"deal": STAND_IN}, own_id="deal_stream"
    )

    def deal(value: int | None, currency: str, pipeline: str, closes: str) -> dict[str, Any]:
        money = None if value is None else Money(amount_minor=value, currency=currency)
        return {"pipeline": pipeline, "from_lead": STAND_IN, "value": money, "expected_close": closes}

    telling.tell(
        "DealOpened",
        converting,
        DEAL_OPENED,
        lead=False,
        leaves=("value", "currency", "pipeline", "closes"),
        make=deal,
        own_id="lead_stream",
    )
    handed = converting.filter(dice.share("handed over", pl.col("n")) < 0.25)
    telling.tell("OwnerAssigned", handed, HANDED_OVER, lead=False, leaves=("owner",), make=owned(telling))


def owned(telling: Telling) -> Any:
    return lambda owner: {"owner": telling.people[owner]}
