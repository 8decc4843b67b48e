"""What one definition tells of its stages and of the whole, so that two can be set side by side."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

import polars as pl

from engine.projections.conversion import Overall, StageConversion, overall, passing
from engine.projections.cycle_time import cycle_time
from engine.projections.figures import Amount, Figures, amounts, sums
from engine.projections.filters import Filters, chosen, narrowed
from engine.projections.look import Look
from engine.projections.passed import asked_of, reached
from engine.projections.stalling import is_stalled
from engine.projections.tally import tally
from engine.projections.win_rate import win_rate
from engine.stages.definition import UNMAPPED


class StageFigures(Figures):
    """Of one stage: what stands there, and who passed it. Null: there is none, or several stages can't be added."""

    count: int
    value: tuple[Amount, ...]
    stalled: int
    entered: int | None
    advanced: int | None
    conversion: float | None
    """null for lost stages too"""
    time_p50_seconds: float | None
    """in the stage, of completed visits"""


class WholeFigures(Figures):
    entered: int
    won: int
    lost: int
    disqualified: int
    open: int
    qualified: int
    stalled: int
    unmapped: int
    conversion: float | None
    win_rate: float | None
    won_value: tuple[Amount, ...]
    cycle_p50_seconds: float | None
    """opening to win"""


class Side(NamedTuple):
    """Everything one definition tells."""

    look: Look
    filters: Filters
    standing: pl.DataFrame
    funnel: Sequence[StageConversion]
    whole: WholeFigures
    stages: Sequence[StageFigures]
    """by rank"""


def side(look: Look, filters: Filters) -> Side:
    """Every figure as the answer of its name tells it."""
    here = standing(look, filters)
    passed, overall = funnel(look, filters)
    rates, times = win_rate(look, filters), cycle_time(look, filters)
    counts = {
        stage: (n, stalled)
        for stage, n, stalled in here.group_by("stage").agg(pl.len(), pl.col("stalled").sum()).iter_rows()
    }
    worth = sums(here.lazy(), "stage").collect().rows_by_key("stage", named=True)
    steps = {each.stage: each for each in passed}
    lasted = {each.stage: each.p50_seconds for each in times.stages}
    stages = []
    for rank, stage in enumerate(look.definition.stages):
        step, (count, stalled) = steps.get(stage.key), counts.get(rank, (0, 0))
        stages.append(
            StageFigures(
                count=count,
                value=amounts(worth.get(rank, [])),
                stalled=stalled,
                entered=None if step is None else step.entered,
                advanced=None if step is None else step.advanced,
                conversion=None if step is None else step.conversion,
                time_p50_seconds=lasted[stage.key],
            )
        )
    whole = WholeFigures(
        entered=overall.entered,
        won=rates.won,
        lost=rates.lost,
        disqualified=rates.disqualified,
        open=rates.open,
        qualified=rates.qualified,
        stalled=here["stalled"].sum(),
        unmapped=counts.get(UNMAPPED, (0, 0))[0],
        conversion=overall.conversion,
        win_rate=rates.win_rate,
        won_value=rates.won_value,
        cycle_p50_seconds=times.won.p50_seconds,
    )
    return Side(look, filters, here, passed, whole, stages)


def funnel(look: Look, filters: Filters) -> tuple[tuple[StageConversion, ...], Overall]:
    """Of the conversion what a preview shows: not the transitions, which are half of its work."""
    options: dict[str, Any] = {"strict": False, "within_days": None, "in_period": False}
    cohort, _ = asked_of(look, filters, None, look.visits.lazy(), **options)
    counted = tally(*reached(cohort, None, look.definition))
    return passing(counted, None, look.definition), overall(counted, None)


def standing(look: Look, filters: Filters) -> pl.DataFrame:
    """The journeys on the board: journey, owner, stage, stalled, amount_minor, currency; sorted by journey."""
    journeys = chosen(look, filters).filter(filters.window.holds("opened_at")).with_columns(at=pl.lit(look.as_of))
    return (
        narrowed(journeys, look, filters)
        .filter(~pl.col("outcome").is_in(["merged", "transferred"]))
        .select(
            "journey", "owner", "stage", "amount_minor", "currency", stalled=is_stalled(look.definition, look.as_of)
        )
        .sort("journey")
        .collect()
    )


F = TypeVar("F", StageFigures, WholeFigures)


def difference(before: F, after: F) -> F:
    """after - before, field by field; null where either is."""
    return type(after)(**{name: gap(getattr(before, name), getattr(after, name)) for name in type(after).model_fields})


def gap(was: Any, now: Any) -> Any:
    if was is None or now is None:
        return None
    return money(now, was, sign=-1) if isinstance(now, tuple) else now - was


def together(parts: Sequence[StageFigures]) -> StageFigures | None:
    """What stands in several stages; who entered them and how long they stayed can't be added."""
    if len(parts) < 2:
        return parts[0] if parts else None
    value: tuple[Amount, ...] = ()
    for part in parts:
        value = money(value, part.value, sign=1)
    return StageFigures(
        count=sum(part.count for part in parts),
        value=value,
        stalled=sum(part.stalled for part in parts),
        entered=None,
        advanced=None,
        conversion=None,
        time_p50_seconds=None,
    )


def money(some: Sequence[Amount], more: Sequence[Amount], *, sign: int) -> tuple[Amount, ...]:
    """some + sign * more, each currency by itself."""
    total: dict[str, Decimal] = {each.currency: Decimal(each.amount) for each in some}
    for each in more:
        total[each.currency] = total.get(each.currency, Decimal(each.amount) * 0) + sign * Decimal(each.amount)
    return tuple(Amount(amount=format(total[currency], "f"), currency=currency) for currency in sorted(total))
