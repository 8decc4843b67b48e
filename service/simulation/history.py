"""The history itself: pipelines and reps first, then slices of journeys, each written as soon as it is told."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import polars as pl

from engine.aggregates.inputs import PersonRef
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.aggregates.roster.commands import EnrolRep, MoveRep
from engine.aggregates.roster.state import rep_stream
from engine.errors import Rejected
from engine.handle import handle
from engine.knowledge import in_force
from engine.log.application import Log
from engine.log.bulk import append_bulk, existing_events
from engine.log.writes import Erasable, StreamKey
from engine.messages import Command
from engine.stages.definition import load_definition
from engine.streams import load
from engine.values import from_micros
from service.importers.people import cast_of
from service.simulation.between import tell_between
from service.simulation.corrections import tell_corrections
from service.simulation.dice import Dice
from service.simulation.endings import tell_endings
from service.simulation.entries import tell_entries, with_stages
from service.simulation.openings import tell_conversions, tell_openings, with_owners
from service.simulation.settings import ORIGIN, SOURCE, Settings
from service.simulation.telling import Library, Telling
from service.simulation.walk import SELLERS, Model, journeys_of, model_of, stays_of

SLICE = 10_000
"""journeys told at a time; even, for a duplicate stands with the one it repeats"""
DEFINITIONS = {"direct": ("direct-1.yaml", "direct.yaml"), "online": ("online.yaml",)}
"""by pipeline, the versions in order; later ones are published after a third of the time"""
TEAMS = {
    "north": ("rep-01", "Baltic"),
    "south": ("rep-02", "Iberia"),
    "west": ("rep-03", "Atlantic"),
    "east": ("rep-04", "Pannonia"),
}
MOVING = (9, 14, 19)
"""numbers of the reps that change teams on the way"""

Progress = Callable[[int, int | None], None]
"""told the events written, and about how many there will be"""


@dataclass(frozen=True)
class Written:
    journeys: int
    events: int
    """of journeys"""


def simulate(
    log: Log, settings: Settings, progress: Progress = lambda _done, _total: None, size: int = SLICE
) -> Written:
    """Writes the whole history; Rejected where the log holds it, or other stages under the pipelines' keys.

    size: journeys a slice, even; it changes only the order in which streams are written.
    """
    if size % 2:
        raise ValueError(
            f"slices of {size} journeys would part a duplicate from the one it repeats: use an even number"
        )
    model, dice = model_of(settings.parameters), Dice(settings.run)
    refuse_again(log, dice)
    renamed_at = settings.since + (settings.until - settings.since) // 3
    for pipeline in settings.pipelines:
        publish(log, pipeline, settings, renamed_at)
    people = enrol(log, settings)
    library = Library()
    events = 0
    for first in range(0, settings.journeys, size):
        count = min(size, settings.journeys - first)
        journeys = journeys_of(first, count, settings, model, dice)
        telling = Telling(settings, dice, people, library)
        batch = told(telling, journeys, model, renamed_at)
        append(log, batch, journeys, library, settings)
        events += batch.height
        progress(events, events * settings.journeys // (first + count))
    return Written(settings.journeys, events)


def told(telling: Telling, journeys: pl.DataFrame, model: Model, renamed_at: int) -> pl.DataFrame:
    """The events of some journeys, ready for append_bulk but for the command."""
    keys = {name: [way.stage for way in ways.stages] for name, ways in model.of.pipelines.items()}
    stays = stays_of(journeys, telling.settings, model, telling.dice)
    tell_openings(telling, stays)
    stays = with_owners(telling, with_stages(telling, stays, keys))
    tell_conversions(telling, stays)
    tell_entries(telling, stays, renamed_at)
    tell_between(telling, stays)
    tell_corrections(telling, stays)
    tell_endings(telling, stays)
    return telling.events()


def append(log: Log, batch: pl.DataFrame, journeys: pl.DataFrame, library: Library, settings: Settings) -> None:
    command = settings.run[:32]
    streams = journeys.select(pl.when("lead").then("lead_stream").otherwise("deal_stream").alias("stream"), "n")
    run = settings.run[:8]
    keys = [StreamKey(UUID(hex=stream), SOURCE, f"{run}-{n + 1}") for stream, n in streams.iter_rows()]
    batch = batch.with_columns(
        command_id=pl.lit(command),
        correlation_id=pl.lit(command),
        causation_id=pl.lit(None, pl.String),
        origin=pl.lit(ORIGIN),
    )
    append_bulk(log, batch, Erasable(texts=library.take(), keys=keys))


def refuse_again(log: Log, dice: Dice) -> None:
    """The first journey of a history is always there."""
    first = [stream for side in ("lead", "deal") for stream in dice.ids(side, pl.Series([0], dtype=pl.UInt64), 1)]
    if not existing_events(log, first).is_empty():
        raise Rejected(
            "this simulated history, or the beginning of it, is in the log already: "
            "give another --seed to add one, or a new database to have it again"
        )


def publish(log: Log, pipeline: str, settings: Settings, renamed_at: int) -> None:
    versions = [load_definition(Path(__file__).with_name(name)) for name in DEFINITIONS[pipeline]]
    known = in_force(log, pipeline)
    if known.definition == versions[-1]:
        return
    if known.key is not None:
        raise Rejected(f"the log has a pipeline {pipeline!r} with other stages: simulate into a new database")
    say(log, CreatePipeline(pipeline=pipeline, name=versions[-1].name["en"]), settings.since)
    for place, definition in enumerate(versions):
        reason = "as we begin" if place == 0 else "what leads to an offer is any meeting"
        command = PublishDefinition(pipeline=pipeline, definition=definition, reason=reason)
        say(log, command, renamed_at if place else settings.since)


def enrol(log: Log, settings: Settings) -> dict[int, UUID]:
    """The reps with their teams; person_id by number."""
    names = {number: f"rep-{number:02}" for number in range(1, SELLERS[-1] + 1)}
    teams = list(TEAMS.items())
    for number, name in names.items():
        rep = PersonRef(source=SOURCE, key=name)
        known = cast_of(log).known.get((SOURCE, name))
        if known is not None and load(log, rep_stream(known)) is not None:
            continue
        for move in range(4 if number in MOVING else 1):
            team, (manager, region) = teams[(number - 1 + move) % len(teams)]
            leads = None if manager == name else PersonRef(source=SOURCE, key=manager)
            kind = MoveRep if move else EnrolRep
            at = settings.since + (settings.until - settings.since) * move // 4
            say(log, kind(rep=rep, team=team, manager=leads, region=region), at)
    known_people = cast_of(log).known
    return {number: known_people[SOURCE, name] for number, name in names.items()}


def say(log: Log, command: Command, at: int) -> None:
    handle(log, command, actor=PersonRef(source=SOURCE, key="rep-01"), origin=ORIGIN, occurred_at=from_micros(at))
