"""`check`: everything derived again, journey by journey, by the plain fold, and held against the live answers."""

from collections import defaultdict
from collections.abc import Iterator

from engine.log.application import Log
from engine.projections.activity import activity
from engine.projections.board import board
from engine.projections.conversion import Conversion, conversion
from engine.projections.cycle_time import CycleTime, cycle_time
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.losses import losses
from engine.projections.trend import trend
from engine.projections.velocity import velocity
from engine.projections.views import Views
from engine.projections.win_rate import win_rate
from engine.stages.definition import Definition
from engine.stages.facts import Fact, Life, life
from engine.stages.fold import Trail, Visit, fold
from engine.values import Dimension
from replay import plain_answers as plain
from replay.plain import Difference, Progress, read_plain

MERGED = frozenset({"LeadMerged", "DealMerged"})
MONTHS = 36
"""newest months whose trend is checked"""
LISTED = 1_000
"""differences that are listed of one kind; more would not help anybody"""


def silent(done: int, total: int) -> None:
    """No progress shown."""


def verify(log: Log, views: Views | None = None, progress: Progress = silent) -> list[Difference]:
    """What differs between the log and the live answers over it, and what is wrong with the log itself; [] is well.

    views: those that serve (new ones without). Every pipeline is checked by the definition in force now: each
    journey's visits and figures cell by cell, then the answers' own numbers. Takes about 30 µs an event.
    """
    views = views or Views(log)
    views.catch_up()
    read = read_plain(log, progress)
    found = read.differences[:LISTED]
    lives = {journey: life(facts) for journey, facts in read.journeys.items()}
    for pipeline in views.pipelines():
        look = views.look(pipeline, Lens.of())
        there = {journey: alive for journey, alive in lives.items() if was_in(pipeline, alive)}
        trails = {journey: fold(alive, look.definition) for journey, alive in there.items()}
        trails = {journey: trail for journey, trail in trails.items() if trail.visits}
        found += list(visits_differ(look, trails))[:LISTED]
        found += list(journeys_differ(look, lives, trails))[:LISTED]
        found += list(answers_differ(look, lives, trails))
    return found


def was_in(pipeline: str, alive: Life) -> bool:
    """Whether the journey was ever in the pipeline; of the others no visit is expected."""
    return alive.pipeline == pipeline or any(fact.pipeline == pipeline for fact in alive.entries)


def visits_differ(look: Look, trails: dict[str, Trail]) -> Iterator[Difference]:
    """Visit by visit: stage, entered and left when, how."""
    ids = dict(look.journeys.select("journey", "journey_id").iter_rows())
    live: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    columns = ("journey", "stage", "entered_at", "entered_position", "left_at", "how")
    for journey, stage, *rest in look.visits.select(columns).iter_rows():
        live[ids[journey]].append((look.definition.key_of(stage), *rest))
    for journey in trails.keys() | live.keys():
        expected = [(v.stage, v.entered_at, v.entered_position, v.left_at, v.how) for v in visits_of(trails, journey)]
        if expected != live.get(journey, []):
            yield Difference("visits", f"{look.pipeline}, journey {journey}", str(expected), str(live.get(journey)))


def visits_of(trails: dict[str, Trail], journey: str) -> list[Visit]:
    return list(trails[journey].visits) if journey in trails else []


def journeys_differ(look: Look, lives: dict[str, Life], trails: dict[str, Trail]) -> Iterator[Difference]:
    """Journey by journey: where it stands and since when, value, BANT, scores, touches."""
    names = list(expected_row(look.definition, Trail(), ()).keys())
    live = {row["journey_id"]: row for row in look.journeys.select("journey_id", *names).iter_rows(named=True)}
    for journey, trail in trails.items():
        expected = expected_row(look.definition, trail, lives[journey].entries)
        row = live.get(journey, {})
        for name, value in expected.items():
            if row.get(name) != value:
                where = f"{look.pipeline}, journey {journey}, {name}"
                yield Difference("journey", where, str(value), str(row.get(name)))


def expected_row(definition: Definition, trail: Trail, entries: tuple[Fact, ...]) -> dict[str, object]:
    """What the journeys frame should say of a journey."""
    last = trail.visits[-1] if trail.visits else None
    stands = last is not None and last.left_at is None
    touches = [fact.occurred_at for fact in entries if fact.kind == "Touched"]
    running = trail.running
    merged = any(fact.kind in MERGED for fact in entries)
    outcome = plain.outcome(definition, trail, Life(None, entries)) if last else None
    closed = outcome in ("won", "lost", "disqualified") and not merged
    return {
        "outcome": "merged" if merged else outcome,
        "close_amount_minor": plain.worth_at_close(definition, trail, entries)[0] if closed else None,
        "stage": definition.ranks.get(last.stage, -1) if last and stands else None,
        "stage_since": last.entered_at if last and stands else None,
        "opened_at": entries[0].occurred_at if entries else None,
        "amount_minor": running.amount_minor,
        "currency": running.currency,
        "touches": len(touches),
        "first_touch_at": touches[0] if touches else None,
        "last_touch_at": touches[-1] if touches else None,
        **{dimension.value: running.verdicts.get(dimension, "unknown") for dimension in Dimension},
    }


def answers_differ(look: Look, lives: dict[str, Life], trails: dict[str, Trail]) -> Iterator[Difference]:
    """The numbers of the answers against those added up one journey at a time."""
    journeys = [
        (trail, lives[journey])
        for journey, trail in trails.items()
        if not any(fact.kind in MERGED for fact in lives[journey].entries)
    ]
    alone = [trail for trail, _ in journeys]
    definition = look.definition
    funnel, times, rates = conversion(look), cycle_time(look), win_rate(look)
    for name, expected, found in (
        ("board", plain.standing(alone), standing(look)),
        ("board value", plain.worth(alone), board_value(look)),
        ("conversion", plain.passed(definition, alone), passed(funnel)),
        ("overall", plain.overall(definition, alone), funnel.overall.model_dump(exclude={"conversion"})),
        (
            "transitions",
            plain.transitions(alone),
            {f"{row.from_stage} to {row.to}": row.n for row in funnel.transitions},
        ),
        ("cycle time", plain.cycles(definition, journeys), cycles(times)),
        ("time in stage", plain.stays(alone), stays(times)),
        ("win rate", plain.outcomes(definition, journeys), rates.model_dump(include={"won", "lost", "open"})),
        ("won value", plain.won_value(definition, journeys), {v.currency: v.amount for v in rates.won_value}),
        ("qualified", plain.qualified(definition, journeys), ready(look)),
        ("losses", plain.losses(definition, journeys), {str(row.stage): row.n for row in losses(look).stages}),
        (
            "touches",
            plain.touches(alive for _, alive in journeys),
            {row.kind: row.touches for row in activity(look).kinds},
        ),
        ("trend", plain.months(definition, journeys, by_month(look)), by_month(look)),
    ):
        for key in sorted(expected.keys() | found.keys()):
            if (expected.get(key) or 0) != (found.get(key) or 0):
                yield Difference(name, f"{look.pipeline}, {key}", str(expected.get(key)), str(found.get(key)))


def ready(look: Look) -> plain.Numbers:
    return {"ever": win_rate(look).qualified, "open": velocity(look).qualified_open}


def by_month(look: Look) -> plain.Numbers:
    """What the newest months brought, as it is seen now."""
    points = trend(look, count=MONTHS).points
    return {
        f"{point.period} {part}": getattr(point.now, part) for point in points for part in ("entered", "won", "lost")
    }


def standing(look: Look) -> plain.Numbers:
    found = board(look)
    return {row.stage: row.count for row in (*found.stages, found.unmapped)}


def board_value(look: Look) -> plain.Numbers:
    found = board(look)
    return {
        f"{row.stage} {value.currency}": value.amount for row in (*found.stages, found.unmapped) for value in row.value
    }


def passed(funnel: Conversion) -> plain.Numbers:
    return {f"{row.stage} {part}": getattr(row, part) for row in funnel.stages for part in ("entered", *plain.PARTS)}


def cycles(times: CycleTime) -> plain.Numbers:
    kinds = {"won": times.won, "lost": times.lost, "disqualified": times.disqualified, "closed": times.closed}
    return {f"{name} {figure}": value for name, each in kinds.items() for figure, value in each.model_dump().items()}


def stays(times: CycleTime) -> plain.Numbers:
    timed = ("n", "p50_seconds", "p85_seconds", "p90_seconds", "mean_seconds", "open_n")
    return {f"{row.stage} {name}": getattr(row, name) for row in (*times.stages, times.unmapped) for name in timed}
