"""Two definitions of a pipeline over the same history: what each tells, and what becomes of every journey.

A preview of a draft, or a comparison of two versions. Both are read at one position of the log, through the same lenses
and filters. Exact definitions: docs/pipelines.md#what-a-preview-tells.
"""

import polars as pl
from pydantic import ConfigDict, Field

from engine.projections.figures import Answer, Figures, head
from engine.projections.filters import EVERYTHING
from engine.projections.groups import named
from engine.projections.lens import called
from engine.projections.look import Look
from engine.stages.definition import UNMAPPED, Definition
from replay.beside import of_both
from replay.policy_figures import PolicyRow
from replay.review import Remark, compared, review
from replay.side_by_side import Edit, How, Pair, edited_whole, pairs, successors
from replay.stage_figures import Side, StageFigures, WholeFigures, difference, funnel, together
from replay.unmapped import UnmappedKey, unmapped_keys

LISTED = 100
"""journeys of each list, when it is not said"""


class Part(Figures):
    stage: str
    figures: StageFigures


class StageRow(Figures):
    stage: str | None
    """in the new definition; null: removed"""
    was: tuple[str, ...]
    """the stages of the old one that it continues, by key and `replaces`; none: added"""
    how: How
    moved: bool
    edits: tuple[Edit, ...]
    """what of its rules was changed, where it continues one stage"""
    before: StageFigures | None
    """of several stages the sum of what stands there"""
    parts: tuple[Part, ...]
    """each of several stages that became one"""
    after: StageFigures | None
    difference: StageFigures | None


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


class Preview(Answer):
    """`definition` beside `against`. n: the journeys on the board. Lists name the first journeys of the log.

    Where the pipeline has no version yet, `against`, `before` and `difference` are null, and all stages are added.
    """

    against: int | str | None
    before: WholeFigures | None
    after: WholeFigures
    difference: WholeFigures | None
    stages: tuple[StageRow, ...]
    moves: Moves
    unmapped: Unmapped
    stalls: Stalls
    edits: tuple[Edit, ...]
    """of what holds for all stages: calendar, signals, proposals, hand_over, qualified_from"""
    policies: tuple[PolicyRow, ...]
    """those that either definition asks for"""
    remarks: tuple[Remark, ...]
    """on the new definition, over the whole pipeline"""


def preview(old: Side | None, new: Side, *, policies: tuple[PolicyRow, ...] = (), listed: int = LISTED) -> Preview:
    """Two sides by the same filters, of looks at one position; old: None where the pipeline has no version yet.

    policies: what they would do, which is not for replay to ask. listed: the most journeys that each list names.
    """
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
    keys, remarks = remarked(old, new)

    def names(rows: pl.DataFrame) -> tuple[Listed, ...]:
        return listing(rows.head(listed), before, after)

    return Preview(
        **head(after),
        n=both.height,
        against=None if old is None else called(old.look.version),
        before=None if old is None else old.whole,
        after=new.whole,
        difference=None if old is None else difference(old.whole, new.whole),
        stages=tuple(row(pair, old, new) for pair in pairs(before, after.definition)),
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
        edits=() if before is None else tuple(edited_whole(before, after.definition)),
        policies=policies,
        remarks=remarks,
    )


def fates(old: Side | None, new: Side) -> pl.DataFrame:
    """journey, owner, stage and stalled by the new definition; was and was_stalled by the old one."""
    now = new.standing.select("journey", "owner", "stage", "stalled")
    if old is None:
        return now.with_columns(was=pl.lit(None, pl.Int8), was_stalled=pl.lit(False))
    return now.join(
        old.standing.select("journey", was="stage", was_stalled="stalled"), on="journey", maintain_order="left"
    )


def remarked(old: Side | None, new: Side) -> tuple[tuple[UnmappedKey, ...], tuple[Remark, ...]]:
    """The keys that lead nowhere, and the remarks on the new definition: which of them the old one deserves too."""
    known, (keys, remarks) = of_both(old, new, reviewed)
    if old is None or known is None:
        return keys, remarks
    return keys, compared(remarks, known[1], old.look.definition, new.look.definition)


def reviewed(side: Side) -> tuple[tuple[UnmappedKey, ...], tuple[Remark, ...]]:
    """Over the whole pipeline, whatever the side's filters."""
    keys = unmapped_keys(side.look)
    whole = side.funnel if side.filters == EVERYTHING else funnel(side.look, EVERYTHING)[0]
    return keys, review(side.look, whole, keys)


def row(pair: Pair, old: Side | None, new: Side) -> StageRow:
    parts = (
        ()
        if old is None
        else tuple(Part(stage=old.look.definition.key_of(rank), figures=old.stages[rank]) for rank in pair.was)
    )
    before = together([part.figures for part in parts])
    after = None if pair.rank is None else new.stages[pair.rank]
    return StageRow(
        stage=None if pair.rank is None else new.look.definition.key_of(pair.rank),
        was=tuple(part.stage for part in parts),
        how=pair.how,
        moved=pair.moved,
        edits=pair.edits,
        before=before,
        parts=parts if len(parts) > 1 else (),
        after=after,
        difference=None if before is None or after is None else difference(before, after),
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
