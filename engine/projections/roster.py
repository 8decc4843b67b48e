"""Who belonged where and when: the roster's events as spans of membership."""

from collections.abc import Sequence
from typing import Final

import polars as pl
from polars._typing import PolarsDataType

SCHEMA: Final[dict[str, PolarsDataType]] = {
    "rep": pl.String,
    "since": pl.Int64,
    "until": pl.Int64,
    "team": pl.String,
    "manager": pl.String,
    "region": pl.String,
}
TOPICS: Final = ("roster.rep_enrolled.v1", "roster.rep_moved.v1", "roster.rep_left.v1")
_PAYLOAD: Final = pl.Struct({"rep": pl.String, "team": pl.String, "manager": pl.String, "region": pl.String})


def memberships(parts: Sequence[pl.DataFrame], *, as_of: int | None, known_at: int | None) -> pl.DataFrame:
    """Spans of membership (SCHEMA), sorted by rep and since; ids are 32 hex digits, times microseconds.

    parts: the roster's rows of the feed, as they came. A span ends where the rep's next one begins or the rep leaves;
    null: it lasts.
    """
    rows = rows_of(parts, TOPICS, as_of=as_of, known_at=known_at)
    if rows is None:
        return pl.DataFrame(schema=SCHEMA)
    told = rows.with_columns(pl.col("payload").str.json_decode(_PAYLOAD).alias("of")).unnest("of")
    told = told.sort("stream_id", "occurred_at", "position").with_columns(
        rep=pl.col("rep").str.replace_all("-", "", literal=True).forward_fill(),
        manager=pl.col("manager").str.replace_all("-", "", literal=True),
    )
    same = (pl.col("stream_id") == pl.col("stream_id").shift(-1)).fill_null(False)
    spans = told.with_columns(since="occurred_at", until=pl.when(same).then(pl.col("occurred_at").shift(-1)))
    return spans.filter(pl.col("type") != TOPICS[2]).select(SCHEMA.keys()).sort("rep", "since")


def rows_of(
    parts: Sequence[pl.DataFrame], types: Sequence[str], *, as_of: int | None, known_at: int | None
) -> pl.DataFrame | None:
    """The rows of the feed that are of these types and that the lens leaves; None where there is none."""
    if not parts:
        return None
    rows = pl.concat(parts).filter(pl.col("type").is_in(types))
    if as_of is not None:
        rows = rows.filter(pl.col("occurred_at") <= as_of)
    if known_at is not None:
        rows = rows.filter(pl.col("recorded_at") <= known_at)
    return None if rows.is_empty() else rows


def departed(membership: pl.DataFrame) -> pl.Series:
    """Who was on the roster and is in no team any more, as `memberships` says it: what they own nobody looks after.

    Who never was on a roster is not among them: a log that came without one has owners all the same.
    """
    here = membership.filter(pl.col("until").is_null())
    return membership.join(here, on="rep", how="anti")["rep"].unique()
