"""dealtrail cycle-time: how long it takes to win or lose, and how long journeys stay in each stage."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.naming import Lang, names_in
from service.cli.options import By
from service.cli.question import Question, asks
from service.cli.terminal import duration, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from engine.projections.cycle_time import CycleTime, CycleTimeGroup, CycleTimes, StageTime
    from engine.projections.figures import Durations

TIMES = ("median", "85 %", "90 %", "mean")


@asks
def cycle_time(
    question: Question,
    *,
    by: By = None,
    from_stage: Annotated[
        str | None, typer.Option("--from", metavar="STAGE", help="The clock starts at the first entry of this stage.")
    ] = None,
    from_first_touch: Annotated[
        bool, typer.Option("--from-first-touch", help="The clock starts at the first touch.")
    ] = False,
    lang: Lang = None,
    explain: Explain = None,
) -> None:
    """From opening to close, of those won, lost and both; and the time spent in each stage."""
    clock = {"from_stage": from_stage, "from_first_touch": from_first_touch}
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "cycle-time", look, filters, question, by, **clock)
            return
        from engine.projections import cycle_time as metric

        found = metric.cycle_time(look, filters, by=by, from_stage=from_stage, from_first_touch=from_first_touch)
        answer(found, question.shape, draw, names=names_in(lang, look.definition))


def draw(found: "CycleTime", out: "Console") -> None:
    if found.groups is not None:
        out.print(by_group(found.groups, found.since))
        return
    closes = table(
        "", "journeys", *TIMES, right=("journeys", *TIMES), title=f"\nFrom {spoken(found.since)} to the close"
    )
    for name, times in outcomes(found):
        closes.add_row(name, f"{times.n:,}", *columns(times))
    out.print(closes)
    numbers = ("left it", *TIMES, "in it\nnow", "for\n(median)")
    stays = table("stage", *numbers, right=numbers, title="Time in a stage: the sum of a journey's completed visits")
    for stage in (*found.stages, found.unmapped):
        if stage is found.unmapped and not (stage.n or stage.open_n):
            continue
        now = (f"{stage.open_n:,}", duration(stage.open_age_p50_seconds))
        stays.add_row(stage.stage, f"{stage.n:,}", *columns(stage), *now)
    out.print(stays)


def by_group(groups: "tuple[CycleTimeGroup, ...]", since: str) -> "Table":
    numbers = ("won", "median", "90 %", "lost", "median ", "90 % ")
    drawn = table("", *numbers, right=numbers, title=f"\nFrom {spoken(since)} to the close")
    for group in groups:
        won, lost = group.won, group.lost
        won_times = (duration(won.p50_seconds), duration(won.p90_seconds))
        lost_times = (duration(lost.p50_seconds), duration(lost.p90_seconds))
        drawn.add_row(group.label or "none", f"{won.n:,}", *won_times, f"{lost.n:,}", *lost_times)
    return drawn


def outcomes(found: "CycleTimes") -> "list[tuple[str, Durations]]":
    named = [("won", found.won), ("lost", found.lost), ("won or lost", found.closed)]
    return [*named, ("disqualified", found.disqualified)] if found.disqualified.n else named


def columns(times: "Durations | StageTime") -> tuple[str, ...]:
    shown = (times.p50_seconds, times.p85_seconds, times.p90_seconds, times.mean_seconds)
    return tuple(duration(seconds) for seconds in shown)


def spoken(since: str) -> str:
    return {"opened": "the opening", "first_touch": "the first touch"}.get(since, f"stage {since}")
