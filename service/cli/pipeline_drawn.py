"""A preview on a terminal: old and new side by side, what differs marked by an arrow as well as by colour."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from service.cli.terminal import duration, money, percent, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from engine.projections.figures import Amount
    from replay.fates import Listed
    from replay.preview import Preview, StageRow
    from replay.side_by_side import Edit
    from replay.stage_figures import StageFigures

MARKS = {
    "same": (" ", ""),
    "changed": ("~", "yellow"),
    "renamed": ("~", "yellow"),
    "merged": ("~", "yellow"),
    "added": ("+", "green"),
    "removed": ("-", "red"),
}
WHOLE = ("entered", "won", "lost", "disqualified", "open", "qualified", "stalled", "unmapped")
LEGEND = "+ new, - removed, ~ other rules or another name; before -> after (difference), else the same"


def draw(found: "Preview", out: "Console", outlook: str | None) -> None:
    """outlook: how what was previewed is put in force; None: a comparison."""
    out.print(f"[bold]{named(found.against)}[/bold] -> [bold]{named(found.definition)}[/bold]\n{LEGEND}\n")
    if found.against is None:
        said = f"These would be the first stages of a pipeline {found.pipeline!r}; --as KEY takes them for another's.\n"
        out.print(escape(said), soft_wrap=True)
    elif same(found):
        out.print("The stages of both are the same, word for word.\n")
    out.print(whole(found))
    out.print(stages(found))
    edits(found, out)
    moves(found, out)
    unmapped(found, out)
    stalls(found, out)
    policies(found, out)
    remarks(found, out)
    if outlook is not None:
        out.print(f"\nNothing was written. {escape(outlook)}", soft_wrap=True, highlight=False)


def same(found: "Preview") -> bool:
    return not found.edits and all(row.how == "same" and not row.edits and not row.moved for row in found.stages)


def named(definition: int | str | None) -> str:
    if definition is None:
        return "nothing yet"
    return f"version {definition}" if isinstance(definition, int) else definition


def whole(found: "Preview") -> "Table":
    drawn = table("all journeys", "")
    told: list[tuple[str, str, Callable[[Any, Any], str]]] = [(name, name, count) for name in WHOLE]
    told += [("conversion", "conversion", share), ("win rate", "win_rate", share), ("won value", "won_value", worth)]
    for name, field, drawing in [*told, ("cycle, median", "cycle_p50_seconds", lasting)]:
        drawn.add_row(name, drawing(getattr(found.before, field, None), getattr(found.after, field)))
    return drawn


def stages(found: "Preview") -> "Table":
    numbers = ("journeys", "value", "stalled", "entered", "conversion", "median time")
    drawn = table("", "stage", *numbers, right=numbers, breaks=numbers, title="\nStage by stage")
    for row in found.stages:
        mark, colour = MARKS["changed" if row.how == "same" and row.edits else row.how]
        name = f"[{colour}]{title(row)}[/]" if colour else title(row)
        drawn.add_row(mark, name, *cells(row.before, row.after))
        for part in row.parts:
            drawn.add_row("", f"  [dim]was {part.stage}[/]", *cells(part.figures, None))
    return drawn


def title(row: "StageRow") -> str:
    if row.stage is None:
        return row.was[0]
    name = f"{row.stage} (was {row.was[0]})" if row.how == "renamed" else row.stage
    return f"{name} (another place)" if row.moved else name


def cells(before: "StageFigures | None", after: "StageFigures | None") -> list[str]:
    def each(name: str, told: Callable[[Any, Any], str]) -> str:
        return told(None if before is None else getattr(before, name), None if after is None else getattr(after, name))

    return [
        each("count", count),
        each("value", worth),
        each("stalled", count),
        each("entered", count),
        each("conversion", share),
        each("time_p50_seconds", lasting),
    ]


def changed(before: str, after: str, gap: str) -> str:
    if before == after:
        return after
    return f"{before} -> [bold]{after}[/bold]" + (f" ({gap})" if gap else "")


def count(before: int | None, after: int | None) -> str:
    gap = "" if before is None or after is None else f"{after - before:+,}"
    return changed("-" if before is None else f"{before:,}", "-" if after is None else f"{after:,}", gap)


def share(before: float | None, after: float | None) -> str:
    gap = "" if before is None or after is None else f"{(after - before) * 100:+.1f} points"
    return changed(percent(before), percent(after), gap)


def lasting(before: float | None, after: float | None) -> str:
    return changed(duration(before), duration(after), "")


def worth(before: "Sequence[Amount] | None", after: "Sequence[Amount] | None") -> str:
    """A line a currency."""
    was, now = ({each.currency: each for each in side or ()} for side in (before, after))
    lines = []
    for currency in sorted({*was, *now}):
        old, new = was.get(currency), now.get(currency)
        gap = "" if old is None or new is None else f"{Decimal(new.amount) - Decimal(old.amount):+,}"
        lines.append(changed(money([old] if old else []), money([new] if new else []), gap))
    return "\n".join(lines) or "-"


def edits(found: "Preview", out: "Console") -> None:
    told: list[tuple[str | None, Edit]] = [("all stages", edit) for edit in found.edits]
    told += [(row.stage, edit) for row in found.stages for edit in row.edits]
    if not told:
        return
    drawn = table("stage", "rule", "before", "after", title="\nWhat was edited")
    for stage, edit in told:
        drawn.add_row(stage, edit.field, edit.before or "-", edit.after or "-")
    out.print(drawn)


def moves(found: "Preview", out: "Console") -> None:
    stand = "stands" if found.moves.n == 1 else "stand"
    out.print(f"\n[bold]{found.moves.n:,}[/bold] of {found.n:,} journeys {stand} in another stage")
    if not found.moves.n:
        return
    drawn = table("from", "to", "journeys", right=["journeys"])
    for move in found.moves.stages:
        drawn.add_row(move.from_stage, move.to, f"{move.n:,}")
    out.print(drawn)
    owners = ", ".join(f"{owner.label or 'nobody'} {owner.n:,}" for owner in found.moves.owners)
    out.print(f"By owner: {owners}", soft_wrap=True)
    listed(found.moves.journeys, found.moves.n, out)


def unmapped(found: "Preview", out: "Console") -> None:
    if not found.unmapped.n and not found.unmapped.keys:
        return
    stand = "journey stands" if found.unmapped.n == 1 else "journeys stand"
    out.print(f"\n[bold]{found.unmapped.n:,}[/bold] {stand} unmapped, {found.unmapped.newly:,} of them newly so")
    drawn = table("key", "moves", "journeys", "stand there", right=["moves", "journeys", "stand there"])
    for key in found.unmapped.keys:
        drawn.add_row(key.key, f"{key.moves:,}", f"{key.journeys:,}", f"{key.standing:,}")
    out.print(drawn)
    listed(found.unmapped.journeys, found.unmapped.n, out)


def stalls(found: "Preview", out: "Console") -> None:
    told = found.stalls
    stall, do = ("journey stalls" if told.newly == 1 else "journeys stall"), ("does" if told.no_longer == 1 else "do")
    out.print(f"\n[bold]{told.newly:,}[/bold] {stall} that did not, {told.no_longer:,} no longer {do}")
    listed(told.newly_journeys, told.newly, out)
    if told.no_longer:
        out.print("No longer:")
        listed(told.no_longer_journeys, told.no_longer, out)


def policies(found: "Preview", out: "Console") -> None:
    if not found.policies:
        return
    numbers = ("watches over", "does at once")
    drawn = table("policy", "in stages", *numbers, right=numbers, breaks=("in stages",), title="\nPolicies")
    for row in found.policies:
        was, now = (", ".join(each.stages) or "-" for each in (row.before, row.after))
        watched, due = count(row.before.watched, row.after.watched), count(row.before.due, row.after.due)
        drawn.add_row(row.policy, changed(was, now, ""), watched, due)
    out.print(drawn)


def listed(journeys: "Sequence[Listed]", n: int, out: "Console") -> None:
    if not journeys:
        return
    drawn = table("deal", "title", "from", "to")
    for each in journeys:
        drawn.add_row(each.key or each.journey[:8], each.label or "", each.from_stage or "-", each.to)
    out.print(drawn)
    if n > len(journeys):
        out.print(f"and {n - len(journeys):,} more: --limit {n}, or --json")


def remarks(found: "Preview", out: "Console") -> None:
    if not found.remarks:
        out.print(f"\nNothing to remark on the stages of {named(found.definition)}")
        return
    out.print(f"\n[bold]To look at[/bold] in {named(found.definition)}")
    for each in sorted(found.remarks, key=lambda remark: not remark.new):
        about = f"{each.stage}: " if each.stage else ""
        told = "" if each.new else f" [dim](of {named(found.against)} too)[/]"
        kind = each.kind.replace("_", " ")
        out.print(f"[yellow]![/] [bold]{kind}[/bold]{told} · {about}{each.says}", soft_wrap=True)
        out.print(f"  {each.advice}", soft_wrap=True)
