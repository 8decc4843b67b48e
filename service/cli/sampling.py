"""dealtrail sample: a small history in a new database, and what the answers make of it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import Rejected
from service.cli.opening import NoDatabase, opened
from service.cli.terminal import console

if TYPE_CHECKING:
    from engine.projections.views import Views


def sample(
    to: Annotated[
        Path, typer.Option("--to", metavar="FILE", help="The database to make; an earlier sample is replaced.")
    ] = Path("sample.db"),
) -> None:
    """Load a small made-up history into a new database and show what dealtrail makes of it."""
    from engine.log.schema import init
    from engine.projections.views import Views
    from service.sample import CORRECTED, TOLD, load_sample

    make_way(to)
    url = f"sqlite:///{to}"
    init(url)
    with opened(url) as log:
        load_sample(log, datetime.now(UTC))
        show(Views(log), TOLD)
    print(NEXT.format(db=to, corrected=CORRECTED))


def make_way(file: Path) -> None:
    """Removes an earlier sample; Rejected where the file holds anything else."""
    if not file.exists():
        return
    from engine.log.feed import read_feed
    from service.sample import ORIGIN

    try:
        with opened(f"sqlite:///{file}") as log:
            own = bool((read_feed(log, 0)["origin"] == ORIGIN).all())
    except NoDatabase:
        own = False
    if not own:
        raise Rejected(f"{file} holds more than the sample and is left as it is: move it away, or name another --to")
    for suffix in ("", "-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)


def show(views: "Views", journey: str) -> None:
    from engine.projections.board import board
    from engine.projections.cards import Cards
    from engine.projections.conversion import conversion
    from engine.projections.cycle_time import cycle_time
    from engine.projections.lens import Lens
    from replay.history import history
    from service.cli import board as of_board
    from service.cli import conversion as of_conversion
    from service.cli import cycle_time as of_cycle_time
    from service.cli import history as of_history
    from service.cli.answering import heading

    out = console()
    look = views.look(None, Lens.of())
    standing = board(look, cards=Cards(limit=5, show="open"))
    out.print(heading(standing))
    of_board.draw(standing.model_copy(update={"next": None}), out, order="age")
    passed = conversion(look)
    out.print("\n[bold]The funnel[/bold]")
    out.print(of_conversion.funnel(passed, out))
    out.print(of_conversion.overall(passed.overall))
    of_cycle_time.draw(cycle_time(look), out)
    out.print("[bold]One deal, from the first contact on[/bold]")
    of_history.draw(history(views.log, journey, Lens.of()), out)


NEXT = """\
Try next (.venv/bin/dealtrail where it is not on your path):
  dealtrail board --db {db} --owner rep-03 --order likelihood
  dealtrail conversion --db {db} --by source
  dealtrail win-rate --db {db} --by manager
  dealtrail forecast --db {db}                   quota, won, gap and pipeline of each team and rep
  dealtrail history {corrected} --db {db}              an entry that was taken back
  dealtrail check --db {db}                      all of it again, event by event
  dealtrail import FILE --mapping MAPPING.yaml    your own history: README.md, "Your own history"
"""
