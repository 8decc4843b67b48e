"""The answers' main numbers, added up one journey at a time in plain Python from the trails of the plain fold."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from engine.stages.definition import UNMAPPED, Definition
from engine.stages.facts import Life
from engine.stages.fold import Trail, Visit
from engine.values import exponent

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
    closings = [v.entered_at for v in trail.visits if definition.kind_of(rank_of(definition, v)) in ("won", "lost")]
    return closings[-1]


def cycles(definition: Definition, journeys: Iterable[tuple[Trail, Life]]) -> Numbers:
    """Number, median and 90th percentile of the seconds from opened to won."""
    spans = sorted(
        closed_at(definition, trail) - life.entries[0].occurred_at
        for trail, life in journeys
        if outcome(definition, trail, life) == "won"
    )
    return {"n": len(spans), "p50_seconds": quantile(spans, 50), "p90_seconds": quantile(spans, 90)}


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
