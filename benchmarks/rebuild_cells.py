"""The figures that every way of rebuilding must agree on, by name: 'passed contact advanced', 'cycle won p50'.

Money is in minor units, time in seconds. What is nought or missing in one way may be missing or nought in another.
"""

from collections.abc import Mapping
from math import isclose

from benchmarks.slow_ways import Facts
from engine.projections.board import Board
from engine.projections.conversion import Conversion
from engine.projections.cycle_time import CycleTime
from engine.projections.likelihood import ENOUGH
from engine.projections.win_rate import WinRate
from engine.stages.definition import Definition
from engine.stages.facts import life
from engine.stages.fold import Trail
from replay import plain_answers as plain

Cells = dict[str, float]
QUANTILES = (50, 85, 90)
AGREE = 1e-9
"""relative; the others compute with floats"""


def cells_of(board: Board, funnel: Conversion, times: CycleTime, rates: WinRate) -> Cells:
    """Out of our answers."""
    cells: dict[str, float | None] = {}
    for standing in (*board.stages, board.unmapped):
        cells[f"standing {standing.stage}"] = standing.count
        cells[f"age {standing.stage} p50"] = standing.age_p50_seconds
        for money in standing.value:
            cells[f"worth {standing.stage}"] = minor(money.amount)
    cells |= {f"likelihood {stage.stage}": stage.likelihood for stage in board.stages}
    for stage in funnel.stages:
        for part in ("entered", *plain.PARTS):
            cells[f"passed {stage.stage} {part}"] = getattr(stage, part)
    cells |= {f"overall {part}": getattr(funnel.overall, part) for part in ("won", "lost", "open")}
    cells |= {f"transition {row.from_stage} to {row.to}": row.n for row in funnel.transitions}
    spans = {f"cycle {kind}": getattr(times, kind) for kind in ("won", "lost", "disqualified", "closed")}
    for name, found in (spans | {f"stay {row.stage}": row for row in (*times.stages, times.unmapped)}).items():
        cells |= {f"{name} n": found.n, f"{name} mean": found.mean_seconds}
        cells |= {f"{name} p{percent}": getattr(found, f"p{percent}_seconds") for percent in QUANTILES}
    cells |= {f"outcome {name}": getattr(rates, name) for name in ("won", "lost", "open", "disqualified")}
    cells["won value"] = sum(minor(money.amount) for money in rates.won_value)
    return {name: value for name, value in cells.items() if value}


def minor(amount: str) -> int:
    return int(amount.replace(".", ""))


def plain_cells(definition: Definition, trails: Mapping[int, Trail], journeys: Facts, as_of: int) -> Cells:
    """Out of what the slow ways derived, added up one journey at a time."""
    both = [(trail, life(journeys[journey])) for journey, trail in trails.items() if trail.visits]
    alone = [trail for trail, _ in both]
    cells: dict[str, object] = {f"standing {stage}": n for stage, n in plain.standing(alone).items()}
    cells |= {f"worth {key.split()[0]}": minor(str(amount)) for key, amount in plain.worth(alone).items()}
    cells |= {f"passed {key}": n for key, n in plain.passed(definition, alone).items()}
    cells |= {f"overall {key}": n for key, n in plain.overall(definition, alone).items() if key != "entered"}
    cells |= {f"transition {key}": n for key, n in plain.transitions(alone).items()}
    spans = {f"cycle {key}": value for key, value in plain.cycles(definition, both).items()}
    spans |= {f"stay {key}": value for key, value in plain.stays(alone).items() if not key.endswith("open_n")}
    cells |= {key.removesuffix("_seconds"): value for key, value in spans.items()}
    outcomes = [(trail, plain.outcome(definition, trail, alive)) for trail, alive in both]
    for stage in {trail.stage for trail in alone}:
        ages = sorted(as_of - trail.visits[-1].entered_at for trail in alone if trail.stage == stage)
        cells[f"age {stage} p50"] = plain.quantile(ages, 50)
    for stage in (stage.key for stage in definition.stages):
        closed = [how for trail, how in outcomes if how in ("won", "lost") and stage in {v.stage for v in trail.visits}]
        if len(closed) >= ENOUGH:
            cells[f"likelihood {stage}"] = closed.count("won") / len(closed)
    for name in ("won", "lost", "open", "disqualified"):
        cells[f"outcome {name}"] = sum(how == name for _, how in outcomes)
    cells["won value"] = sum(minor(str(amount)) for amount in plain.won_value(definition, both).values())
    return {name: float(str(value)) for name, value in cells.items() if value}


def differences(ours: Cells, theirs: Cells) -> list[str]:
    """Where two ways disagree; [] is well."""
    return [
        f"{name}: {ours.get(name)} here, {theirs.get(name)} there"
        for name in sorted(ours.keys() | theirs.keys())
        if not isclose(ours.get(name, 0), theirs.get(name, 0), rel_tol=AGREE)
    ]
