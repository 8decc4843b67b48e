"""Two definitions of a pipeline over the same history: what each tells, and what becomes of every journey.

A preview of a draft, or a comparison of two versions. Both are read at one position of the log, through the same lenses
and filters. Exact definitions: docs/pipelines.md#what-a-preview-tells.
"""

from functools import cache

import polars as pl
from pydantic import ConfigDict, Field

from engine.errors import Rejected
from engine.log.locked import Busy
from engine.projections.figures import Answer, Figures, head
from engine.projections.filters import EVERYTHING
from engine.projections.groups import named
from engine.projections.lens import Lens, called
from engine.projections.views import Look, Views
from engine.stages.definition import UNMAPPED, Definition
from replay.policy_figures import PolicyRow
from replay.review import Remark, review
from replay.side_by_side import Edit, How, Pair, edited_whole, pairs, successors
from replay.stage_figures import Side, StageFigures, WholeFigures, difference, funnel, together
from replay.unmapped import UnmappedKey, unmapped_keys

LISTED = 100
"""journeys of each list, when it is not said"""
TRIES = 20


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
    from_stage: str = Field(alias="from")
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
    """`definition` beside `against`. n: the journeys on the board. Lists name the first journeys of the log."""

    against: int | str
    before: WholeFigures
    after: WholeFigures
    difference: WholeFigures
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


def looks(views: Views, pipeline: str | None, before: Lens, after: Lens | Definition) -> tuple[Look, Look]:
    """Two definitions at one position. Rejected: of another pipeline; Busy: too much is being written."""
    for _ in range(TRIES):
        old = views.look(pipeline, before)
        if isinstance(after, Lens):
            new = views.look(old.pipeline, after)
        elif after.pipeline != old.pipeline:
            raise Rejected(
                f"the definition names pipeline {after.pipeline!r}, this is {old.pipeline!r}: correct its `pipeline`"
            )
        else:
            new = views.look_by(after, before)
        if old.position == new.position:
            return old, new
    raise Busy("so much is being written that two definitions can't be read at one position: try again")


def preview(old: Side, new: Side, *, policies: tuple[PolicyRow, ...] = (), listed: int = LISTED) -> Preview:
    """Two sides by the same filters, of looks at one position.

    policies: what they would do, which is not for replay to ask. listed: the most journeys that each list names.
    """
    before, after = old.look, new.look
    following = successors(before.definition, after.definition)
    continued = pl.col("was").replace_strict(list(following), list(following.values()), return_dtype=pl.Int8)
    both = new.standing.select("journey", "owner", "stage", "stalled").join(
        old.standing.select("journey", was="stage", was_stalled="stalled"), on="journey", maintain_order="left"
    )
    elsewhere = both.filter(continued.ne_missing(pl.col("stage")))
    nowhere = both.filter(pl.col("stage") == UNMAPPED)
    newly = both.filter(pl.col("stalled") & ~pl.col("was_stalled"))
    no_longer = both.filter(pl.col("was_stalled") & ~pl.col("stalled"))
    events = cache(lambda: after.seen().events)
    keys = unmapped_keys(after, events)
    whole = new.funnel if new.filters == EVERYTHING else funnel(after, EVERYTHING)[0]

    def names(rows: pl.DataFrame) -> tuple[Listed, ...]:
        return listing(rows.head(listed), before.definition, after)

    return Preview(
        **head(after),
        n=both.height,
        against=called(before.version),
        before=old.whole,
        after=new.whole,
        difference=difference(old.whole, new.whole),
        stages=tuple(row(pair, old, new) for pair in pairs(before.definition, after.definition)),
        moves=Moves(
            n=elsewhere.height,
            stages=matrix(elsewhere, before.definition, after.definition),
            owners=owners(elsewhere, after),
            journeys=names(elsewhere),
        ),
        unmapped=Unmapped(
            n=nowhere.height,
            newly=nowhere.filter(pl.col("was") != UNMAPPED).height,
            keys=keys,
            journeys=names(nowhere),
        ),
        stalls=Stalls(
            newly=newly.height,
            no_longer=no_longer.height,
            newly_journeys=names(newly),
            no_longer_journeys=names(no_longer),
        ),
        edits=tuple(edited_whole(before.definition, after.definition)),
        policies=policies,
        remarks=review(after, whole, keys, events),
    )


def row(pair: Pair, old: Side, new: Side) -> StageRow:
    parts = tuple(Part(stage=old.look.definition.key_of(rank), figures=old.stages[rank]) for rank in pair.was)
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


def listing(rows: pl.DataFrame, before: Definition, after: Look) -> tuple[Listed, ...]:
    told = after.journeys.select("journey", "journey_id", "title").join(
        rows.select("journey", "was", "stage"), on="journey", maintain_order="left"
    )
    return tuple(
        Listed(
            journey=each["journey_id"],
            key=each["key"],
            label=each["label"],
            from_stage=before.key_of(each["was"]),
            to=after.definition.key_of(each["stage"]),
        )
        for each in after.named(told).iter_rows(named=True)
    )
