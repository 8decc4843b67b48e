"""What columns hold of an event's payload: by shape, a few fields each.

Events that say the same kind of thing have one shape. A batch is divided by shape, so that nothing is read of a payload
but what its shape holds; and a few events cost as few calls of Polars, some 50 microseconds each, as they have shapes.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import polars as pl
from polars._typing import PolarsDataType

from engine.projections.coding import coded
from engine.projections.columns import ACTOR, Codes, EntriesOf
from engine.stages.criteria_polars import DIMENSION, TOUCH, VERDICT
from engine.stages.facts import MOVES, OPENINGS


class Known(NamedTuple):
    """What else rows are read by."""

    codes: Codes
    entries_of: EntriesOf


Value = pl.Expr | Callable[[pl.DataFrame, Known], pl.Series]
"""Of a column, by the rows with the fields of their payloads, which are named `said.FIELD`."""
NONE: Final = pl.lit(-1)
PIPELINE_CHANGED: Final = frozenset({"PipelineChanged"})


class Shape(NamedTuple):
    kinds: frozenset[str]
    fields: Mapping[str, PolarsDataType]
    """what is read of the payload"""
    code: Value = NONE
    """of the narrow row"""
    tables: Mapping[str, Mapping[str, Value]] = {}
    """of the side tables that get rows: the columns that the feed's rows do not have"""


def said(field: str) -> pl.Expr:
    return pl.col(f"said.{field}")


def hexed(text: pl.Expr) -> pl.Expr:
    """An id as the feed writes it: 32 hex digits, no dashes."""
    return text.str.replace_all("-", "", literal=True)


def text_of(field: str) -> pl.Expr:
    return hexed(said(field).struct.field("text_id"))


def moment(text: pl.Expr) -> pl.Expr:
    """ISO 8601 as microseconds."""
    return text.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=True).dt.epoch("us")


def numbered(field: str, numbers: Mapping[str, int]) -> pl.Expr:
    """A word of a list that is fixed as its number."""
    return said(field).replace_strict(numbers, default=None, return_dtype=pl.Int32)


def word(field: str, kind: str, *, ids: bool = False, part: str | None = None) -> Value:
    """A word as its code among those of the kind (Codes). ids: it is an id, with dashes; part: of the field."""

    def codes_of(rows: pl.DataFrame, known: Known) -> pl.Series:
        words = rows.get_column(f"said.{field}")
        return coded(words if part is None else words.struct.field(part), getattr(known.codes, kind), ids=ids)

    return codes_of


def taken_back(rows: pl.DataFrame, known: Known) -> pl.Series:
    """The position of the entry that each row takes back; null: its stream has none such."""
    entries = known.entries_of(rows["stream_id"].unique().to_list()).select("stream_id", "event_id", target="position")
    wanted = rows.select("stream_id", event_id=hexed(said("event_id")))
    return wanted.join(entries, on=["stream_id", "event_id"], how="left", maintain_order="left")["target"]


TOUCHED: Final = (
    numbered("kind", TOUCH)
    + pl.when(said("direction") == "inbound").then(16).otherwise(0)
    + pl.when(said("automated").fill_null(False)).then(32).otherwise(0)
    + pl.col("actor").cast(pl.Int64) * ACTOR
)
CURRENCY: Final = word("value", "currencies", part="currency")
AMOUNT: Final = said("value").struct.field("amount_minor")
OPENING: Final[Mapping[str, Value]] = {
    "stream": pl.col("stream_id"),
    "pipeline": word("pipeline", "pipelines"),
    "first": said("from_lead").is_null(),
    "owner": word("owner", "people", ids=True),
    "source": said("source"),
    "channel": said("channel"),
    "title": text_of("title"),
    "expected_close": said("expected_close"),
}
FOLLOW_UP: Final[Mapping[str, Value]] = {
    "follow_up": said("follow_up_id"),
    "due_at": moment(pl.coalesce(said("due_at"), said("until"))),
    "touch": said("kind"),
    "owner": hexed(said("owner")),
    "reason": said("reason"),
}
NOTE: Final = text_of("note")
PERSON: Final = hexed(said("person"))
PROPOSAL: Final[Mapping[str, Value]] = {
    "proposal": said("proposal_id"),
    "expires_at": moment(said("expires_at")),
}

_TEXT: Final = pl.Struct({"text_id": pl.String})
_MONEY: Final = pl.Struct({"amount_minor": pl.Int64, "currency": pl.String})
_ATTRIBUTES: Final = pl.List(pl.Struct({"name": pl.String, "value": pl.String}))


def words(*fields: str) -> dict[str, PolarsDataType]:
    return dict.fromkeys(fields, pl.String)


SHAPES: Final = (
    Shape(frozenset({"Touched"}), words("kind", "direction") | {"automated": pl.Boolean}, TOUCHED),
    Shape(
        frozenset({"BantAssessed"}),
        words("dimension", "verdict"),
        numbered("dimension", DIMENSION) * 3 + numbered("verdict", VERDICT),
    ),
    Shape(frozenset({"SignalRecorded"}), words("signal"), word("signal", "signals")),
    Shape(
        frozenset({"Scored"}),
        {"fit": pl.Int32, "engagement": pl.Int64},
        said("fit"),
        {"numbers": {"value": said("engagement")}},
    ),
    Shape(frozenset({"SatisfactionRecorded"}), {"score": pl.Int32}, said("score")),
    Shape(frozenset({"OwnerAssigned"}), words("owner"), word("owner", "people", ids=True)),
    Shape(MOVES - PIPELINE_CHANGED, words("stage"), word("stage", "stages")),
    Shape(
        PIPELINE_CHANGED,
        words("stage", "pipeline"),
        word("stage", "stages"),
        {"numbers": {"value": word("pipeline", "pipelines")}},
    ),
    Shape(frozenset({"ValueChanged", "DealWon"}), {"value": _MONEY}, CURRENCY, {"numbers": {"value": AMOUNT}}),
    Shape(frozenset({"EntryRetracted"}), words("event_id"), tables={"corrections": {"takes_back": taken_back}}),
    Shape(
        OPENINGS,
        words("pipeline", "from_lead", "owner", "person", "source", "channel", "expected_close")
        | {"title": _TEXT, "value": _MONEY, "attributes": _ATTRIBUTES},
        CURRENCY,
        {"openings": OPENING, "customers": {"person": PERSON}, "attributes": {}, "numbers": {"value": AMOUNT}},
    ),
    Shape(frozenset({"AttributesSet"}), {"attributes": _ATTRIBUTES}, tables={"attributes": {}}),
    Shape(
        frozenset({"FollowUpScheduled", "FollowUpCompleted", "FollowUpSnoozed", "FollowUpCancelled"}),
        words("follow_up_id", "kind", "due_at", "until", "owner", "reason") | {"note": _TEXT},
        tables={"follow_ups": FOLLOW_UP, "notes": {"note": NOTE}},
    ),
    Shape(frozenset({"Stalled"}), words("started_by"), tables={"stalls": {"started_by": hexed(said("started_by"))}}),
    Shape(
        frozenset({"ProposalSent", "ProposalRevised", "ProposalAccepted", "ProposalDeclined", "ProposalExpired"}),
        words("proposal_id", "expires_at"),
        tables={"proposals": PROPOSAL},
    ),
    Shape(frozenset({"DealLost", "LeadDisqualified"}), words("reason"), tables={"reasons": {"reason": said("reason")}}),
    Shape(
        frozenset({"ExpectedCloseChanged"}),
        words("expected_close"),
        tables={"closes": {"expected_close": said("expected_close")}},
    ),
)
