"""Both real logs on both databases: every published figure, others computed here from the raw files, and `check`."""

import csv
import gzip
from bisect import bisect_right
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.log.application import Log
from engine.projections.board import board
from engine.projections.conversion import conversion
from engine.projections.cycle_time import cycle_time
from engine.projections.filters import Filters
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.views import Views
from engine.projections.win_rate import win_rate
from replay.verify import verify
from service.importers.run import run_import

pytestmark = pytest.mark.real_log

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
LADDER = {
    "A_SUBMITTED": "submitted",
    "A_PREACCEPTED": "preaccepted",
    "A_ACCEPTED": "accepted",
    "A_FINALIZED": "finalized",
    "O_SENT": "offer_sent",
    "O_SENT_BACK": "offer_returned",
}
DECISIONS = {"A_APPROVED": "approved", "A_DECLINED": "lost", "A_CANCELLED": "lost"}
STAGES = [*LADDER.values(), "approved", "lost"]


@cache
def bpic_rows(shared: Path) -> dict[str, list[tuple[datetime, str, str, str]]]:
    """Time, activity, lifecycle and resource of every event by case, in trace order; read without our importer."""
    cases: dict[str, list[tuple[datetime, str, str, str]]] = defaultdict(list)
    with gzip.open(shared / "bpic2012" / "bpic2012.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["time:timestamp"]).astimezone(UTC)
            told = (at, row["concept:name"], row["lifecycle:transition"], row["org:resource"])
            cases[row["case:concept:name"]].append(told)
    return {case: sorted(rows, key=lambda row: row[0]) for case, rows in cases.items()}


def stage_at(rows: list[tuple[datetime, str, str, str]], moment: datetime) -> str | None:
    """The stage of a case at a moment, straight from its rows: the decision, else the highest step so far."""
    steps = [activity for at, activity, _, _ in rows if at <= moment]
    decided = [DECISIONS[step] for step in steps if step in DECISIONS]
    if decided:
        return decided[0]
    reached = [list(LADDER).index(step) for step in steps if step in LADDER]
    return list(LADDER.values())[max(reached)] if reached else None


def type7(values: list[timedelta], percent: int) -> float:
    ordered = sorted(value // timedelta(microseconds=1) for value in values)
    low, rest = divmod((len(ordered) - 1) * percent, 100)
    high = min(low + 1, len(ordered) - 1)
    return float(Fraction(ordered[low] * (100 - rest) + ordered[high] * rest, 100 * 10**6))


def mean(values: list[timedelta]) -> float:
    return float(Fraction(sum(value // timedelta(microseconds=1) for value in values), len(values) * 10**6))


def imported(url: str, file: Path, example: str) -> Log:
    log = Log(url)
    run_import(log, file, EXAMPLES / example / "mapping.yaml", actor="tester")
    return log


def looked(log: Log, **lens: Any) -> Look:
    return Views(log).look(None, Lens.of(**lens))


def test_the_loan_applications_give_every_published_figure(database_url: str, shared_data: Path) -> None:
    # Both files tell the same (tests/service/importers has one after the other add nothing): each database has one.
    file = "bpic2012.csv.gz" if database_url.startswith("sqlite") else "bpic2012.xes.gz"
    log = imported(database_url, shared_data / "bpic2012" / file, "bpic2012")
    look = looked(log)
    funnel = conversion(look)
    assert {row.stage: row.entered for row in funnel.stages} == {
        "submitted": 13_087,
        "preaccepted": 7_367,
        "accepted": 5_113,
        "finalized": 5_015,
        "offer_sent": 5_015,
        "offer_returned": 3_254,
        "approved": 2_246,
    }
    assert (funnel.overall.won, funnel.overall.lost, funnel.overall.open) == (2_246, 10_442, 399)
    rate = win_rate(look)
    assert (rate.won, rate.lost, rate.open) == (2_246, 10_442, 399)
    assert [value.model_dump() for value in rate.won_value] == [{"amount": "35290338.00", "currency": "EUR"}]
    assert dict(look.journeys["reason"].drop_nulls().value_counts().iter_rows()) == {
        "declined": 7_635,
        "cancelled": 2_807,
    }
    won = cycle_time(look).won
    assert won.p50_seconds is not None
    assert won.p90_seconds is not None
    assert (round(won.p50_seconds / 86_400, 4), round(won.p90_seconds / 86_400, 4)) == (14.4366, 28.6837)
    assert look.journeys["touches"].sum() == 71_376
    the_figures_agree_with_the_raw_file(log, shared_data)
    assert verify(log) == []
    log.close()


def the_figures_agree_with_the_raw_file(log: Log, shared: Path) -> None:
    """Boards of the past, monthly cohorts, agents and bands, computed here from the CSV alone."""
    cases = bpic_rows(shared)
    views = Views(log)
    for day in (date(2011, 10, 15), date(2011, 12, 31), date(2012, 2, 29)):
        moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        expected = Counter(stage_at(rows, moment) for rows in cases.values())
        found = board(views.look(None, Lens.of(as_of=moment)))
        assert {row.stage: row.count for row in found.stages} == {stage: expected[stage] for stage in STAGES}
    look = views.look(None, Lens.of())
    november = Filters(since=date(2011, 11, 1), until=date(2011, 12, 1))
    cohort = [
        rows
        for rows in cases.values()
        if datetime(2011, 11, 1, tzinfo=UTC)
        <= next(at for at, step, _, _ in rows if step == "A_SUBMITTED")
        < datetime(2011, 12, 1, tzinfo=UTC)
    ]
    overall = conversion(look, november).overall
    assert (overall.entered, overall.won) == (
        len(cohort),
        sum(stage_at(rows, datetime.max.replace(tzinfo=UTC)) == "approved" for rows in cohort),
    )
    owners: dict[str, Counter[str]] = defaultdict(Counter)
    spans: dict[str, list[timedelta]] = defaultdict(list)
    for rows in cases.values():
        decision = next(((at, step, who) for at, step, _, who in rows if step in DECISIONS), None)
        if decision:
            at, step, who = decision
            owners[who][DECISIONS[step]] += 1
            spans[who].append(at - rows[0][0])
    groups = {group.key: group for group in win_rate(look, by="owner").groups or ()}
    for who, counts in owners.items():
        assert (who, groups[who or None].won, groups[who or None].lost) == (who, counts["approved"], counts["lost"])
    cycles = {group.key: group for group in cycle_time(look, by="owner").groups or ()}
    busiest = max(spans, key=lambda who: len(spans[who]))
    assert cycles[busiest].closed.p85_seconds == type7(spans[busiest], 85)
    everybody = [span for each in spans.values() for span in each]
    closed = cycle_time(look).closed
    assert (closed.n, closed.mean_seconds) == (len(everybody), mean(everybody))
    assert closed.p50_seconds == type7(everybody, 50)


def test_the_hardware_seller_gives_every_published_figure(database_url: str, shared_data: Path) -> None:
    folder = shared_data / "maven_crm"
    log = imported(database_url, folder / "sales_pipeline.csv", "maven_crm")
    look = looked(log)
    assert {row.stage: row.count for row in board(look).stages} == {
        "prospecting": 500,
        "engaging": 1_589,
        "won": 4_238,
        "lost": 2_473,
    }
    rate = win_rate(look)
    assert (rate.won, rate.lost) == (4_238, 2_473)
    assert rate.win_rate is not None
    assert round(rate.win_rate, 4) == 0.6315
    assert [value.currency for value in rate.average_won_value] == ["USD"]
    assert rate.average_won_value[0].amount == "2360.91"
    won = cycle_time(look).won
    assert won.mean_seconds is not None
    assert round(won.mean_seconds / 86_400, 3) == 51.782
    share = conversion(look).overall.conversion
    assert share is not None
    assert round(share, 6) == 0.481591
    agents_and_quarters_agree_with_the_raw_file(look, folder)
    assert verify(log) == []
    log.close()


def agents_and_quarters_agree_with_the_raw_file(look: Look, folder: Path) -> None:
    with (folder / "sales_pipeline.csv").open(newline="") as file:
        deals = list(csv.DictReader(file))
    with (folder / "sales_teams.csv").open(newline="") as file:
        teams = {row["sales_agent"]: row for row in csv.DictReader(file)}
    for by, column in (("owner", "sales_agent"), ("manager", "manager"), ("region", "regional_office")):
        expected: dict[str, Counter[str]] = defaultdict(Counter)
        value: Counter[str] = Counter()
        for deal in deals:
            name = deal["sales_agent"] if by == "owner" else teams[deal["sales_agent"]][column]
            expected[name][deal["deal_stage"]] += 1
            value[name] += int(deal["close_value"]) if deal["deal_stage"] == "Won" else 0
        groups = {group.key: group for group in win_rate(look, by=by).groups or ()}
        for name, counts in expected.items():
            group = groups[name]
            assert (by, name, group.won, group.lost) == (by, name, counts["Won"], counts["Lost"])
            assert group.won_value[0].amount == f"{value[name]}.00"
    closes = sorted(date.fromisoformat(deal["close_date"]) for deal in deals if deal["deal_stage"] == "Won")
    quarter = (date(2017, 4, 1), date(2017, 7, 1))
    expected_won = bisect_right(closes, quarter[1] - timedelta(days=1)) - bisect_right(
        closes, quarter[0] - timedelta(days=1)
    )
    assert win_rate(look, Filters(since=quarter[0], until=quarter[1])).won == expected_won
