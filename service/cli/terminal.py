"""How answers look on a terminal: one console, tables, durations and money in words people read at a glance."""

import sys
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from engine.projections.figures import Amount

MINUTE, HOUR, DAY = 60, 3600, 86_400
PIPED_WIDTH = 140
BAR_WIDTH = 36


def console() -> Console:
    """Standard output. A pipe gets plain lines wide enough not to cut words; NO_COLOR is heeded by Rich."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def table(*columns: str, right: Iterable[str] = (), title: str | None = None) -> Table:
    """A table with a line under its head; the columns named in `right` hold numbers."""
    drawn = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    numbers = set(right)
    for name in columns:
        drawn.add_column(name, justify="right" if name in numbers else "left", no_wrap=name in numbers)
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


def bar(share: float, width: int = BAR_WIDTH) -> str:
    """A bar of that share of the width, at least a sliver where there is anything."""
    encoding = (sys.stdout.encoding or "utf-8").lower()
    full, half = ("█", "▌") if encoding.startswith("utf") else ("#", "")
    halves = max(round(share * width * 2), 1 if share > 0 else 0)
    drawn = full * (halves // 2) + half * (halves % 2)
    return drawn or (full if share > 0 else "")
