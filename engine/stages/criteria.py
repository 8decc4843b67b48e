"""When a stage is entered: a small validated tree of conditions, and its meaning in plain Python.

Its meaning over columns is in criteria_polars.py; a property test holds the two together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_serializer, model_validator

from engine.stages.facts import KINDS, VALUED, Fact
from engine.values import Dimension, Label, TouchKind, Value, Verdict, Whole, exponent, known_currency

JOURNEY_EVENTS = tuple(kind for kind in KINDS if kind != "EntryRetracted")


def known_event(name: str) -> str:
    if name not in JOURNEY_EVENTS:
        raise ValueError(f"{name!r} is no event: use one of {', '.join(JOURNEY_EVENTS)}")
    return name


def as_list(raw: object) -> object:
    return [raw] if isinstance(raw, str) else raw


EventName = Annotated[str, AfterValidator(known_event)]
TouchKinds = Annotated[tuple[TouchKind, ...], BeforeValidator(as_list), Field(min_length=1)]
Signals = Annotated[tuple[Label, ...], BeforeValidator(as_list), Field(min_length=1)]
Count = Annotated[Whole, Field(ge=1, le=1_000_000)]


class OfKind(Value):
    kind: TouchKinds


class AtLeast(Value):
    at_least: Count


class DimensionsConfirmed(Value):
    at_least: Annotated[Whole, Field(ge=1, le=4)]


class TouchesAtLeast(AtLeast):
    kind: TouchKinds | None = None


class AmountAtLeast(Value):
    """In major units; without a currency, of whatever currency the journey's value is in."""

    at_least: Annotated[Decimal, Field(ge=0, le=10**13)]
    currency: Annotated[str, AfterValidator(known_currency)] | None = None

    def minor(self, currency: str) -> int:
        """The threshold in minor units of a currency, rounded up."""
        return ceil(self.at_least.scaleb(exponent(currency)))


class Assessed(Value):
    dimension: Dimension
    verdict: Verdict


class Criterion(Value):
    """One condition: exactly one of its fields. any, all and not combine; the others are leaves.

    Leaves about this very event: event, touch, signal. Leaves about what runs up to and including it: happened, bant,
    bant_confirmed, touches, proposals, amount, score (fit + engagement).
    """

    model_config = ConfigDict(populate_by_name=True)

    any: Annotated[tuple[Criterion, ...], Field(min_length=1)] | None = None
    all: Annotated[tuple[Criterion, ...], Field(min_length=1)] | None = None
    negated: Criterion | None = Field(default=None, alias="not")
    event: EventName | None = None
    happened: EventName | None = None
    touch: OfKind | None = None
    signal: Signals | None = None
    bant: Assessed | None = None
    bant_confirmed: DimensionsConfirmed | None = None
    touches: TouchesAtLeast | None = None
    proposals: AtLeast | None = None
    amount: AmountAtLeast | None = None
    score: AtLeast | None = None

    @model_validator(mode="after")
    def says_one_thing(self) -> Self:
        said = self.model_fields_set
        if len(said) != 1 or next(iter(self.leaf_or_branch())) is None:
            raise ValueError(f"a criterion says exactly one thing, not {sorted(said) or 'nothing'}: use all or any")
        if self.negated is not None and self.negated.event is not None:
            raise ValueError(
                f"not {self.negated.event} would be looked at only when {self.negated.event} happens, and never hold: "
                "use not happened, or leave it out"
            )
        return self

    def leaf_or_branch(self) -> Iterator[Any]:
        """The one value that is set."""
        for name in self.model_fields_set:
            yield getattr(self, name)

    @model_serializer(mode="wrap")
    def only_what_is_said(self, handler: Any) -> dict[str, Any]:
        raw: dict[str, Any] = handler(self)
        return {("not" if name == "negated" else name): value for name, value in raw.items() if value is not None}

    def branches(self) -> tuple[Criterion, ...]:
        """The branches of a top-level any, each looked at separately, at its own events."""
        return self.any if self.any is not None else (self,)

    def leaves(self) -> Iterator[Criterion]:
        """The leaves of the tree."""
        nested = self.any or self.all or ((self.negated,) if self.negated is not None else ())
        if not nested:
            yield self
        for criterion in nested:
            yield from criterion.leaves()

    def describe(self) -> str:
        """One line for people: `bant_confirmed at_least 3`."""
        return said(self.model_dump(mode="json"))


def said(raw: object) -> str:
    if isinstance(raw, dict):
        return ", ".join(f"{name} {said(value)}" for name, value in raw.items() if value is not None)
    if isinstance(raw, list | tuple):
        inner = [said(value) for value in raw]
        return inner[0] if len(inner) == 1 else "(" + "; ".join(inner) + ")"
    return str(raw)


@dataclass(slots=True)
class Running:
    """What a journey's facts add up to, event by event, over its whole life."""

    happened: set[str] = field(default_factory=set)
    verdicts: dict[str, str] = field(default_factory=dict)
    touches: dict[str, int] = field(default_factory=dict)
    proposals: int = 0
    amount_minor: int | None = None
    currency: str | None = None
    fit: int = 0
    engagement: int = 0

    def take(self, fact: Fact) -> None:
        self.happened.add(fact.kind)
        match fact.kind:
            case "Touched":
                assert fact.touch is not None
                self.touches[fact.touch] = self.touches.get(fact.touch, 0) + 1
            case "BantAssessed":
                assert fact.dimension is not None
                assert fact.verdict is not None
                self.verdicts[fact.dimension] = fact.verdict
            case "ProposalSent":
                self.proposals += 1
            case "Scored":
                self.fit = self.fit if fact.fit is None else fact.fit
                self.engagement = self.engagement if fact.engagement is None else fact.engagement
            case kind if kind in VALUED and fact.amount_minor is not None:
                self.amount_minor, self.currency = fact.amount_minor, fact.currency


def kinds_of(leaf: Criterion) -> Collection[str]:
    """The kinds of event that the leaf speaks of."""
    if leaf.event is not None or leaf.happened is not None:
        return (leaf.event or leaf.happened or "",)
    if leaf.touch is not None or leaf.touches is not None:
        return ("Touched",)
    if leaf.signal is not None:
        return ("SignalRecorded",)
    if leaf.bant is not None or leaf.bant_confirmed is not None:
        return ("BantAssessed",)
    if leaf.proposals is not None:
        return ("ProposalSent",)
    return VALUED if leaf.amount is not None else ("Scored",)


def bears(leaf: Criterion, fact: Fact) -> bool:
    """Whether the event is one that the leaf speaks of: only then is its criterion looked at."""
    if fact.kind not in kinds_of(leaf):
        return False
    if leaf.touch is not None:
        return fact.touch in leaf.touch.kind
    if leaf.touches is not None:
        return leaf.touches.kind is None or fact.touch in leaf.touches.kind
    return leaf.signal is None or fact.signal in leaf.signal


def holds(criterion: Criterion, running: Running, fact: Fact | None) -> bool:
    """Whether the criterion is true at this event, with the running facts up to and including it.

    Without an event (a gate looked at between events) the leaves about "this very event" are false.
    """
    c = criterion
    if c.any is not None:
        return any(holds(part, running, fact) for part in c.any)
    if c.all is not None:
        return all(holds(part, running, fact) for part in c.all)
    if c.negated is not None:
        return not holds(c.negated, running, fact)
    if c.happened is not None:
        return c.happened in running.happened
    if c.bant is not None:
        return running.verdicts.get(c.bant.dimension, Verdict.UNKNOWN) == c.bant.verdict
    if c.bant_confirmed is not None:
        confirmed = sum(verdict == Verdict.CONFIRMED for verdict in running.verdicts.values())
        return confirmed >= c.bant_confirmed.at_least
    if c.touches is not None:
        kinds = running.touches if c.touches.kind is None else c.touches.kind
        return sum(running.touches.get(kind, 0) for kind in kinds) >= c.touches.at_least
    if c.proposals is not None:
        return running.proposals >= c.proposals.at_least
    if c.amount is not None:
        if running.amount_minor is None or running.currency is None:
            return False
        right_currency = c.amount.currency in (None, running.currency)
        return right_currency and running.amount_minor >= c.amount.minor(running.currency)
    if c.score is not None:
        return running.fit + running.engagement >= c.score.at_least
    return fact is not None and bears(c, fact)


def fires(branch: Criterion, running: Running, fact: Fact) -> bool:
    """Whether the branch is looked at at this event and holds there."""
    return any(bears(leaf, fact) for leaf in branch.leaves()) and holds(branch, running, fact)
