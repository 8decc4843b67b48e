"""A pipeline's definition: its stages in order, as versioned data. Keys are permanent, names are translations."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from engine.errors import Rejected
from engine.stages.calendar import Calendar
from engine.stages.criteria import Criterion, TouchKinds, kinds_of
from engine.stages.plain_yaml import StrictLoader, read_yaml
from engine.stages.work import Days, HandOver, Ladder, ProposalRule, SignalTask, Task
from engine.values import Flag, Key, Label, Number, TouchKind, Value
from engine.wording import problems

UNMAPPED = -1
"""Rank of a journey whose stage the definition does not know: below every stage."""
UNMAPPED_KEY = "unmapped"
TRANSFERRED_KEY = "transferred"
RESERVED = {
    UNMAPPED_KEY: "what journeys of unknown stages are called",
    TRANSFERRED_KEY: "what journeys that left for another pipeline are called",
}

MOST_CONDITIONS = 500
"""leaves of all criteria of a definition"""

StageKind = Literal["open", "won", "lost", "after_sale"]
_GROUP = {"open": 0, "won": 1, "lost": 1, "after_sale": 2}


def by_language(raw: object) -> object:
    return {"en": raw} if isinstance(raw, str) else raw


Names = Annotated[dict[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], Label], BeforeValidator(by_language)]
"""A name by language, {"ca": "Qualificació", "en": "Qualification"}; a plain string is English."""
Share = Annotated[Number, Field(ge=0, le=1)]


class StallRule(Value):
    """When a journey in the stage is stalled: any of three clocks has run for its days (docs/policies.md).

    idle_days: nothing was recorded, of whatever kind. touch_days: no touch of touch_kinds since the last one, or since
    it came here. stage_days: it stands here.
    """

    idle_days: Days | None = None
    stage_days: Days | None = None
    touch_days: Days | None = None
    touch_kinds: TouchKinds | None = None
    """the touches that count for touch_days; all without"""
    business: Flag | None = None
    """count working days of the definition's calendar, not days as they pass"""
    follow_up: TouchKind | None = None
    """what the alert asks the owner to do; a call without"""
    follow_up_days: Days | None = None
    """by when, in the same time; 1 without"""

    @model_validator(mode="after")
    def says_something(self) -> Self:
        if self.idle_days is None and self.stage_days is None and self.touch_days is None:
            raise ValueError("a stall rule needs idle_days, stage_days, touch_days or several of them")
        if self.touch_kinds is not None and self.touch_days is None:
            raise ValueError("touch_kinds says which touches count for touch_days: give touch_days too")
        return self


class Stage(Value):
    key: Key
    kind: StageKind
    name: Names = Field(default_factory=dict)
    description: Names = Field(default_factory=dict)
    team: Label | None = None
    """who is responsible for journeys in it"""
    enter: Criterion | None = None
    """what brings a journey here by itself; without it only a person's move does (the first stage needs none)"""
    gate: Criterion | None = None
    """what must hold before a person may move a journey here"""
    probability: Share | None = None
    stall: StallRule | None = None
    tasks: Annotated[tuple[Task, ...], Field(max_length=20)] | None = None
    """what entering it gives the owner to do"""
    ladder: Ladder | None = None
    """attempts to reach the customer while a journey is in it"""
    replaces: tuple[Key, ...] = ()
    """older stage keys folded into this one: rename, split and merge without touching history"""


class Definition(Value):
    """Refused: no stage; an order other than open stages, then won and lost, then after_sale; keys used twice."""

    pipeline: Key
    name: Names = Field(default_factory=dict)
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=60)]
    qualified_from: Key | None = None
    """a journey that reached this stage is qualified; without it, one that reached the second open stage"""
    calendar: Calendar | None = None
    """what business time is; limits that count it need one"""
    signals: Annotated[tuple[SignalTask, ...], Field(max_length=50)] | None = None
    """signals that deserve an answer, in whatever stage"""
    proposals: ProposalRule | None = None
    hand_over: HandOver | None = None

    @model_validator(mode="after")
    def stages_are_in_order(self) -> Self:
        groups = [_GROUP[stage.kind] for stage in self.stages]
        if groups[0] != 0:
            raise ValueError(f"the first stage, {self.stages[0].key!r}, must be of kind open: a journey begins there")
        for before, stage in zip(self.stages, self.stages[1:], strict=False):
            if _GROUP[stage.kind] < _GROUP[before.kind]:
                raise ValueError(
                    f"stage {stage.key!r} ({stage.kind}) stands after {before.key!r} ({before.kind}): "
                    "list the open stages first, then won and lost, then after_sale"
                )
        return self

    @model_validator(mode="after")
    def keys_are_distinct(self) -> Self:
        keys = [stage.key for stage in self.stages]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"stage key {key!r} is used twice: keys are permanent and distinct")
        for key in RESERVED.keys() & keys:
            raise ValueError(f"{key!r} is {RESERVED[key]}: use another stage key")
        replaced = [(old, stage.key) for stage in self.stages for old in stage.replaces]
        for old, new in replaced:
            if old in RESERVED:
                raise ValueError(f"{new!r} replaces {old!r}, which is no stage: it is {RESERVED[old]}")
            if old in keys:
                raise ValueError(f"{new!r} replaces {old!r}, which is a live stage: replaces do not chain or circle")
            if [key for key, _ in replaced].count(old) > 1:
                raise ValueError(f"{old!r} is replaced twice: one stage takes over an old key")
        if self.qualified_from is not None and self.qualified_from not in keys[: self.open_count]:
            raise ValueError(f"qualified_from {self.qualified_from!r} is none of the open stages")
        return self

    @model_validator(mode="after")
    def criteria_are_bounded(self) -> Self:
        """Every condition is a pass over all events, at each derivation."""
        criteria = [rule for stage in self.stages for rule in (stage.enter, stage.gate) if rule is not None]
        count = sum(1 for criterion in criteria for _ in criterion.leaves())
        if count > MOST_CONDITIONS:
            raise ValueError(
                f"the criteria hold {count:,} conditions: give at most {MOST_CONDITIONS}; one of signals or of touch "
                "kinds may list several"
            )
        return self

    @model_validator(mode="after")
    def business_time_has_a_calendar(self) -> Self:
        if self.calendar is not None:
            return self
        for stage in self.stages:
            counting = [stage.stall, stage.ladder, *(stage.tasks or ())]
            if any(rule is not None and rule.business for rule in counting):
                raise ValueError(f"stage {stage.key!r} counts business time: give the definition a calendar")
        if any(answer.business for answer in self.signals or ()):
            raise ValueError("signals count business time: give the definition a calendar")
        return self

    @model_validator(mode="after")
    def tasks_are_told_apart(self) -> Self:
        for stage in self.stages:
            keys = [task.key for task in stage.tasks or ()]
            for key in keys:
                if keys.count(key) > 1:
                    raise ValueError(f"stage {stage.key!r} has two tasks {key!r}: give each a key of its own")
        return self

    def clock(self, business: Flag | None) -> Calendar | None:
        """The calendar that a limit counts by; None for days as they pass."""
        return self.calendar if business else None

    @property
    def open_count(self) -> int:
        return sum(stage.kind == "open" for stage in self.stages)

    @cached_property
    def ranks(self) -> dict[str, int]:
        """Rank of every key the definition knows, those it replaces included."""
        ranks = {stage.key: rank for rank, stage in enumerate(self.stages)}
        return ranks | {old: rank for rank, stage in enumerate(self.stages) for old in stage.replaces}

    @cached_property
    def looked_at(self) -> dict[str, list[tuple[int, Criterion]]]:
        """By kind of event the branches that are looked at when one comes, with their stage's rank: highest first."""
        found: dict[str, list[tuple[int, Criterion]]] = {}
        for rank, stage in reversed(list(enumerate(self.stages))):
            for branch in stage.enter.branches() if stage.enter is not None else ():
                for kind in {kind for leaf in branch.leaves() for kind in kinds_of(leaf)}:
                    found.setdefault(kind, []).append((rank, branch))
        return found

    @property
    def qualified_rank(self) -> int:
        if self.qualified_from is not None:
            return self.ranks[self.qualified_from]
        return min(1, self.open_count - 1)

    def key_of(self, rank: int) -> str:
        return UNMAPPED_KEY if rank == UNMAPPED else self.stages[rank].key

    def kind_of(self, rank: int) -> StageKind | None:
        """None for unmapped."""
        return None if rank == UNMAPPED else self.stages[rank].kind


def parse_definition(raw: Any, origin: str = "the definition") -> Definition:
    """A definition from plain data; Rejected names the field, the value and what would be right."""
    try:
        return Definition.model_validate(raw)
    except ValidationError as error:
        raise Rejected(f"{origin}: " + "; ".join(problems(error, raw))) from None


def load_definition(path: Path) -> Definition:
    """A definition from a YAML file."""
    raw = read_yaml(path, StrictLoader)
    return parse_definition(raw, str(path))
