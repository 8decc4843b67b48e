"""Two definitions of a pipeline over the same history: what each tells, and what becomes of every journey.

A preview of a draft, or a comparison of two versions. Both are read at one position of the log, through the same lenses
and filters. Exact definitions: docs/pipelines.md#what-a-preview-tells.
"""

from collections.abc import Mapping

from engine.projections.figures import Answer, Figures, head
from engine.projections.filters import EVERYTHING
from engine.projections.lens import called
from engine.projections.parts import on_threads
from replay.fates import Fates, Moves, Stalls, Unmapped
from replay.policy_figures import PolicyRow
from replay.remark import Remark
from replay.review import compared, review
from replay.side_by_side import Edit, How, Pair, edited_whole, pairs
from replay.stage_figures import Side, StageFigures, WholeFigures, difference, funnel, together
from replay.tried import Tried, tried
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
    """of what holds for all stages: name, calendar, signals, proposals, hand_over, qualified_from"""
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
    keys, remarks = remarked(old, new)
    told = Fates.of(old, new, keys, listed)
    return Preview(
        **head(after),
        n=told.n,
        against=None if old is None else called(old.look.version),
        before=None if old is None else old.whole,
        after=new.whole,
        difference=None if old is None else difference(old.whole, new.whole),
        stages=tuple(row(pair, old, new) for pair in pairs(before, after.definition)),
        moves=told.moves,
        unmapped=told.unmapped,
        stalls=told.stalls,
        edits=() if before is None else tuple(edited_whole(before, after.definition)),
        policies=policies,
        remarks=remarks,
    )


def remarked(old: Side | None, new: Side) -> tuple[tuple[UnmappedKey, ...], tuple[Remark, ...]]:
    """The keys that lead nowhere, and the remarks on the new definition: which of them the old one deserves too."""
    sides = [new] if old is None else [new, old]
    known = tried([side.look for side in sides])
    (keys, remarks), *before = on_threads(lambda each: reviewed(*each), zip(sides, known, strict=True))
    if old is None:
        return keys, remarks
    return keys, compared(remarks, before[0][1], old.look, new.look)


def reviewed(side: Side, known: Mapping[str, Tried]) -> tuple[tuple[UnmappedKey, ...], tuple[Remark, ...]]:
    """Over the whole pipeline, whatever the side's filters."""
    keys = unmapped_keys(side.look)
    whole = side.funnel if side.filters == EVERYTHING else funnel(side.look, EVERYTHING)[0]
    return keys, review(side.look, whole, keys, known)


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
