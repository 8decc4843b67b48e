"""The ways of a journey as a Markov chain: from each state, where to and with which probability.

walk.py draws from it, truth.py computes from it what the answers should say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from service.simulation.parameters import Parameters, StageWay

What = Literal["advanced", "returned", "transferred", "lost", "reopened", "silent", "after_sale", "done"]
"""How a stay ends. reopened: lost (or won), and reopened after a pause; done: won, and nothing more comes."""


class State(NamedTuple):
    pipeline: str
    stage: int
    """place among the open stages; one past them is won, two past them after the sale"""
    converts_at: int
    """of a lead: the stage at which it becomes a deal; 0: it is a deal"""
    returned: bool = False
    reopened: bool = False
    transferred: bool = False


@dataclass(frozen=True)
class Way:
    probability: float
    what: What
    to: State | None
    """None: nothing follows"""


def ways(state: State, leak: float, of: Parameters) -> Iterator[Way]:
    """All ways out of the state; the probabilities add up to 1."""
    stages = of.pipelines[state.pipeline].stages
    won = len(stages)
    if state.stage > won:
        yield Way(1, "done", None)
    elif state.stage == won:
        again = 0 if state.reopened else of.won_reopened
        proposal = state._replace(stage=3, reopened=True)
        if again:
            yield Way(again, "reopened", proposal)
        yield Way((1 - again) * of.satisfied, "after_sale", state._replace(stage=won + 1))
        yield Way((1 - again) * (1 - of.satisfied), "done", None)
    else:
        yield from open_ways(state, stages, leak, of)


def open_ways(state: State, stages: tuple[StageWay, ...], leak: float, of: Parameters) -> Iterator[Way]:
    way = stages[state.stage]
    back = 0 if state.returned else way.returned
    other = [name for name in of.pipelines if name != state.pipeline]
    leaves = way.transferred if other and not state.transferred else 0
    rest = 1 - back - leaves
    if back:
        names = [each.stage for each in stages]
        yield Way(back, "returned", state._replace(stage=names.index(way.back_to or ""), returned=True))
    if leaves:
        yield Way(leaves, "transferred", state._replace(pipeline=other[0], transferred=True))
    fails = leak * (1 - way.advance)
    for steps, share in ((1, 1 - way.skip), (2, way.skip)):
        if share:
            yield Way(rest * (1 - fails) * share, "advanced", arriving(state, state.stage + steps))
    yield Way(rest * fails * way.silent, "silent", None)
    lost = rest * fails * (1 - way.silent)
    again = 0 if state.reopened else way.reopened
    yield Way(lost * (1 - again), "lost", None)
    if again:
        yield Way(lost * again, "reopened", state._replace(reopened=True))


def arriving(state: State, stage: int) -> State:
    """In a later stage; a lead becomes a deal on its way there."""
    return state._replace(stage=stage, converts_at=0 if stage >= state.converts_at else state.converts_at)


def beginnings(source: str, of: Parameters) -> dict[State, float]:
    """Where journeys of a source begin."""
    leads = of.sources[source].leads
    starts = {0: 1 - leads, 1: leads * (1 - of.converts_late), 2: leads * of.converts_late}
    total = sum(ways.share for ways in of.pipelines.values())
    return {
        State(pipeline, 0, converts_at): ways.share / total * share
        for pipeline, ways in of.pipelines.items()
        for converts_at, share in starts.items()
    }


def shape(state: State, what: What, of: Parameters) -> int:
    """Shape of the time from entering the state to the end of the stay, by the way out."""
    stages = of.pipelines[state.pipeline].stages
    if state.stage < len(stages):
        return stages[state.stage].shape
    return of.pause_shape if what == "reopened" else of.satisfied_shape


def pause(state: State, what: What, of: Parameters) -> int:
    """Shape of the time between a loss and its reopening; 0 elsewhere."""
    return of.pause_shape if what == "reopened" and state.stage < len(of.pipelines[state.pipeline].stages) else 0


def states(of: Parameters) -> list[State]:
    """Every state that can be reached, in a fixed order."""
    found: dict[State, None] = {}
    waiting = [state for source in of.sources for state in beginnings(source, of)]
    while waiting:
        state = waiting.pop()
        if state not in found:
            found[state] = None
            waiting += [way.to for way in ways(state, 1, of) if way.to is not None]
    return sorted(found)
