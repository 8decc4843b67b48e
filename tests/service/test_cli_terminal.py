"""What a terminal of any width shows of an answer: no number is cut, and no word."""

import io
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from service.cli import main
from service.cli.terminal import Terminal, table

NUMBERS = ("1,234,567.00 EUR", "21 (17)", "0a1b2c3d-0000-8000-8000-000000000000", "SignalRecorded")


def drawn_at(width: int) -> str:
    out = Terminal(width=width, file=io.StringIO(), force_terminal=False)
    drawn = table("deal", "title", "value", "seen", "event id", "event", right=("value", "seen", "event id"))
    drawn.add_row("C-001", "a roaster for the new house", *NUMBERS)
    out.print(drawn)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


@pytest.mark.parametrize("width", [20, 40, 80, 100, 200])
def test_a_number_is_whole_on_a_terminal_of_any_width(width: int) -> None:
    shown = drawn_at(width)
    for each in (*NUMBERS, "roaster"):
        assert each in shown


def test_words_give_way_before_the_table_grows_wider_than_the_terminal() -> None:
    assert max(map(len, drawn_at(115).splitlines())) <= 115
    assert "a roaster for the new house" in drawn_at(200)
    assert "a roaster for the new house" not in drawn_at(115)


def test_what_somebody_wrote_moves_no_cursor() -> None:
    out = Terminal(width=80, file=io.StringIO(), force_terminal=True, no_color=True)
    drawn = table("title")
    drawn.add_row("a\x1b]0;b\x07\x9b2Jc\r\nd")
    out.print(drawn, "e\x1b[2Jf")
    assert isinstance(out.file, io.StringIO)
    shown = re.sub("\x1b\\[[0-9;]*m", "", out.file.getvalue())
    assert "a]0;b2Jc" in shown
    assert "e[2Jf" in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def at_80(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What a command shows on a terminal of 80 columns that knows no colour."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")

    def shown(*arguments: str | Path) -> str:
        screen = Screen()
        with redirect_stdout(screen), pytest.raises(SystemExit):
            main([str(each) for each in arguments])
        return screen.getvalue()

    return shown


def test_an_explanation_names_whole_events_in_80_columns(sample_log: Path, at_80: Callable[..., str]) -> None:
    shown = at_80("conversion", "--explain", "part=lost stage=proposal", "--db", sample_log)
    ids = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", shown)
    assert ids
    assert "closed" in shown
    assert "DealLost" in shown


def test_the_funnel_fits_into_80_columns(sample_log: Path, at_80: Callable[..., str]) -> None:
    funnel = at_80("conversion", "--db", sample_log).split("Overall")[0]
    assert "conversion" in funnel
    assert max(map(len, funnel.splitlines()[1:])) <= 80
