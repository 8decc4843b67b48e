"""Which open journeys are stalled: by the stages' rules, or by a number of days asked for."""

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from engine.aggregates.deal.commands import Lose, OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import Touch
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.errors import Rejected
from engine.handle import handle
from engine.log.application import Log
from engine.messages import Command
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.stalled import stalled
from engine.projections.views import Views
from engine.stages.definition import parse_definition
from engine.values import TouchKind
from service.importers.run import run_import

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
REP = PersonRef(source="login", key="rep-01")
DEFINITION = parse_definition(
    {
        "pipeline": "sales",
        "stages": [
            {"key": "contact", "kind": "open", "stall": {"idle_days": 5, "stage_days": 20}},
            {"key": "meeting", "kind": "open", "enter": {"touch": {"kind": ["meeting"]}}},
            {"key": "lost", "kind": "lost", "enter": {"event": "DealLost"}},
        ],
    }
)


@pytest.fixture
def called(sqlite_url: str) -> Iterator[Log]:
    """Deals opened on day 0: one called on day 4, one met on day 1, one lost on day 1, one left alone."""
    log = Log(sqlite_url)

    def do(command: Command, on: UUID | None = None, day: int = 0) -> UUID:
        when = BEGAN + timedelta(days=day)
        return handle(log, command, actor=REP, origin="cli", on=on, occurred_at=when).stream_id

    do(CreatePipeline(pipeline="sales", name="Sales"))
    do(PublishDefinition(pipeline="sales", definition=DEFINITION, reason="begin"))
    deals = [do(OpenDeal(pipeline="sales", title=title)) for title in ("called", "met", "lost", "alone")]
    do(Touch(kind=TouchKind.CALL), deals[0], 4)
    do(Touch(kind=TouchKind.MEETING), deals[1], 1)
    do(Lose(reason="price"), deals[2], 1)
    yield log
    log.close()


def on_day(log: Log, day: int) -> Look:
    return Views(log).look("sales", Lens.of(BEGAN + timedelta(days=day)))


def titles(look: Look, idle_days: float | None = None) -> list[str | None]:
    return [journey.label for journey in stalled(look, idle_days=idle_days).journeys]


@pytest.mark.checklist("S26")
def test_a_stage_without_a_rule_never_stalls_and_a_touch_starts_the_clock_anew(called: Log) -> None:
    assert titles(on_day(called, 4)) == []
    assert titles(on_day(called, 6)) == ["alone"]
    assert titles(on_day(called, 10)) == ["alone", "called"]


@pytest.mark.checklist("S26")
def test_too_long_in_a_stage_is_a_stall_whatever_happens_there(called: Log) -> None:
    longest_idle = stalled(on_day(called, 28)).journeys[0]
    assert longest_idle.label == "alone"
    late = BEGAN + timedelta(days=29)
    handle(called, Touch(kind=TouchKind.CALL), actor=REP, origin="cli", on=UUID(longest_idle.journey), occurred_at=late)
    assert titles(on_day(called, 30)) == ["called", "alone"]
    assert titles(on_day(called, 30), idle_days=5) == ["met", "called"]


def test_idle_days_asked_for_look_at_every_open_journey_and_are_exceeded_not_reached(called: Log) -> None:
    assert titles(on_day(called, 5), idle_days=4) == ["alone"]
    assert titles(on_day(called, 6), idle_days=4) == ["alone", "met"]
    found = stalled(on_day(called, 6), idle_days=4)
    assert (found.count, found.n) == (2, 3)
    assert found.journeys[0].idle_seconds == 6 * 86_400


def test_a_number_of_days_that_makes_no_sense_is_refused(called: Log) -> None:
    with pytest.raises(Rejected, match="idle_days 0 is out of range"):
        stalled(on_day(called, 6), idle_days=0)


@pytest.mark.real_log
def test_the_stalled_loan_applications_agree_with_the_raw_file(sqlite_url: str, shared_data: Path) -> None:
    file = shared_data / "bpic2012" / "bpic2012.csv.gz"
    log = Log(sqlite_url)
    run_import(log, file, Path(__file__).parents[2] / "examples" / "bpic2012" / "mapping.yaml", actor="tester")
    views = Views(log)
    for day in (datetime(2011, 11, 20, 12, tzinfo=UTC), datetime(2012, 2, 1, tzinfo=UTC)):
        found = stalled(views.look(None, Lens.of(day)), idle_days=14)
        assert {journey.key for journey in found.journeys} == silent_cases(file, day, timedelta(days=14))
        assert found.count > 0
    log.close()


def silent_cases(file: Path, moment: datetime, idle: timedelta) -> set[str | None]:
    """Cases that are undecided at the moment and whose newest imported row is older, from the raw file."""
    newest: dict[str, datetime] = {}
    decided = set()
    with gzip.open(file, "rt", encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            at, case, activity = (
                datetime.fromisoformat(row["time:timestamp"]).astimezone(UTC),
                row["case:concept:name"],
                row["concept:name"],
            )
            if at > moment or (activity.startswith("W_") and row["lifecycle:transition"] != "START"):
                continue
            newest[case] = max(at, newest.get(case, at))
            if activity in ("A_APPROVED", "A_DECLINED", "A_CANCELLED"):
                decided.add(case)
    return {case for case, at in newest.items() if case not in decided and moment - at > idle}
