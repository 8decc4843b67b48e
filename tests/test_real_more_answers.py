"""The further answers on both real logs, against figures computed here from the raw files."""

import csv
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.projections.activity import activity
from engine.projections.look import Look
from engine.projections.losses import losses
from engine.projections.sources import sources
from engine.projections.trend import trend
from replay.explain import explain
from tests.test_real_logs import DECISIONS, bpic_rows, imported, looked

pytestmark = pytest.mark.real_log


def test_the_loan_applications_give_the_figures_of_the_raw_file(sqlite_url: str, shared_data: Path) -> None:
    log = imported(sqlite_url, shared_data / "bpic2012" / "bpic2012.csv.gz", "bpic2012")
    loans = looked(log, as_of=datetime(2012, 3, 20, tzinfo=UTC))
    the_months_are_those_of_the_raw_decisions(loans, shared_data)
    touches_attempts_and_answers_are_those_of_the_raw_work_items(loans, shared_data)
    reasons_and_what_stands_behind_them_add_up_to_the_raw_decisions(loans)
    log.close()


def decision(rows: list[tuple[datetime, str, str, str]]) -> tuple[datetime, str] | None:
    return next(((at, activity) for at, activity, _, _ in rows if activity in DECISIONS), None)


def the_months_are_those_of_the_raw_decisions(loans: Look, shared_data: Path) -> None:
    told = {point.period: (point.then.entered, point.then.won, point.then.lost) for point in trend(loans).points}
    expected: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for rows in bpic_rows(shared_data).values():
        expected[f"{rows[0][0]:%Y-%m}"][0] += 1
        if (end := decision(rows)) is not None:
            expected[f"{end[0]:%Y-%m}"][1 if end[1] == "A_APPROVED" else 2] += 1
    assert {month: counts for month, counts in told.items() if any(counts)} == {
        month: tuple(counts) for month, counts in expected.items()
    }
    assert sum(won for _, won, _ in told.values()) == 2_246


def touches_attempts_and_answers_are_those_of_the_raw_work_items(loans: Look, shared_data: Path) -> None:
    found = activity(loans, sla=timedelta(hours=4))
    tries: Counter[int] = Counter()
    in_time, never = 0, 0
    for rows in bpic_rows(shared_data).values():
        touches = [at for at, name, cycle, _ in rows if name.startswith("W_") and cycle == "START"]
        end = decision(rows)
        tries[min(10, sum(end is None or at <= end[0] for at in touches))] += 1
        never += not touches
        in_time += bool(touches) and touches[0] - rows[0][0] <= timedelta(hours=4)
    assert found.touches == 71_376
    assert {row.attempts: row.leads for row in found.attempts} == tries
    assert (found.never_touched, found.response.within_sla) == (never, in_time)


def reasons_and_what_stands_behind_them_add_up_to_the_raw_decisions(loans: Look) -> None:
    found = losses(loans)
    assert {row.reason: row.n for row in found.reasons} == {"declined": 7_635, "cancelled": 2_807}
    for stage in found.stages:
        if stage.stage is not None:
            assert explain(loans, "conversion", {"from": stage.stage, "to": "lost"}, limit=0).figure == stage.n
    behind = explain(loans, "win-rate", {"part": "won"}, limit=10_000)
    assert (behind.figure, len(behind.journeys)) == (2_246, 2_246)
    assert {each.events[-1].event for each in behind.journeys} == {"DealWon"}


def test_what_each_product_brings_is_what_the_raw_rows_say(sqlite_url: str, shared_data: Path) -> None:
    file = shared_data / "maven_crm" / "sales_pipeline.csv"
    log = imported(sqlite_url, file, "maven_crm")
    found = sources(looked(log, as_of=datetime(2018, 1, 1, tzinfo=UTC)), by="attr:product")
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    with file.open(encoding="utf-8", newline="") as opened:
        rows: list[dict[str, Any]] = list(csv.DictReader(opened))
    for row in rows:
        own = counts[row["product"].replace("GTXPro", "GTX Pro")]
        own[row["deal_stage"]] += 1
        own["earned"] += int(row["close_value"] or 0)
    for group in found.groups:
        own = counts[group.key or ""]
        assert (group.won, group.lost, group.open) == (own["Won"], own["Lost"], own["Engaging"] + own["Prospecting"])
        assert [money.amount for money in group.earned] == [f"{own['earned']}.00"]
    assert len(found.groups) == len(counts)
    assert [float(group.earned[0].amount) for group in found.groups] == sorted(
        (float(own["earned"]) for own in counts.values()), reverse=True
    )
    log.close()
