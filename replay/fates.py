"""What becomes of every journey when one definition follows another: where it stands by each, and what stalls.

Exact definitions: docs/pipelines.md#what-a-preview-tells.
"""

from typing import NamedTuple, Self

import polars as pl
from pydantic import ConfigDict, Field

from engine.projections.figures import Figures
from engine.projections.groups import named
from engine.projections.look import Look
from engine.stages.definition import UNMAPPED, Definition
from replay.side_by_side import successors
from replay.stage_figures import Side
from replay.unmapped import UnmappedKey


class Listed(Figures):
    """A journey, and where it stands by each definition."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    journey: str
    key: str | None
    label: str | None
    from_stage: str | None = Field(alias="from")
    """null: it stood in no stage, for there were none"""
    to: str


class Move(Figures):
    """How many journeys stand in `from` by the old definition and in `to` by the new one."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    from_stage: str = Field(alias="from")
    to: str
    n: int


class OwnerMoves(Figures):
    key: str | None
    label: str | None
    n: int


class Moves(Figures):
    """Journeys that stand in a stage which does not continue the one they stood in; most first."""

    n: int
    stages: tuple[Move, ...]
    owners: tuple[OwnerMoves, ...]
    journeys: tuple[Listed, ...]


class Unmapped(Figures):
    n: int
    """stand unmapped by the new definition"""
    newly: int
    """of them, those whose stage the old one knows"""
    keys: tuple[UnmappedKey, ...]
    """over the whole pipeline"""
    journeys: tuple[Listed, ...]


class Stalls(Figures):
    newly: int
    no_longer: int
    newly_journeys: tuple[Listed, ...]
    no_longer_journeys: tuple[Listed, ...]


class Fates(NamedTuple):
    """What becomes of the journeys on the board."""

    n: int
    moves: Moves
    unmapped: Unmapped
    stalls: Stalls

    @classmethod
    def of(cls, old: Side | None, new: Side, keys: tuple[UnmappedKey, ...], listed: int) -> Self:
        """keys: those that lead nowhere by the new definition. listed: the most journeys that each list names."""
        after = new.look
        before = None if old is None else old.look.definition
        both = fates(old, new)
        if before is None:
            elsewhere = both.clear()
        else:
            following = successors(before, after.definition)
            continued = pl.col("was").replace_strict(list(following), list(following.values()), return_dtype=pl.Int8)
            elsewhere = both.filter(continued.ne_missing(pl.col("stage")))
        nowhere = both.filter(pl.col("stage") == UNMAPPED)
        newly = both.filter(pl.col("stalled") & ~pl.col("was_stalled"))
        no_longer = both.filter(pl.col("was_stalled") & ~pl.col("stalled"))

        def names(rows: pl.DataFrame) -> tuple[Listed, ...]:
            return listing(rows.head(listed), before, after)

        return cls(
            n=both.height,
            moves=Moves(
                n=elsewhere.height,
                stages=() if before is None else matrix(elsewhere, before, after.definition),
                owners=owners(elsewhere, after),
                journeys=names(elsewhere),
            ),
            unmapped=Unmapped(
                n=nowhere.height,
                newly=nowhere.filter(pl.col("was").ne_missing(UNMAPPED)).height,
                keys=keys,
                journeys=names(nowhere),
            ),
            stalls=Stalls(
                newly=newly.height,
                no_longer=no_longer.height,
                newly_journeys=names(newly),
                no_longer_journeys=names(no_longer),
            ),
        )


def fates(old: Side | None, new: Side) -> pl.DataFrame:
    """journey, owner, stage and stalled by the new definition; was and was_stalled by the old one."""
    now = new.standing.select("journey", "owner", "stage", "stalled")
    if old is None:
        return now.with_columns(was=pl.lit(None, pl.Int8), was_stalled=pl.lit(False))
    return now.join(
        old.standing.select("journey", was="stage", was_stalled="stalled"), on="journey", maintain_order="left"
    )


def matrix(rows: pl.DataFrame, before: Definition, after: Definition) -> tuple[Move, ...]:
    counted = rows.group_by("was", "stage").len().sort("len", "was", "stage", descending=[True, False, False])
    return tuple(
        Move(from_stage=before.key_of(was), to=after.key_of(stage), n=n) for was, stage, n in counted.iter_rows()
    )


def owners(rows: pl.DataFrame, look: Look) -> tuple[OwnerMoves, ...]:
    counted = rows.group_by("owner").len().sort("len", "owner", descending=[True, False], nulls_last=True)
    people = named(look, counted["owner"].drop_nulls().to_list())
    told = []
    for owner, n in counted.iter_rows():
        key, label = people.get(owner, (owner, owner))
        told.append(OwnerMoves(key=key, label=label, n=n))
    return tuple(told)


def listing(rows: pl.DataFrame, before: Definition | None, after: Look) -> tuple[Listed, ...]:
    told = after.journeys.select("journey", "journey_id", "title").join(
        rows.select("journey", "was", "stage"), on="journey", maintain_order="left"
    )
    return tuple(
        Listed(
            journey=each["journey_id"],
            key=each["key"],
            label=each["label"],
            from_stage=None if before is None else before.key_of(each["was"]),
            to=after.definition.key_of(each["stage"]),
        )
        for each in after.named(told).iter_rows(named=True)
    )
