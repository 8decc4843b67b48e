"""Whatever decide produces, in whatever order it lies in the log, evolve takes; and none of it names a person."""

from collections.abc import Sequence
from datetime import date
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.aggregates.deal.commands import DealCommand
from engine.aggregates.deal.events import ProposalOption
from engine.aggregates.inputs import PersonRef, SourceKey
from engine.aggregates.journey.commands import NextStep, RaiseStalled
from engine.aggregates.lead.commands import LeadCommand
from engine.aggregates.pipeline.commands import PipelineCommand
from engine.aggregates.roster.commands import RosterCommand
from engine.aggregates.target.commands import TargetCommand
from engine.messages import Command
from engine.values import Attribute, Dimension, Direction, Money, TouchKind, Verdict
from tests.aggregates.examples import PARTNERS, SALES
from tests.aggregates.lives import A_DEAL, A_LEAD, A_PIPELINE, A_REP, A_TARGET, DUPLICATE_OF, Life
from tests.given_when_then import Given, day, entry_id, made, on, person

SECRET = "Ms Free-Text"
ENTRY_IDS = st.integers(1, 15).map(entry_id)
MOMENTS = st.integers(0, 60).map(day)
LABELS = st.sampled_from(["a", "given up"])
TEXTS = st.just(SECRET)
SCORES = st.integers(0, 2)
MONEY = st.builds(Money, amount_minor=st.integers(0, 3), currency=st.sampled_from(["EUR", "JPY"]))
PEOPLE = st.just(person("r1")) | st.builds(
    PersonRef, source=st.just("crm"), key=st.sampled_from(["r1", "c1"]), name=TEXTS
)
OPTION = st.builds(ProposalOption, name=st.sampled_from("ab"), price=MONEY)
ATTRIBUTE = st.builds(Attribute, name=st.sampled_from(["x", "y"]), value=LABELS)
# Small stocks, so that commands meet: the same ids, the same stages, the same days.
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "amount": MONEY,
    "attribute": ATTRIBUTE,
    "attributes": st.lists(ATTRIBUTE, max_size=2).map(tuple),
    "automated": st.booleans(),
    "channel": LABELS,
    "clock": st.sampled_from(["idle", "touch", "stage"]),
    "comment": TEXTS,
    "definition": st.sampled_from([SALES, PARTNERS]),
    "dimension": st.sampled_from(Dimension),
    "direction": st.sampled_from(Direction),
    "draft_id": st.integers(1, 4).map(made),
    "due_at": MOMENTS,
    "engagement": SCORES,
    "event_id": ENTRY_IDS,
    "evidence": TEXTS,
    "expected_close": st.just(date(2026, 3, 1)),
    "expires_at": MOMENTS,
    "fit": SCORES,
    "follow_up": st.builds(NextStep, kind=st.just(TouchKind.CALL), within_days=st.just(2.0)),
    "follow_up_id": st.integers(1, 12).map(made),
    "follows": st.just(DUPLICATE_OF),
    "from_lead": st.none(),
    "idle_days": st.just(5.0),
    "into": st.just(DUPLICATE_OF),
    "kind": st.sampled_from([TouchKind.CALL, TouchKind.MEETING]),
    "limit_days": st.sampled_from([0.5, 3.0]),
    "manager": PEOPLE,
    "name": LABELS,
    "note": TEXTS,
    "option": LABELS,
    "options": st.lists(OPTION, max_size=2).map(tuple),
    "outcome": LABELS,
    "override": st.booleans(),
    "owner": PEOPLE,
    "period": st.sampled_from(["2026-W05", "2026-02", "2026-Q1"]),
    "person": PEOPLE,
    "pipeline": st.sampled_from(["sales", "sales", "sales", "partners", "nowhere"]),
    "proposal_id": st.integers(1, 4).map(made),
    "reason": LABELS,
    "policy": st.sampled_from(["raise_stalled", "hand_over"]),
    "record": st.just(SourceKey(source="crm", key="7")),
    "region": LABELS,
    "rep": st.just(person("r1")),
    "replaces_version": st.integers(0, 2),
    "score": st.integers(0, 10),
    "seen": st.integers(0, 12),
    "signal": LABELS,
    "since": MOMENTS,
    "source": LABELS,
    "stage": st.sampled_from([stage.key for stage in SALES.stages] + ["first", "second", "bungee"]),
    "started_by": ENTRY_IDS,
    "team": LABELS,
    "title": TEXTS,
    "to": st.integers(1, 3),
    "unless_active": st.booleans(),
    "until": MOMENTS,
    "value": MONEY,
    "verdict": st.sampled_from(Verdict),
    "wins": st.integers(0, 3),
}


def a(command: type[Command]) -> st.SearchStrategy[Command]:
    fields = {
        name: st.none() | FIELDS[name] if field.default is None else FIELDS[name]
        for name, field in command.model_fields.items()
    }
    if command is RaiseStalled:
        fields["definition"] = st.just(1)
    return st.builds(command, **fields)


Day = tuple[Command, int | None]


def days(union: Any) -> st.SearchStrategy[list[Day]]:
    """Commands, one a day; some tell of an earlier day."""
    late = st.none() | st.none() | st.integers(0, 12)
    return st.lists(st.tuples(st.one_of([a(command) for command in get_args(union)]), late), max_size=12)


def live(life: Life, commands: Sequence[Day]) -> list[Given]:
    """The history that the commands make of it, refusals left out."""
    history = [on(0, life.aggregate.when(life.commands[0], at=0).events[0])]
    for today, (command, late) in enumerate(commands, 1):
        here = life.aggregate.given(*history).on_day(today).with_ids_after(len(history))
        at = today if late is None else min(late, today)
        history += [on(at, event) for event in here.when(command, at).events]
    return history


LIVES: dict[str, tuple[Life, Any]] = {
    "lead": (A_LEAD, LeadCommand),
    "deal": (A_DEAL, DealCommand),
    "pipeline": (A_PIPELINE, PipelineCommand),
    "roster": (A_REP, RosterCommand),
    "target": (A_TARGET, TargetCommand),
}


@pytest.mark.parametrize("name", LIVES)
@given(data=st.data())
def test_evolve_takes_whatever_decide_produced(name: str, data: st.DataObject) -> None:
    life, union = LIVES[name]
    history = live(life, data.draw(days(union)))
    some = data.draw(st.permutations(history))
    some = some[: data.draw(st.integers(0, len(some)))]
    state = life.aggregate.initial
    for line in some:
        stored = line.event.payload()
        assert SECRET not in stored
        assert type(line.event).model_validate_json(stored) == line.event
        state = life.aggregate.evolve(state, line.event)
