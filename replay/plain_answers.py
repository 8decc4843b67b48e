"""The answers' main numbers, added up one journey at a time in plain Python from the trails of the plain fold."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from engine.stages.definition import TRANSFERRED_KEY, UNMAPPED, Definition
from engine.stages.facts import VALUED, Fact, Life
from engine.stages.fold import Trail, Visit
from engine.values import exponent, from_micros

Numbers = Mapping[str, object]
PARTS = ("advanced", "lost", "moved_back", "transferred", "still_there")


def standing(trails: Iterable[Trail]) -> Numbers:
    """Journeys by the stage they stand in."""
    return Counter(trail.stage for trail in trails if trail.stage is not None)


def worth(trails: Iterable[Trail]) -> Numbers:
    """What stands in each stage is worth, by stage and currency, in major units."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for trail in trails:
        running = trail.running
        if trail.stage is not None and running.amount_minor is not None and running.currency is not None:
            sums[trail.stage, running.currency] += running.amount_minor
    return {f"{stage} {currency}": in_major(minor, currency) for (stage, currency), minor in sums.items()}


def in_major(minor: int, currency: str) -> str:
    return format(Decimal(minor).scaleb(-exponent(currency)), "f")


def passed(definition: Definition, trails: Iterable[Trail]) -> Numbers:
    """Where the journeys that entered each stage went."""
    counts: Counter[str] = Counter()
    for trail in trails:
        ranks = [rank_of(definition, visit) for visit in trail.visits]
        for rank in set(ranks) - {UNMAPPED}:
            if definition.kind_of(rank) != "lost":
                later = ranks[ranks.index(rank) + 1 :]
                stage = definition.key_of(rank)
                counts[f"{stage} entered"] += 1
                counts[f"{stage} {place(definition, rank, later, stands=trail.stage is not None)}"] += 1
    return counts


def place(definition: Definition, rank: int, later: Sequence[int], *, stands: bool) -> str:
    """What became of a journey after it first entered the stage of this rank."""
    if any(other > rank and definition.kind_of(other) != "lost" for other in later):
        return "advanced"
    if not stands:
        return "transferred"
    last = later[-1] if later else rank
    if definition.kind_of(last) == "lost":
        return "lost"
    return "moved_back" if last < rank else "still_there"


def rank_of(definition: Definition, visit: Visit) -> int:
    return definition.ranks.get(visit.stage, UNMAPPED)


def outcome(definition: Definition, trail: Trail, life: Life) -> str:
    """open | won | lost | disqualified | transferred"""
    last = trail.visits[-1]
    kind = definition.kind_of(rank_of(definition, last))
    if last.left_at is not None:
        return "transferred"
    if kind in ("won", "after_sale"):
        return "won"
    if kind != "lost":
        return "open"
    by = next(fact.kind for fact in life.entries if fact.position == last.entered_position)
    ranks = [rank_of(definition, visit) for visit in trail.visits]
    qualified = any(rank >= definition.qualified_rank and definition.kind_of(rank) != "lost" for rank in ranks)
    return "disqualified" if by == "LeadDisqualified" and not qualified else "lost"


def closed_at(definition: Definition, trail: Trail) -> int:
    """When the standing win or loss happened (microseconds)."""
    return closing_of(definition, trail).entered_at


def closing_of(definition: Definition, trail: Trail) -> Visit:
    """The visit that began with the standing win or loss."""
    return [visit for visit in trail.visits if definition.kind_of(rank_of(definition, visit)) in ("won", "lost")][-1]


def cycles(definition: Definition, journeys: Iterable[tuple[Trail, Life]]) -> Numbers:
    """Number, quantiles and mean of the seconds from opened to close, by what the close was; closed: won and lost."""
    spans: dict[str, list[int]] = {"won": [], "lost": [], "disqualified": []}
    for trail, life in journeys:
        ended = outcome(definition, trail, life)
        if ended in spans:
            spans[ended].append(closed_at(definition, trail) - life.entries[0].occurred_at)
    spans["closed"] = spans["won"] + spans["lost"]
    return {f"{name} {figure}": value for name, each in spans.items() for figure, value in figures(each).items()}


def stays(trails: Iterable[Trail]) -> Numbers:
    """Number, quantiles and mean of the seconds spent in each stage, a journey's completed visits together."""
    spans: dict[str, list[int]] = defaultdict(list)
    lasting: Counter[str] = Counter()
    for trail in trails:
        spent: dict[str, int] = {}
        for visit in trail.visits:
            if visit.left_at is None:
                lasting[f"{visit.stage} open_n"] += 1
            else:
                spent[visit.stage] = spent.get(visit.stage, 0) + visit.left_at - visit.entered_at
        for stage, micros in spent.items():
            spans[stage].append(micros)
    whole = {f"{stage} {figure}": value for stage, each in spans.items() for figure, value in figures(each).items()}
    return whole | lasting


def figures(spans: Sequence[int]) -> Numbers:
    """The fields of Durations, of microseconds."""
    ordered = sorted(spans)
    mean = float(Fraction(sum(ordered), len(ordered) * 1_000_000)) if ordered else None
    quantiles = {f"p{percent}_seconds": quantile(ordered, percent) for percent in (50, 85, 90)}
    return {"n": len(ordered), **quantiles, "mean_seconds": mean}


def overall(definition: Definition, trails: Iterable[Trail]) -> Numbers:
    """What became of all that ever entered the pipeline: won at some time, else where they are."""
    counts: Counter[str] = Counter()
    for trail in trails:
        kinds = [definition.kind_of(rank_of(definition, visit)) for visit in trail.visits]
        counts["entered"] += 1
        if "won" in kinds:
            counts["won"] += 1
        elif trail.stage is None:
            counts["transferred"] += 1
        else:
            counts["lost" if kinds[-1] == "lost" else "open"] += 1
    return counts


def transitions(trails: Iterable[Trail]) -> Numbers:
    """How often a visit was followed by which other, or by another pipeline."""
    counts: Counter[str] = Counter()
    for trail in trails:
        # Event by event: who leaves and returns at the same moment has left all the same.
        for before, after in pairwise(step.stage for step in trail.steps):
            if before is not None and after != before:
                counts[f"{before} to {TRANSFERRED_KEY if after is None else after}"] += 1
    return counts


def won_value(definition: Definition, journeys: Iterable[tuple[Trail, Life]]) -> Numbers:
    """What the won were worth when they were won, by currency, in major units."""
    sums: dict[str, int] = defaultdict(int)
    for trail, life in journeys:
        if outcome(definition, trail, life) == "won":
            minor, currency = worth_at_close(definition, trail, life.entries)
            if minor is not None and currency is not None:
                sums[currency] += minor
    return {currency: in_major(minor, currency) for currency, minor in sums.items()}


def worth_at_close(
    definition: Definition, trail: Trail, entries: Sequence[Fact]
) -> tuple[int, str] | tuple[None, None]:
    """The journey's value when its standing win or loss happened, in minor units, and the currency."""
    closing = closing_of(definition, trail).entered_position
    known: tuple[int, str] | tuple[None, None] = (None, None)
    for fact in entries:
        if fact.kind in VALUED and fact.amount_minor is not None and fact.currency is not None:
            known = (fact.amount_minor, fact.currency)
        if fact.position == closing:
            break
    return known


def quantile(ordered: Sequence[int], percent: int) -> float | None:
    """Type 7, of microseconds, in seconds."""
    if not ordered:
        return None
    low, rest = divmod((len(ordered) - 1) * percent, 100)
    above = ordered[min(low + 1, len(ordered) - 1)]
    return float(Fraction(ordered[low] * (100 - rest) + above * rest, 100_000_000))


def outcomes(definition: Definition, journeys: Iterable[tuple[Trail, Life]]) -> Numbers:
    """Journeys won, lost and open."""
    counts = Counter(outcome(definition, trail, life) for trail, life in journeys)
    return {name: counts[name] for name in ("won", "lost", "open")}


def qualified(definition: Definition, journeys: Iterable[tuple[Trail, Life]]) -> Numbers:
    """Journeys that were ever qualified, and those of them that are open."""
    counts: Counter[str] = Counter()
    for trail, life in journeys:
        ranks = [rank_of(definition, visit) for visit in trail.visits]
        if any(rank >= definition.qualified_rank and definition.kind_of(rank) != "lost" for rank in ranks):
            counts["ever"] += 1
            counts["open"] += outcome(definition, trail, life) == "open"
    return counts


def losses(definition: Definition, journeys: Iterable[tuple[Trail, Life]]) -> Numbers:
    """Journeys that stand lost, unfit ones too, by the stage before (None: lost as they came)."""
    counts: Counter[str] = Counter()
    for trail, life in journeys:
        if outcome(definition, trail, life) in ("lost", "disqualified"):
            place = trail.visits.index(closing_of(definition, trail))
            counts[str(trail.visits[place - 1].stage if place else None)] += 1
    return counts


def touches(lives: Iterable[Life]) -> Numbers:
    """Touches by kind."""
    return Counter(fact.touch or "" for life in lives for fact in life.entries if fact.kind == "Touched")


def months(definition: Definition, journeys: Iterable[tuple[Trail, Life]], asked: Iterable[str]) -> Numbers:
    """What entered, was won and was lost by month (UTC), `2026-02 won`; those that are asked for."""
    counts: Counter[str] = Counter()
    for trail, life in journeys:
        counts[f"{from_micros(trail.visits[0].entered_at):%Y-%m} entered"] += 1
        ended = outcome(definition, trail, life)
        if ended in ("won", "lost"):
            counts[f"{from_micros(closed_at(definition, trail)):%Y-%m} {ended}"] += 1
    return {name: counts[name] for name in asked}
