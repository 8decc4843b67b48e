"""The meaning of a criterion over columns: Polars expressions that agree with criteria.py row by row.

They expect the columns of engine/projections/columns.py, sorted by (journey, occurred_at, position), `first`: true
at a journey's first row, `value` where the criterion weighs something, and what with_assessments adds. Every expression
is null-free: ~null is null, and a null would fire or hide a stage.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import and_, or_
from typing import Final

import polars as pl

from engine.stages.criteria import AmountAtLeast, Criterion
from engine.stages.facts import KINDS, VALUED
from engine.values import Dimension, TouchKind, Verdict

CODE: Final = {kind: code for code, kind in enumerate(KINDS)}
TOUCH: Final = {kind.value: code for code, kind in enumerate(TouchKind)}
TOUCH_MASK: Final = 15
"""the lower bits of a touch's code tell its kind"""
VERDICTS: Final = tuple(Verdict)
VERDICT: Final = {verdict.value: code for code, verdict in enumerate(VERDICTS)}
DIMENSION: Final = {dimension.value: code for code, dimension in enumerate(Dimension)}

kind, code, value, first = (pl.col(name) for name in ("kind", "code", "value", "first"))


def is_kind(*names: str) -> pl.Expr:
    """Rows of these kinds of event."""
    codes = [CODE[name] for name in names]
    return kind == codes[0] if len(codes) == 1 else kind.is_in(codes)


def either(conditions: list[pl.Expr]) -> pl.Expr:
    return joined(or_, conditions) if conditions else pl.lit(False)


def joined(both: Callable[[pl.Expr, pl.Expr], pl.Expr], conditions: list[pl.Expr]) -> pl.Expr:
    """Joined by halves: what Polars needs to plan a chain grows with the cube of its length."""
    if len(conditions) == 1:
        return conditions[0]
    half = len(conditions) // 2
    return both(joined(both, conditions[:half]), joined(both, conditions[half:]))


def bears(leaf: Criterion, signals: Mapping[str, int]) -> pl.Expr:
    """Rows that the leaf speaks of."""
    if leaf.event is not None or leaf.happened is not None:
        return is_kind(leaf.event or leaf.happened or "")
    if leaf.touch is not None:
        return is_touch(leaf.touch.kind)
    if leaf.touches is not None:
        return is_touch(leaf.touches.kind)
    if leaf.signal is not None:
        return is_kind("SignalRecorded") & code.is_in([signals[name] for name in leaf.signal if name in signals])
    if leaf.bant is not None or leaf.bant_confirmed is not None:
        return is_kind("BantAssessed")
    if leaf.proposals is not None:
        return is_kind("ProposalSent")
    if leaf.amount is not None:
        return is_kind(*sorted(VALUED))
    return is_kind("Scored")


def is_touch(kinds: tuple[TouchKind, ...] | None) -> pl.Expr:
    if kinds is None:
        return is_kind("Touched")
    return is_kind("Touched") & (code & TOUCH_MASK).is_in([TOUCH[name] for name in kinds])


def counted(rows: pl.Expr) -> pl.Expr:
    """How many such rows the journey has had, this one included: a global count less its value before the journey."""
    so_far = rows.cast(pl.Int64).cum_sum()
    return so_far - pl.when(first).then(so_far - rows.cast(pl.Int64)).otherwise(0).cum_max()


def carried(rows: pl.Expr, what: pl.Expr, at_first: int) -> pl.Expr:
    """The newest value of `what` on such rows of the journey, at_first before there is one."""
    return pl.when(rows).then(what).when(first).then(pl.lit(at_first, pl.Int64)).forward_fill()


def with_assessments(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Adds what verdict_of needs, in 32 bits, which take half the time: enough for 500 million rows at once."""
    row, assessed = pl.int_range(pl.len(), dtype=pl.Int32) * 4, is_kind("BantAssessed")
    return rows.with_columns(
        dimension=pl.when(assessed).then(code // 3).cast(pl.UInt8),
        told=row + code % 3,
        untold=pl.when(first).then(row + VERDICT["unknown"]).otherwise(0),
    )


def verdict_of(dimension: str) -> pl.Expr:
    """The newest verdict: small enough to go with its row's number, and the highest number so far is the newest."""
    now = (pl.col("dimension") == DIMENSION[dimension]).fill_null(False)
    return pl.when(now).then("told").otherwise("untold").cum_max() & 3


def valued() -> pl.Expr:
    """Rows that say what the journey is worth: their code is the currency."""
    return is_kind(*sorted(VALUED)) & (code >= 0)


def has_number() -> pl.Expr:
    """Rows that have a `value` beside their code (engine/projections/columns.py)."""
    return valued() | is_kind("Scored", "PipelineChanged")


def weighs(criterion: Criterion) -> bool:
    """Whether it looks at values: an amount, a score."""
    return any(leaf.amount is not None or leaf.score is not None for leaf in criterion.leaves())


def holds(criterion: Criterion, signals: Mapping[str, int], currencies: Mapping[str, int]) -> pl.Expr:
    """Rows at which the criterion is true, with the running facts up to and including the row."""
    c = criterion
    if c.any is not None:
        return either([holds(part, signals, currencies) for part in c.any])
    if c.all is not None:
        return joined(and_, [holds(part, signals, currencies) for part in c.all])
    if c.negated is not None:
        return ~holds(c.negated, signals, currencies)
    if c.happened is not None:
        return counted(is_kind(c.happened)) > 0
    if c.bant is not None:
        return verdict_of(c.bant.dimension) == VERDICT[c.bant.verdict]
    if c.bant_confirmed is not None:
        confirmed = [(verdict_of(name) == VERDICT["confirmed"]).cast(pl.Int8) for name in DIMENSION]
        return pl.sum_horizontal(confirmed) >= c.bant_confirmed.at_least
    if c.touches is not None:
        return counted(is_touch(c.touches.kind)) >= c.touches.at_least
    if c.proposals is not None:
        return counted(is_kind("ProposalSent")) >= c.proposals.at_least
    if c.amount is not None:
        return amount_reaches(c.amount, currencies)
    if c.score is not None:
        scored = is_kind("Scored")
        fit = carried(scored & (code >= 0), code.cast(pl.Int64), 0)
        engagement = carried(scored & value.is_not_null(), value, 0)
        return fit + engagement >= c.score.at_least
    return bears(c, signals)


def amount_reaches(threshold: AmountAtLeast, currencies: Mapping[str, int]) -> pl.Expr:
    amount = carried(valued(), value, -1)
    currency = carried(valued(), code.cast(pl.Int64), -1)
    named = [name for name in currencies if threshold.currency in (None, name)]
    return either([(currency == currencies[name]) & (amount >= threshold.minor(name)) for name in named])


def fires(
    rows: pl.DataFrame, criteria: Sequence[Criterion], signals: Mapping[str, int], currencies: Mapping[str, int]
) -> list[pl.Series]:
    """For each criterion the rows at which some branch is looked at and holds: a mask as long as the rows.

    A branch that counts is computed on the rows that bear on it alone: no other changes what it counts.
    """
    at_once, counting = [], []
    for number, criterion in enumerate(criteria):
        branches = criterion.branches()
        told = [looked_at(part, signals) & holds(part, signals, currencies) for part in branches if not counts(part)]
        at_once.append(either(told).alias(str(number)))
        counting += [(number, branch) for branch in branches if counts(branch)]
    begins = (pl.col("journey") != pl.col("journey").shift()).fill_null(True)
    plans = []
    for _, branch in counting:
        bearing = rows.lazy().with_row_index("place").filter(looked_at(branch, signals)).with_columns(first=begins)
        plans.append(with_assessments(bearing).filter(holds(branch, signals, currencies)).select("place"))
    masks, *found = pl.collect_all([rows.lazy().select(pl.repeat(False, pl.len()).alias("none"), *at_once), *plans])
    fired = masks.drop("none").get_columns()
    for (number, _), places in zip(counting, found, strict=True):
        fired[number] = fired[number].scatter(places.to_series(), True)
    return fired


def counts(criterion: Criterion) -> bool:
    """Whether it speaks of more than the very event at which it is looked at."""
    return any(leaf.event is None and leaf.touch is None and leaf.signal is None for leaf in criterion.leaves())


def looked_at(criterion: Criterion, signals: Mapping[str, int]) -> pl.Expr:
    """Rows that bear on any leaf of the criterion: nothing else can fire it or change what it counts."""
    return either([bears(leaf, signals) for leaf in criterion.leaves()])
