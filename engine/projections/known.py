"""Words that a question names: refused where nothing has them, for a misspelt one would be answered with nothing.

Of an earlier time one that came later is no mistake, and nothing is the answer.
"""

from typing import TYPE_CHECKING, Final

import polars as pl

from engine.errors import Rejected

if TYPE_CHECKING:
    from engine.projections.look import Look

SHOWN: Final = 20
"""of the words that would be right: an attribute may have a value for every journey"""
_SIDE: Final = {"source": "openings", "channel": "openings", "reason": "reasons"}
"""where a column's words were said (columns.SIDES)"""


def known_attribute(look: "Look", name: str, field: str) -> pl.DataFrame:
    """The rows of one attribute: journey, value. Rejected where no journey ever had it; field: where it was named."""
    rows = look.attributes.filter(pl.col("name") == name).select("journey", pl.col("value").cast(pl.String))
    if not rows.is_empty() or look.journeys.is_empty() or name in look.targets()["attribute"]:
        return rows
    if not look.said("attributes", pl.col("name") == name):
        known = listed(look.attributes["name"].unique())
        raise Rejected(f"no journey has an attribute {name!r}: known are {known}", field=field)
    return rows


def known_value(look: "Look", rows: pl.DataFrame, name: str, value: str) -> str:
    """A value of the attribute, of some journey at some time, or of a target. rows: as known_attribute has them."""
    if rows.is_empty() or (rows["value"] == value).any():
        return value
    goals = look.targets().filter(pl.col("attribute") == name)["attribute_value"]
    if value not in goals and not look.said("attributes", (pl.col("name") == name) & (pl.col("value") == value)):
        known = listed(rows["value"].unique())
        raise Rejected(f"no journey has the {name} {value!r}: known are {known}", field="attr")
    return value


def known_word(look: "Look", column: str, word: str, field: str) -> str:
    """A word that some journey has, or had, in the column; so is any where there is no journey.

    Reasons are not listed: they are people's own words, and those of other teams are not for a rep.
    """
    words = look.journeys[column]
    if not words.is_empty() and not (words == word).any() and not look.said(_SIDE[column], pl.col(column) == word):
        told = "see which there are in the losses" if column == "reason" else f"known are {listed(words)}"
        raise Rejected(f"no journey has the {column} {word!r}: {told}", field=field)
    return word


def listed(known: pl.Series) -> str:
    """The first of the words, in order."""
    words = sorted(known.drop_nulls().unique().cast(pl.String))
    more = [f"... ({len(words) - SHOWN:,} more)"] if len(words) > SHOWN else []
    return ", ".join([*words[:SHOWN], *more]) or "none"
