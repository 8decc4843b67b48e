"""Nothing is left out: unions, type tags, and a command for every event."""

import inspect
import re
from types import ModuleType
from typing import Any, get_args

import pytest

from engine.aggregates.deal import commands as deal_commands
from engine.aggregates.deal import events as deal_events
from engine.aggregates.inputs import NEEDED
from engine.aggregates.journey import commands as journey_commands
from engine.aggregates.lead import commands as lead_commands
from engine.aggregates.lead import events as lead_events
from engine.aggregates.pipeline import commands as pipeline_commands
from engine.aggregates.pipeline import events as pipeline_events
from engine.aggregates.roster import commands as roster_commands
from engine.aggregates.roster import events as roster_events
from engine.aggregates.target import commands as target_commands
from engine.aggregates.target import events as target_events
from engine.messages import Command, Event
from engine.stages.facts import KINDS
from tests.aggregates.lives import A_DEAL, A_LEAD, A_PIPELINE, A_REP, A_TARGET, Life
from tests.given_when_then import Given, on

EVENTS: list[tuple[str, ModuleType, Any]] = [
    ("lead", lead_events, lead_events.LeadEvent),
    ("deal", deal_events, deal_events.DealEvent),
    ("pipeline", pipeline_events, pipeline_events.PipelineEvent),
    ("roster", roster_events, roster_events.RosterEvent),
    ("target", target_events, target_events.TargetEvent),
]
COMMANDS: list[tuple[str, list[ModuleType], Any]] = [
    ("lead", [lead_commands, journey_commands], lead_commands.LeadCommand),
    ("deal", [deal_commands, journey_commands], deal_commands.DealCommand),
    ("pipeline", [pipeline_commands], pipeline_commands.PipelineCommand),
    ("roster", [roster_commands], roster_commands.RosterCommand),
    ("target", [target_commands], target_commands.TargetCommand),
]


def defined_in(module: ModuleType, base: type) -> set[type]:
    classes = {cls for _, cls in inspect.getmembers(module, inspect.isclass) if issubclass(cls, base)}
    return {cls for cls in classes if cls.__module__ == module.__name__}


@pytest.mark.parametrize(("name", "module", "union"), EVENTS, ids=[row[0] for row in EVENTS])
def test_every_event_is_in_its_union(name: str, module: ModuleType, union: Any) -> None:
    assert set(get_args(union)) == defined_in(module, Event)


@pytest.mark.parametrize(("name", "modules", "union"), COMMANDS, ids=[row[0] for row in COMMANDS])
def test_every_command_is_in_its_union(name: str, modules: list[ModuleType], union: Any) -> None:
    assert set(get_args(union)) == set().union(*(defined_in(module, Command) for module in modules))


@pytest.mark.parametrize(("name", "module", "union"), EVENTS, ids=[row[0] for row in EVENTS])
def test_a_type_tag_says_whose_event_what_happened_and_which_version(name: str, module: ModuleType, union: Any) -> None:
    for event in get_args(union):
        assert re.fullmatch(rf"{name}\.[a-z]+(_[a-z]+)*\.v[1-9]\d*", event.TOPIC), event
        assert "TOPIC" in vars(event), f"{event} has no type tag of its own"


def test_type_tags_are_distinct() -> None:
    tags = [event.TOPIC for _, _, union in EVENTS for event in get_args(union)]
    assert len(set(tags)) == len(tags)


def test_the_stage_rules_know_every_event_of_a_journey() -> None:
    names = {event.__name__ for _, _, union in EVENTS[:2] for event in get_args(union)}
    assert names == set(KINDS)


@pytest.mark.parametrize(
    ("life", "events", "commands"),
    [
        (A_LEAD, lead_events.LeadEvent, lead_commands.LeadCommand),
        (A_DEAL, deal_events.DealEvent, deal_commands.DealCommand),
        (A_PIPELINE, pipeline_events.PipelineEvent, pipeline_commands.PipelineCommand),
        (A_REP, roster_events.RosterEvent, roster_commands.RosterCommand),
        (A_TARGET, target_events.TargetEvent, target_commands.TargetCommand),
    ],
    ids=["lead", "deal", "pipeline", "roster", "target"],
)
def test_every_event_comes_of_a_command_and_every_command_brings_one_about(
    life: Life, events: Any, commands: Any
) -> None:
    brought = life.lived()
    assert {type(event) for _, happened in brought for event in happened} == set(get_args(events))
    assert {type(command) for command, happened in brought if happened} == set(get_args(commands))


@pytest.mark.parametrize(
    "life", [A_LEAD, A_DEAL, A_PIPELINE, A_REP, A_TARGET], ids=["lead", "deal", "pipeline", "rep", "target"]
)
def test_what_is_called_needed_is_what_a_rule_never_goes_without(life: Life) -> None:
    history: list[Given] = []
    for today, (command, events) in enumerate(life.lived(), 1):
        here = life.aggregate.given(*history).on_day(today).with_ids_after(len(history))
        for name, field in type(command).model_fields.items():
            if getattr(command, name) is None or field.default is not None or (type(command), name) in ONE_OF_SEVERAL:
                continue
            refusal = here.when(command.model_copy(update={name: None})).refusal
            assert (refusal is not None) == (NEEDED in field.metadata), (command, name, refusal)
            assert refusal is None or name in str(refusal), (name, refusal)
        history += [on(today, event) for event in events]


ONE_OF_SEVERAL = {
    (journey_commands.SetScore, "fit"),
    (journey_commands.SetScore, "engagement"),
    (pipeline_commands.PublishDefinition, "draft_id"),
    (pipeline_commands.PublishDefinition, "definition"),
    # Not of stages that are in force already: then there is nothing to do.
    (pipeline_commands.PublishDefinition, "reason"),
    (target_commands.SetTarget, "team"),
    (target_commands.SetTarget, "rep"),
    (target_commands.SetTarget, "value"),
    (target_commands.SetTarget, "wins"),
    (target_commands.ReviseTarget, "value"),
    (target_commands.ReviseTarget, "wins"),
}
"""what is needed at times, with what else is said"""
