"""Two definitions of a pipeline read at one position of the log, through the same lenses."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from engine.errors import Rejected
from engine.log.locked import Busy
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.parts import on_threads
from engine.projections.views import Views
from engine.stages.definition import Definition
from replay.stage_figures import Side

TRIES = 20

One = TypeVar("One")
Told = TypeVar("Told")


def of_both(old: One | None, new: One, tell: Callable[[One], Told]) -> tuple[Told | None, Told]:
    """What is told of each, of both at the same time: most of it is passes that keep one core."""
    *before, after = on_threads(tell, [new] if old is None else [old, new])
    return (before[0] if before else None), after


def sharing(old: Side | None, new: Side) -> tuple[Side | None, Side]:
    """Both with the same entries, seen once: two looks at one position through one lens differ in the stages alone.

    They are remembered as long as these sides are, so that neither is to be kept.
    """
    seen = new.look.seen()

    def given(side: Side) -> Side:
        return side._replace(look=replace(side.look, seen=lambda: seen))

    return None if old is None else given(old), given(new)


def looks(views: Views, pipeline: str | None, before: Lens, after: Lens | Definition) -> tuple[Look | None, Look]:
    """Two definitions at one position; None: the pipeline has no version yet that `after` could be set beside.

    Rejected: of another pipeline; Busy: too much is being written.
    """
    for _ in range(TRIES):
        old = None if has_no_version(views, pipeline, before, after) else views.look(pipeline, before)
        if isinstance(after, Lens):
            new = views.look(pipeline if old is None else old.pipeline, after)
        elif old is not None and after.pipeline != old.pipeline:
            raise Rejected(
                f"the definition names pipeline {after.pipeline!r}, this is {old.pipeline!r}: correct its `pipeline`"
            )
        else:
            new = views.look_by(after, before)
        if old is None or old.position == new.position:
            return old, new
    raise Busy("so much is being written that two definitions can't be read at one position: try again")


def has_no_version(views: Views, pipeline: str | None, before: Lens, after: Lens | Definition) -> bool:
    """Whether the stages are the first ones of their pipeline, and nothing else was named to set them beside."""
    if before.definition not in ("now", "then"):
        return False
    views.catch_up()
    definitions = views.definitions
    if isinstance(after, Definition):
        return pipeline in (None, after.pipeline) and after.pipeline not in definitions.by_pipeline
    return definitions.key(pipeline) not in definitions.by_pipeline
