"""Deals that the source closes the other way in one step: the mapping says that this reopens them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.errors import Rejected
from engine.log.application import Log
from engine.log.keys import find_stream
from engine.projections.lens import Lens
from engine.projections.views import Views
from engine.projections.win_rate import win_rate
from replay.verify import verify
from service.importers.mapping import parse_mapping
from tests.service.importers.histories import LONG, PIPELINE, bring, changed

HEAD = "case,what,when,who,amount\n"
LATE = HEAD + (
    "d1,open,2024-01-01T00:00:00Z,ann,100\n"
    "d1,lose,2024-01-05T00:00:00Z,ann,\n"
    "d1,win,2024-02-05T00:00:00Z,ann,\n"
    "d2,open,2024-01-02T00:00:00Z,bob,200\n"
    "d2,win,2024-01-09T00:00:00Z,bob,\n"
    "d3,open,2024-01-03T00:00:00Z,bob,300\n"
    "d3,lose,2024-01-04T00:00:00Z,bob,\n"
)


def rules(**words: str) -> list[dict[str, Any]]:
    """LONG's, with words for the rule that wins."""
    return [rule | (words if rule.get("event") == "DealWon" else {}) for rule in LONG["events"]]


REOPENING = changed(LONG, events=rules(reopens="offer"))


def events(log: Log, key: str) -> list[str]:
    return [
        type(entry.event).__name__ for entry in log.stream(find_stream(log, key)) if entry.event.TOPIC[:4] == "deal"
    ]


def test_a_late_win_is_imported_with_its_reopening_and_the_deal_stands_won(log: Log, tmp_path: Path) -> None:
    report = bring(log, tmp_path, REOPENING, LATE)
    assert (report.reopened_by_close, report.closed_twice) == (1, 0)
    told = [name for name in events(log, "d1") if name != "OwnerAssigned"]
    assert told == ["DealOpened", "DealLost", "DealReopened", "DealWon"]
    reopened = next(entry for entry in log.stream(find_stream(log, "d1")) if "reopened" in entry.event.TOPIC)
    assert (reopened.event.stage, reopened.event.reason) == ("offer", "import: won after it was lost")
    assert "DealReopened" not in [*events(log, "d2"), *events(log, "d3")]
    rates = win_rate(Views(log).look("sales", Lens.of()))
    assert (rates.won, rates.lost) == (2, 1)
    assert verify(log) == []


def test_importing_it_twice_or_as_it_grows_adds_the_reopening_once(log: Log, tmp_path: Path) -> None:
    first = "".join(line for line in LATE.splitlines(keepends=True) if "02-05" not in line)
    assert bring(log, tmp_path, REOPENING, first).reopened_by_close == 0
    grown = bring(log, tmp_path, REOPENING, LATE)
    # OwnerAssigned, DealReopened, DealWon.
    assert (grown.reopened_by_close, grown.new_events) == (1, 3)
    only_new = HEAD + "d1,win,2024-02-05T00:00:00Z,ann,\n"
    for again in (LATE, only_new):
        assert bring(log, tmp_path, REOPENING, again).new_events == 0
    rates = win_rate(Views(log).look("sales", Lens.of()))
    assert (rates.won, rates.lost) == (2, 1)


def test_without_the_word_the_first_close_stands_and_is_counted(log: Log, tmp_path: Path) -> None:
    report = bring(log, tmp_path, LONG, LATE)
    assert (report.reopened_by_close, report.closed_twice) == (0, 1)
    rates = win_rate(Views(log).look("sales", Lens.of()))
    assert (rates.won, rates.lost) == (1, 2)


def test_a_lead_found_unfit_that_is_won_after_all_is_won(log: Log, tmp_path: Path) -> None:
    lost = {"key": "lost", "kind": "lost", "enter": {"any": [{"event": "DealLost"}, {"event": "LeadDisqualified"}]}}
    (tmp_path / "unfit.yaml").write_text(yaml.safe_dump(PIPELINE | {"stages": [*PIPELINE["stages"][:3], lost]}))
    mapping = {
        "source": "shop",
        "pipeline": "sales",
        "definition": "unfit.yaml",
        "journeys": "lead_then_deal",
        "shape": "wide",
        "key": "case",
        "dates": {name: {"format": "%Y-%m-%d", "zone": "UTC"} for name in ("came", "unfit", "sold")},
        "events": [
            {"event": "LeadCaptured", "at": "came"},
            {
                "when": {"unfit": {"empty": "false"}},
                "event": "LeadDisqualified",
                "at": "unfit",
                "with": {"reason": "x"},
            },
            {"when": {"sold": {"empty": "false"}}, "event": "DealOpened", "at": "sold"},
            {
                "when": {"sold": {"empty": "false"}},
                "event": "DealWon",
                "at": "sold",
                "reopens": "new",
                "with": {"evidence": {"row": "true"}},
            },
        ],
    }
    rows = (
        "case,came,unfit,sold\n1,2024-01-01,2024-01-08,2024-03-01\n2,2024-01-01,,2024-03-01\n3,2024-01-01,2024-01-08,\n"
    )
    report = bring(log, tmp_path, mapping, rows)
    assert report.reopened_by_close == 1
    rates = win_rate(Views(log).look("sales", Lens.of()))
    assert (rates.won, rates.disqualified) == (2, 1)
    assert bring(log, tmp_path, mapping, rows).new_events == 0
    assert verify(log) == []


def test_a_stage_that_is_no_open_one_is_told(log: Log, tmp_path: Path) -> None:
    report = bring(log, tmp_path, changed(LONG, events=rules(reopens="elsewhere")), LATE)
    assert report.unmapped_stages == {"elsewhere": 1}
    assert win_rate(Views(log).look("sales", Lens.of())).won == 2


def test_only_a_win_or_a_loss_reopens() -> None:
    wrong = [rule | ({"reopens": "new"} if rule.get("event") == "Touched" else {}) for rule in LONG["events"]]
    with pytest.raises(Rejected, match="reopens belongs to DealWon and DealLost"):
        parse_mapping(LONG | {"events": wrong}, "mapping")
