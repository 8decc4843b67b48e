"""What reps and teams shall win: the targets' events as the goals that stand under a lens."""

from collections.abc import Sequence
from typing import Final

import polars as pl
from polars._typing import PolarsDataType

from engine.projections.roster import TOPICS as ROSTER
from engine.projections.roster import rows_of

SCHEMA: Final[dict[str, PolarsDataType]] = {
    "target": pl.String,
    "rep": pl.String,
    "team": pl.String,
    "period": pl.String,
    "pipeline": pl.String,
    "attribute": pl.String,
    "attribute_value": pl.String,
    "currency": pl.String,
    "amount_minor": pl.Int64,
    "wins": pl.Int64,
    "changes": pl.UInt32,
    "position": pl.Int64,
}
TOPICS: Final = ("target.set.v1", "target.revised.v1", "target.withdrawn.v1")
STAFF: Final = (*ROSTER, *TOPICS)
"""the types of events about who sells, and what they shall win"""
_PAYLOAD: Final = pl.Struct(
    {
        "rep": pl.String,
        "team": pl.String,
        "period": pl.String,
        "pipeline": pl.String,
        "attribute": pl.Struct({"name": pl.String, "value": pl.String}),
        "value": pl.Struct({"amount_minor": pl.Int64, "currency": pl.String}),
        "wins": pl.Int64,
    }
)
IDENTITY: Final = ("rep", "team", "period", "pipeline", "attribute", "attribute_value")


def targets_standing(parts: Sequence[pl.DataFrame], *, as_of: int | None, known_at: int | None) -> pl.DataFrame:
    """The targets that stand (SCHEMA), a row each, by stream id; ids are 32 hex digits.

    parts: rows of the feed, as they came, those of targets among them. changes: how many of its events led here;
    position: of the newest, which said how much.
    """
    rows = rows_of(parts, TOPICS, as_of=as_of, known_at=known_at)
    if rows is None:
        return none()
    told = (
        rows.with_columns(pl.col("payload").str.json_decode(_PAYLOAD).alias("of"))
        .unnest("of")
        .with_columns(
            rep=pl.col("rep").str.replace_all("-", "", literal=True),
            attribute_value=pl.col("attribute").struct.field("value"),
            attribute=pl.col("attribute").struct.field("name"),
            amount_minor=pl.col("value").struct.field("amount_minor"),
            currency=pl.col("value").struct.field("currency"),
        )
        .sort("stream_id", "occurred_at", "position")
    )
    # What a target is of, each of its settings says alike; a revision that is told late may come before them.
    settings = told.filter(pl.col("type") == TOPICS[0]).unique("stream_id", keep="last").select("stream_id", *IDENTITY)
    newest = told.group_by("stream_id", maintain_order=True).agg(
        pl.col("type", "currency", "amount_minor", "wins", "position").last(), changes=pl.len()
    )
    standing = newest.filter(pl.col("type") != TOPICS[2]).join(settings, on="stream_id", maintain_order="left")
    return standing.rename({"stream_id": "target"}).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def none() -> pl.DataFrame:
    return pl.DataFrame(schema=SCHEMA)
