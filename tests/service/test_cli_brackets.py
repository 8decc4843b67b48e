"""What people wrote is shown as they wrote it: brackets are no markup of the terminal's."""

from pathlib import Path

import pytest

from engine.aggregates.deal.commands import Lose, OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import AddNote
from engine.handle import handle
from engine.log.application import Log
from engine.values import Attribute
from tests.service.commandline import run

TITLE = "[red]offer[/red] [/] for 3"
REASON = "[bold]price"


@pytest.fixture
def bracketed(own_sample: Path) -> tuple[Path, str]:
    """The sample with two deals, one open and one lost, whose texts hold brackets; and the id of the lost one."""
    log = Log(f"sqlite:///{own_sample}")
    rep = PersonRef(source="login", key="[rep]", name="[blue]a rep")
    known = [Attribute(name="machine", value="[i]x")]
    told = OpenDeal(pipeline="office-coffee", title=TITLE, owner=rep, source="[u]web", attributes=known)
    deal = handle(log, told, actor=rep, origin="cli").stream_id
    handle(log, AddNote(note="[dim]quiet"), on=deal, actor=rep, origin="cli")
    handle(log, Lose(reason=REASON), on=deal, actor=rep, origin="cli")
    handle(log, OpenDeal(pipeline="office-coffee", title=TITLE, owner=rep), actor=rep, origin="cli")
    log.close()
    return own_sample, str(deal)


def test_brackets_in_titles_names_and_groups_are_shown(bracketed: tuple[Path, str]) -> None:
    db, _ = bracketed
    assert "[blue]a rep" in run("win-rate", "--by", "owner", "--db", db).out
    assert "[u]web" in run("conversion", "--by", "source", "--db", db).out
    assert TITLE in run("board", "--owner", "[rep]", "--db", db).out
    assert TITLE in run("likeliest", "--owner", "[rep]", "--db", db).out
    assert REASON in run("losses", "--owner", "[rep]", "--db", db).out


def test_brackets_in_a_history_are_shown(bracketed: tuple[Path, str]) -> None:
    db, deal = bracketed
    told = run("history", deal, "--db", db).out
    for written in (TITLE, "[blue]a rep", "[dim]quiet", REASON, "[i]x"):
        assert written in told
