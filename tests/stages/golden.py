"""Reads worked cases of the derivation, in the notation of golden/stages.yaml, as facts and expected visits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine.stages.definition import Definition, parse_definition
from engine.stages.facts import KINDS, Fact, life
from engine.stages.fold import fold
from engine.values import to_micros

DAY = 86_400_000_000
START = to_micros(datetime(2026, 1, 5, 9, tzinfo=UTC))

Row = tuple[str, int, int | None, str]


def moment(text: str) -> int:
    """d3 is three days after the start."""
    return START + int(float(text.removeprefix("d")) * DAY)


@dataclass(frozen=True)
class Question:
    """One expectation: the visits under a pair of lenses."""

    as_of: int | None
    known_at: int | None
    visits: list[Row]


@dataclass(frozen=True)
class Case:
    name: str
    definition: Definition
    own_definition: bool
    facts: list[Fact]
    questions: list[Question]


def read_fact(raw: Mapping[str, Any], position: int, pipeline: str) -> Fact:
    assert raw["e"] in KINDS
    at = moment(raw["at"])
    kind = raw["e"]
    return Fact(
        position=position,
        occurred_at=at,
        recorded_at=moment(raw["recorded"]) if "recorded" in raw else at,
        kind=kind,
        touch=raw.get("kind"),
        signal=raw.get("signal"),
        dimension=raw.get("dimension"),
        verdict=raw.get("verdict"),
        stage=raw.get("stage"),
        pipeline=raw.get("pipeline", pipeline if kind in ("LeadCaptured", "DealOpened") else None),
        amount_minor=raw.get("amount"),
        currency=raw.get("currency"),
        fit=raw.get("fit"),
        engagement=raw.get("engagement"),
        retracts=raw.get("of"),
        from_lead=raw.get("from_lead", False),
    )


def read_rows(raw: list[list[Any]]) -> list[Row]:
    return [(stage, moment(entered), None if left is None else moment(left), how) for stage, entered, left, how in raw]


def read_cases(document: Mapping[str, Any]) -> list[Case]:
    common = parse_definition(document["definition"])
    cases = []
    for raw in document["cases"]:
        definition = parse_definition(raw["definition"]) if "definition" in raw else common
        facts = [read_fact(event, n, definition.pipeline) for n, event in enumerate(raw["events"], start=1)]
        questions = [Question(None, None, read_rows(raw["visits"]))]
        questions += [Question(None, moment(at), read_rows(rows)) for at, rows in raw.get("known_at", {}).items()]
        questions += [Question(moment(at), None, read_rows(rows)) for at, rows in raw.get("as_of", {}).items()]
        cases.append(Case(raw["name"], definition, "definition" in raw, facts, questions))
    return cases


def folded(
    facts: list[Fact], definition: Definition, as_of: int | None = None, known_at: int | None = None
) -> list[Row]:
    trail = fold(life(facts, as_of=as_of, known_at=known_at), definition)
    return [(visit.stage, visit.entered_at, visit.left_at, visit.how) for visit in trail.visits]
