"""How answers look on a terminal: one console, tables, durations and money in words people read at a glance."""

import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table

if TYPE_CHECKING:
    from engine.projections.figures import Amount

MINUTE, HOUR, DAY = 60, 3600, 86_400
PIPED_WIDTH = 140
WIDEST_BAR = 36


UNSEEN = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - set(map(ord, "\n\t")))
"""control characters: somebody else's title or note must not move the cursor, or name the window, of who reads it"""


class Terminal(Console):
    """Rich cuts the columns of a table that is too wide, and a number that is cut is a wrong number. Here phrases break
    between their words; where that is not enough the table is wider, and the terminal goes on in its next line.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control or text.isprintable() else Segment(text.translate(UNSEEN), style)

    def print(self, *objects: Any, **how: Any) -> None:
        tables = [each for each in objects if isinstance(each, Table)]
        widest = max((fitted(self, each) for each in tables), default=0)
        if widest <= self.width:
            return super().print(*objects, **how)
        wide = Terminal(highlight=False, width=widest, height=self.height, file=self.file)
        return wide.print(*objects, **how)


def fitted(out: Console, drawn: Table) -> int:
    """Give the columns of a table that is too wide what room there is, the narrowest first, and none so little that it
    cuts a word. How wide the table is then.
    """
    anywhere = out.options.update(width=10_000)
    widths, wanted = [], []
    for column in drawn.columns:
        sizes = [Measurement.get(out, anywhere, cell) for cell in (column.header, *column.cells)]
        wanted.append(max(size.maximum for size in sizes))
        widths.append(wanted[-1] if column.no_wrap else max(size.minimum for size in sizes))
    around = 2 * len(widths) + 1
    if sum(wanted) + around > out.width:
        for _ in range(out.width - around - sum(widths)):
            cramped = [place for place, width in enumerate(widths) if width < wanted[place]]
            widths[min(cramped, key=lambda place: widths[place])] += 1
        for column, width in zip(drawn.columns, widths, strict=True):
            column.width = width
    return sum(column.width or most for column, most in zip(drawn.columns, wanted, strict=True)) + around


def console() -> Console:
    """Standard output. A pipe gets plain lines wide enough not to cut words; NO_COLOR is heeded by Rich."""
    if isinstance(sys.stdout, TextIOWrapper):
        # What an older terminal can't show is a question mark there, never a failure.
        sys.stdout.reconfigure(errors="replace")
    return Terminal(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def table(*columns: str, right: Iterable[str] = (), breaks: Iterable[str] = (), title: str | None = None) -> Table:
    """A table with a line under its head. `right`: columns of numbers; like the first column they are not broken,
    but for those in `breaks`, so that on a narrow terminal the words give way first.
    """
    drawn = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=title, title_justify="left", title_style="bold")
    numbers, soft = set(right), set(breaks)
    for place, name in enumerate(columns):
        kept = place == 0 or name == "stage" or name in numbers - soft
        # Folded, not cut: a number that ends in an ellipsis is a wrong number.
        drawn.add_column(name, justify="right" if name in numbers else "left", no_wrap=kept, overflow="fold")
    return drawn


def duration(seconds: float | None) -> str:
    """45 s, 37 min, 20.5 h, 14.4 d, 1,204 d; a dash where there is none."""
    if seconds is None:
        return "-"
    if seconds < 2 * MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * HOUR:
        return f"{seconds / MINUTE:.0f} min"
    if seconds < 2 * DAY:
        return f"{seconds / HOUR:.1f} h"
    return f"{seconds / DAY:.1f} d" if seconds < 1000 * DAY else f"{seconds / DAY:,.0f} d"


def money(amounts: "Iterable[Amount]") -> str:
    """Each currency by itself, 35,290,338.00 EUR; a dash where there is none."""
    return "\n".join(f"{Decimal(amount.amount):,} {amount.currency}" for amount in amounts) or "-"


def percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def room(out: Console, beside: int) -> int:
    """How wide bars may be next to so many characters of text."""
    return max(0, min(WIDEST_BAR, out.width - beside))


def bar(share: float, width: int) -> str:
    """A bar of that share of the width, at least a sliver where there is anything."""
    encoding = (sys.stdout.encoding or "utf-8").lower()
    full, half = ("█", "▌") if encoding.startswith("utf") else ("#", "")
    halves = max(round(share * width * 2), 1 if share > 0 else 0)
    return (full * (halves // 2) + half * (halves % 2)) if width else ""
