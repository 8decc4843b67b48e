"""The cards of the board: one journey each, ordered, a page at a time."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self
from uuid import UUID

import polars as pl
from pydantic import AfterValidator, Field, model_validator

from engine.errors import Rejected
from engine.projections.figures import SECOND, Amount, Figures
from engine.projections.groups import named
from engine.projections.likelihood import Likelihood
from engine.projections.rows_alone import Row
from engine.projections.state import state_of, with_state
from engine.stages.definition import UNMAPPED, UNMAPPED_KEY
from engine.values import Value, from_micros, known_currency

if TYPE_CHECKING:
    from engine.projections.look import Look

Order = Literal["age", "value", "next_action", "likelihood", "opened", "closed", "activity", "expected_close"]


class Owner(Figures):
    key: str
    """id in the source system; of an erased person the person_id"""
    label: str


class Card(Figures):
    journey: str
    key: str | None
    """id in the source system"""
    label: str | None
    """title"""
    stage: str
    stage_since: datetime
    age_seconds: float
    value: Amount | None
    owner: Owner | None
    next_action_at: datetime | None
    expected_close: date | None
    volume: str | None
    """the attribute `volume`, as it is told: 40 t, 2 pallets, 1200"""
    likelihood: float | None
    """of being won; None for a closed journey and where history is insufficient"""
    stalled: bool
    touches: int
    last_touch_at: datetime | None


class Cards(Value):
    """Which cards, and in what order: longest in stage, highest value, soonest next action, likeliest to close, newest
    opened, newest closed, newest activity or soonest expected close first. What has none of it comes last.
    """

    order: Order = "age"
    currency: Annotated[str, AfterValidator(known_currency)] | None = None
    """order value: whose amounts"""
    stage: str | None = None
    """key of a stage, or unmapped"""
    show: Literal["all", "open", "closed"] = "all"
    limit: Annotated[int, Field(ge=0, le=10_000)] = 50
    after: str | None = None
    """the cursor `next` of the page before"""

    @model_validator(mode="after")
    def value_names_a_currency(self) -> Self:
        if self.order == "value" and self.currency is None:
            raise ValueError("order by value names its currency: amounts of several currencies are not compared")
        return self


FIRST_PAGE = Cards()
APART = ("merged", "transferred")
"""part of another journey, or of another pipeline: neither on the board nor listed"""
VOLUME = "volume"


def page(
    rows: pl.LazyFrame, look: "Look", cards: Cards, chances: list[Likelihood]
) -> tuple[tuple[Card, ...], str | None]:
    """One page of cards and the cursor of the next, None after the last. Ties are broken by journey id.

    rows: of Look.journeys. Rejected: an unknown stage, a cursor of another order.
    """
    listed = wanted(rows, look, cards)
    shown, following = rows_of(with_state(listed, look, chances) if cards.order == "likelihood" else listed, cards)
    return cards_of(with_volume(shown, look).rows(named=True), look, chances), following


def page_of(
    listed: pl.LazyFrame, look: "Look", cards: Cards, chances: list[Likelihood]
) -> tuple[pl.DataFrame, str | None]:
    """The rows of one page, with_state, and the cursor of the next. listed: of Look.journeys."""
    if cards.order == "likelihood":
        listed = with_state(listed, look, chances)
    shown, following = rows_of(listed, cards)
    # Of the few that are shown, for it costs more than finding them.
    return with_state(shown.lazy(), look, chances).collect(), following


def wanted(rows: pl.LazyFrame, look: "Look", cards: Cards) -> pl.LazyFrame:
    """Those of the stage and the outcome that are to be shown. Rejected: an unknown stage."""
    if cards.stage is not None:
        rows = rows.filter(pl.col("stage") == rank_of(look, cards.stage))
    is_open = pl.col("outcome") == "open"
    if cards.show != "all":
        rows = rows.filter(is_open if cards.show == "open" else ~is_open)
    return rows


def rows_of(listed: pl.LazyFrame, cards: Cards) -> tuple[pl.DataFrame, str | None]:
    """The rows of one page, and the cursor of the next."""
    # Ascending whatever the order, so that one comparison continues a page: as large as now, or later.
    rank = place(cards)
    if cards.after is not None:
        listed = listed.filter(follows(cards))
    # One column tells how far the page can reach at most; only what is within reach is put in order.
    reach = listed.select(rank.bottom_k(cards.limit + 1)).collect().to_series()
    if reach.len() > cards.limit and reach.null_count() == 0:
        listed = listed.filter(rank <= reach.max())
    ranked = listed.with_columns(rank=rank, missing=rank.is_null())
    found = ranked.sort("missing", "rank", "journey_id").head(cards.limit + 1).collect()
    shown = found.head(cards.limit)
    following = None
    if found.height > shown.height > 0:
        following = cursor(cards, shown["rank"][-1], shown["journey_id"][-1])
    return shown, following


def place(cards: Cards) -> pl.Expr:
    """What the cards are sorted by, smallest first."""
    match cards.order:
        case "age":
            return pl.col("stage_since")
        case "value":
            return 0 - pl.when(pl.col("currency") == cards.currency).then(pl.col("amount_minor"))
        case "next_action":
            return pl.col("next_action_at")
        case "likelihood":
            return 0 - pl.col("likelihood")
        case "opened":
            return 0 - pl.col("opened_at")
        case "closed":
            return 0 - pl.col("closed_at")
        case "activity":
            return 0 - pl.col("last_activity_at")
        case "expected_close":
            return pl.col("expected_close").dt.epoch("d")


def cursor(cards: Cards, rank: float | None, journey_id: str) -> str:
    told = json.dumps([cards.order, cards.currency, rank, journey_id])
    return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def follows(cards: Cards) -> pl.Expr:
    """True for what comes after the cursor."""
    after = cards.after or ""
    try:
        order, currency, told, journey_id = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        rank: float | None = None if told is None else float(told) if cards.order == "likelihood" else int(told)
        journey = str(journey_id)
        if rank is not None and not -(2**63) <= rank < 2**63:
            raise ValueError(after)
    except (binascii.Error, ValueError, TypeError, OverflowError):
        said = f"after {after!r} is no cursor: use `next` of the page before, or leave it out"
        raise Rejected(said, field="after") from None
    if (order, currency) != (cards.order, cards.currency):
        raise Rejected(
            f"after {after!r} continues another order ({order}): ask for the first page again", field="after"
        )
    later = pl.col("journey_id") > journey
    own = place(cards)
    if rank is None:
        return own.is_null() & later
    return own.is_null() | (own > rank) | ((own == rank) & later)


def rank_of(look: "Look", stage: str) -> int:
    if stage == UNMAPPED_KEY:
        return UNMAPPED
    if stage not in look.definition.ranks:
        known = ", ".join(known.key for known in look.definition.stages)
        raise Rejected(f"stage {stage!r} is not in this definition: use one of {known}, {UNMAPPED_KEY}", field="stage")
    return look.definition.ranks[stage]


def cards_of(rows: Sequence[Row], look: "Look", chances: list[Likelihood]) -> tuple[Card, ...]:
    """rows: of Look.journeys, with volume."""
    return Made().cards(rows, look, chances)


class Made:
    """Cards as they were made, for who shows most of them again. Any thread may ask."""

    def __init__(self) -> None:
        self._held: tuple[object, dict[str, tuple[Row, object, Card]]] = (None, {})
        """at which moment and by what chances; by journey_id the row, what else the card tells, the card"""

    def cards(self, rows: Sequence[Row], look: "Look", chances: list[Likelihood]) -> tuple[Card, ...]:
        """As cards_of."""
        people = named(look, [row["owner"] for row in rows if row["owner"] is not None])
        words = look.called([(row["journey_id"], row["title"]) for row in rows])
        state, now = state_of(look, chances), (look.as_of, chances)
        before, held = self._held
        known = held if before == now else {}
        made = {}
        for row, (key, label) in zip(rows, words, strict=True):
            told = (key, label, people.get(row["owner"] or ""))
            was = known.get(row["journey_id"])
            if was is None or was[0] is not row or was[1] != told:
                was = row, told, card({**row, **state(row), "key": key, "label": label}, look, people)
            made[row["journey_id"]] = was
        self._held = now, made
        return tuple(each for _, _, each in made.values())


def with_volume(rows: pl.DataFrame, look: "Look") -> pl.DataFrame:
    """Adds the attribute `volume` to the few journeys that are shown."""
    told = look.attributes.filter(pl.col("name") == VOLUME).select("journey", volume=pl.col("value").cast(pl.String))
    return rows.join(told, on="journey", how="left", maintain_order="left")


def card(row: Row, look: "Look", people: dict[str, tuple[str, str]]) -> Card:
    key, label = people.get(row["owner"] or "", (row["owner"], row["owner"]))
    return Card(
        journey=str(UUID(row["journey_id"])),
        key=row["key"],
        label=row["label"],
        stage=look.definition.key_of(row["stage"]),
        stage_since=from_micros(row["stage_since"]),
        age_seconds=row["age"] / SECOND,
        value=None if row["amount_minor"] is None else Amount.of(row["amount_minor"], row["currency"]),
        owner=None if key is None else Owner(key=key, label=label),
        next_action_at=when(row["next_action_at"]),
        expected_close=row["expected_close"],
        volume=row["volume"],
        likelihood=row["likelihood"],
        stalled=row["stalled"],
        touches=row["touches"],
        last_touch_at=when(row["last_touch_at"]),
    )


def when(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
