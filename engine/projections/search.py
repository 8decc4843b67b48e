"""Search: the leads and deals that are called so, by title, customer (a person or an organisation) or key.

Every word must be there, in any of these. Case and accents do not count. Best first: called exactly so, beginning so,
a word beginning so; then the open ones; then the newest activity.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from engine.errors import Rejected
from engine.projections.figures import Figures
from engine.projections.filters import EVERYTHING, Filters, chosen, narrowed
from engine.projections.likelihood import likelihoods
from engine.projections.listing import Listed, listed
from engine.projections.names import Names, folded
from engine.projections.state import with_state

if TYPE_CHECKING:
    from engine.projections.look import Look

MOST = 100
"""of what was found that is shown"""
LONGEST = 200
"""characters of what is looked for"""


class Found(Listed):
    pipeline: str


class Search(Figures):
    text: str
    position: int
    """of the log"""
    n: int
    """found, shown or not"""
    found: tuple[Found, ...]
    """best first"""


def search(
    looks: "Sequence[Look]", names: Names, text: str, filters: Filters = EVERYTHING, *, limit: int = 20
) -> Search:
    """Over the pipelines looked at. Rejected: nothing to look for, or too much; a limit out of range."""
    if not text.strip():
        raise Rejected("there is nothing to look for in blanks alone: give a word, or how one begins", field="q")
    if len(text) > LONGEST:
        raise Rejected(f"what is looked for has {len(text):,} characters: give at most {LONGEST}", field="q")
    if not 1 <= limit <= MOST:
        raise Rejected(f"limit {limit} is out of range: 1 to {MOST}", field="limit")
    hits = ranked(names.rows(), str(pl.select(folded(pl.lit(text.strip().replace("\n", " ")))).item()))
    # To look among few is less than to join.
    among = pl.col("journey").is_in(hits["journey"].implode())
    parts = []
    for place, look in enumerate(looks):
        # In a pipeline that it left it stands in no stage.
        here = chosen(look, filters).filter(among & pl.col("stage").is_not_null())
        there = narrowed(here.with_columns(at=pl.lit(look.as_of)), look, filters)
        told = there.select("journey", "journey_id", "outcome", "last_activity_at", look=pl.lit(place, pl.Int32))
        parts.append(told.join(hits.lazy(), on="journey").collect())
    every = pl.concat(parts).with_columns(closed=pl.col("outcome") != "open")
    order = ["rank", "closed", "last_activity_at", "journey_id"]
    best = every.sort(order, descending=[False, False, True, False]).head(limit)
    shown = {}
    for place, look in enumerate(looks):
        own = best.filter(pl.col("look") == place)["journey"].sort()
        if own.is_empty():
            continue
        rows = look.journeys.lazy().filter(pl.col("journey").is_in(own.implode()))
        full = with_state(rows, look, likelihoods(look, "observed")).collect()
        for row, journey in zip(full.iter_rows(named=True), listed(look, full), strict=True):
            shown[row["journey_id"]] = Found(**dict(journey), pipeline=look.pipeline)
    return Search(
        text=text,
        position=max((look.position for look in looks), default=0),
        n=every.height,
        found=tuple(shown[journey_id] for journey_id in best["journey_id"]),
    )


def ranked(rows: pl.DataFrame, wanted: str) -> pl.DataFrame:
    """journey and rank of the journeys in whose texts every word is."""
    words = wanted.split(" ")
    found = rows.filter(pl.col("text").str.contains(words[0], literal=True))
    for word in words[1:]:
        having = rows.filter(pl.col("text").str.contains(word, literal=True)).select("journey")
        found = found.join(having, on="journey", how="semi")

    def has(text: str) -> pl.Expr:
        return pl.col("text").str.contains(text, literal=True)

    rank = pl.when(has(f"\n{wanted}\n")).then(0).when(has(f"\n{wanted}")).then(1).when(has(f" {wanted}")).then(2)
    return found.with_columns(rank=rank.otherwise(3)).group_by("journey").agg(pl.col("rank").min())
