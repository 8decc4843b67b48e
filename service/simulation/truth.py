"""What the answers over a simulated history should say, computed from the parameters and never from the history.

Returns, skips, reopenings and transfers count as in docs/metrics.md, and are worked through exactly:

- conversion of a stage: over the states in which journeys first enter it, the probability of ever reaching a higher
  stage of the same pipeline that is not lost. Skipping the next stage advances; a later return takes nothing back.
- win rate: won / (won + lost) of what is decided last; a lead lost in the first stage is disqualified, not lost.
- time from opening to the win that stands: all times share one scale, so a way through the stages whose shapes add up
  to k takes a Gamma(k) time, and all ways together a mixture of these, whose median is found by bisection.
- average won value: units, product and discount are drawn independently of the way.

They hold of journeys that had time to end: opened MATURE_DAYS before the end of the history, or earlier. Merged and
void journeys, which the answers leave out, are drawn independently of everything.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from math import exp, sqrt

from engine.values import Value, exponent
from service.simulation.chain import State, beginnings, pause, shape, states, ways
from service.simulation.parameters import Parameters

MATURE_DAYS = 240
"""One journey in some ten thousand takes longer."""
Mixture = dict[int, float]
"""probability by shape"""


class Expected(Value):
    value: float
    spread: float
    """of one journey: the standard error of the figure over n journeys is spread / sqrt(n)"""


class PipelineTruth(Value):
    conversion: dict[str, Expected]
    """by stage, open ones and won"""
    win_rate: Expected
    win_rate_by_source: dict[str, Expected]
    won_days_p50: Expected
    """days from opening to won"""
    average_won: dict[str, Expected]
    """by currency, in major units"""


class Truth(Value):
    mature_days: int
    """holds of journeys opened so long before the end, or longer"""
    pipelines: dict[str, PipelineTruth]


def truth_of(of: Parameters) -> Truth:
    worth = average_won(of)
    fates = {source: fate_of(source, of) for source in of.sources}
    found = {}
    for pipeline in of.pipelines:
        rates = {source: decided(fate, pipeline) for source, fate in fates.items()}
        shares = {source: of.sources[source].share for source in of.sources}
        won = sum(shares[source] * rate[0] for source, rate in rates.items())
        lost = sum(shares[source] * rate[1] for source, rate in rates.items())
        found[pipeline] = PipelineTruth(
            conversion=dict(conversions(pipeline, of)),
            win_rate=bernoulli(won / (won + lost)),
            win_rate_by_source={source: bernoulli(rate[0] / sum(rate)) for source, rate in rates.items()},
            won_days_p50=median(won_shapes(fates, shares, pipeline), of.scale_days),
            average_won=worth,
        )
    return Truth(mature_days=MATURE_DAYS, pipelines=found)


def bernoulli(share: float) -> Expected:
    return Expected(value=share, spread=sqrt(share * (1 - share)))


def conversions(pipeline: str, of: Parameters) -> Iterator[tuple[str, Expected]]:
    stages = [way.stage for way in of.pipelines[pipeline].stages]
    for place, key in enumerate([*stages, "won"]):
        entered = advanced = 0.0
        for source, about in of.sources.items():
            first, further = passing(pipeline, place, source, of)
            entered += about.share * sum(first.values())
            advanced += about.share * sum(share * further[state] for state, share in first.items())
        yield key, bernoulli(advanced / entered)


def passing(pipeline: str, place: int, source: str, of: Parameters) -> tuple[dict[State, float], dict[State, float]]:
    """Where journeys first enter the stage, by probability; and from each state, how probable a higher one is."""
    leak = of.sources[source].leak

    @cache
    def further(state: State) -> float:
        if state.pipeline == pipeline and state.stage > place:
            return 1.0
        return sum(way.probability * further(way.to) for way in ways(state, leak, of) if way.to is not None)

    @cache
    def first(state: State) -> tuple[tuple[State, float], ...]:
        if (state.pipeline, state.stage) == (pipeline, place):
            return ((state, 1.0),)
        found: dict[State, float] = defaultdict(float)
        for way in ways(state, leak, of):
            for there, share in first(way.to) if way.to is not None else ():
                found[there] += way.probability * share
        return tuple(found.items())

    entered: dict[State, float] = defaultdict(float)
    for start, weight in beginnings(source, of).items():
        for there, share in first(start):
            entered[there] += weight * share
    return entered, {state: further(state) for state in states(of)}


Fate = dict[tuple[str, str, int], float]
"""probability by outcome (won, lost, disqualified), the pipeline it ends in, and the shape of the time until then"""


def fate_of(source: str, of: Parameters) -> Fate:
    leak = of.sources[source].leak

    @cache
    def fate(state: State) -> tuple[tuple[tuple[str, str, int], float], ...]:
        found: Fate = defaultdict(float)
        won = state.stage >= len(of.pipelines[state.pipeline].stages)
        for way in ways(state, leak, of):
            spent = shape(state, way.what, of) + pause(state, way.what, of)
            if won and way.what != "reopened":
                found["won", state.pipeline, 0] += way.probability
            elif way.to is not None:
                for (outcome, pipeline, later), share in fate(way.to):
                    found[outcome, pipeline, spent + later] += way.probability * share
            elif way.what == "lost":
                outcome = "disqualified" if state.converts_at and state.stage == 0 else "lost"
                found[outcome, state.pipeline, spent] += way.probability
        return tuple(found.items())

    whole: Fate = defaultdict(float)
    for start, weight in beginnings(source, of).items():
        for key, share in fate(start):
            whole[key] += weight * share
    return whole


def decided(fate: Fate, pipeline: str) -> tuple[float, float]:
    """Probability of won and of lost in the pipeline."""
    sums = dict.fromkeys(("won", "lost", "disqualified"), 0.0)
    for (outcome, where, _), share in fate.items():
        if where == pipeline:
            sums[outcome] += share
    return sums["won"], sums["lost"]


def won_shapes(fates: dict[str, Fate], shares: dict[str, float], pipeline: str) -> Mixture:
    mixture: Mixture = defaultdict(float)
    for source, fate in fates.items():
        for (outcome, where, spent), share in fate.items():
            if outcome == "won" and where == pipeline:
                mixture[spent] += shares[source] * share
    total = sum(mixture.values())
    return {spent: share / total for spent, share in mixture.items()}


def median(mixture: Mixture, scale: float) -> Expected:
    """Of a mixture of Gamma distributions with whole shapes; spread by the density there."""
    low, high = 0.0, 100.0 * max(mixture)
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if below(mixture, middle) < 0.5 else (low, middle)
    density = sum(share * poisson(low, spent - 1) for spent, share in mixture.items()) / scale
    return Expected(value=low * scale, spread=0.5 / density)


def below(mixture: Mixture, x: float) -> float:
    """Probability of less than x, in units of the scale."""
    return sum(share * (1 - sum(poisson(x, i) for i in range(spent))) for spent, share in mixture.items())


def poisson(x: float, count: int) -> float:
    chance = exp(-x)
    for i in range(1, count + 1):
        chance *= x / i
    return chance


def average_won(of: Parameters) -> dict[str, Expected]:
    numbers = range(1, of.units + 1)
    found = {}
    for currency in of.currencies:
        worths = [
            (share * off_share / of.units / sum(of.products.values()), units * price * (100 - off) / 100)
            for product, share in of.products.items()
            for price in [of.unit_prices[product][currency] / 10 ** exponent(currency)]
            for units in numbers
            for off, off_share in of.discounts.items()
        ]
        mean = sum(share * worth for share, worth in worths)
        square = sum(share * worth**2 for share, worth in worths)
        found[currency] = Expected(value=mean, spread=sqrt(square - mean**2))
    return found
