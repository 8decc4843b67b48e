"""A rebuild held against what the views of the log answer."""

from collections.abc import Iterator
from pathlib import Path

from engine.errors import Conflict
from engine.log.application import Log
from engine.projections.board import board
from engine.projections.cards import Cards
from engine.projections.conversion import conversion
from engine.projections.cycle_time import cycle_time
from engine.projections.lens import Lens
from engine.projections.views import Views
from engine.projections.win_rate import win_rate
from replay.archive import load
from replay.plain import Difference
from replay.rebuild import Rebuilt
from replay.rebuild_answers import Answers


def differences(log: Log, folder: Path, rebuilt: Rebuilt, views: Views | None = None) -> Iterator[Difference]:
    """Figure by figure; nothing is well. views: those that serve; without them new ones that derive all in one piece.

    Conflict: the log went on since the rebuild read it.
    """
    views = views or Views(log, load(log, folder))
    lens = Lens(rebuilt.as_of, live=True)
    for pipeline, mine in rebuilt.pipelines.items():
        look = views.look(pipeline, lens)
        if look.position != mine.board.position:
            raise Conflict(
                f"the log went on from position {mine.board.position:,} to {look.position:,} meanwhile: ask again"
            )
        live = Answers(board(look, cards=Cards(limit=0)), conversion(look), cycle_time(look), win_rate(look))
        for answer, found in vars(live).items():
            expected = vars(mine)[answer]
            for name in type(found).model_fields:
                if getattr(expected, name) != getattr(found, name):
                    where = f"{pipeline}, {name}"
                    yield Difference(answer, where, str(getattr(expected, name)), str(getattr(found, name)))
