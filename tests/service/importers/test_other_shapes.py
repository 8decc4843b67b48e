"""Histories of other shapes come in by a mapping alone; and tables as they really come, to the last row."""

import shutil
from pathlib import Path

import pytest

from engine.log.application import Log
from engine.log.keys import find_stream
from engine.projections.lens import Lens
from engine.projections.views import Views
from replay.verify import verify
from service.importers.run import run_import
from tests.service.importers.told import EXAMPLES, brought, skipped, standing, told


def test_an_object_log_tells_each_offer_of_a_deal(log: Log) -> None:
    report = brought(log, "object_log", "object_log/mapping.yaml")
    assert told(log, "A1") == [
        "01-01 DealOpened offers 5000.00 EUR",
        "01-03 ProposalSent",
        "01-03 ProposalSent",
        "01-05 ProposalDeclined declined by the customer",
        "01-05 SignalRecorded check credit",
        "01-07 ProposalAccepted",
        "01-07 DealWon 4800.00 EUR",
    ]
    entries = [entry.event for entry in log.stream(find_stream(log, "A1"))]
    sent = {event.proposal_id: event.options[0].price.amount_minor for event in entries if hasattr(event, "options")}
    assert sorted(sent.values()) == [450000, 480000]
    assert sent[entries[3].proposal_id] == 450000
    assert sent[entries[5].proposal_id] == 480000
    assert told(log, "A2") == [
        "01-02 DealOpened offers 700.50 EUR",
        "01-02 Touched call",
        "01-04 ProposalSent",
        "01-09 DealLost cancelled",
    ]
    assert standing(log, "offers") == {"A1": ("accepted", "won", 480000), "A2": ("cancelled", "lost", 70050)}
    assert skipped(report) == {
        "events send offer: told by the row of another object of the same event": 1,
        "events accept offer: told by the row of another object of the same event": 1,
        "events print: names no application": 1,
        "events switch lights off: names no application": 1,
    }


def test_leads_won_late_and_never_lost_are_journeys_with_their_source(log: Log) -> None:
    report = brought(log, "leads_and_closings", "leads_and_closings/mapping.yaml")
    assert report.missing_files == ["reps.csv"]
    assert standing(log, "sellers") == {
        "m1": ("won", "won", 0),
        "m2": ("lead", "open", None),
        "m3": ("won", "won", 150050),
        "m4": ("lead", "open", None),
        "m9": ("won", "won", 1000),
    }
    look = Views(log).look("sellers", Lens.of())
    assert look.journeys["source"].null_count() == 1
    # A deal whose lead the export lacks.
    assert told(log, "m9") == ["05-05 DealOpened sellers", "05-05 DealWon 10.00 BRL"]


REAL = {
    # In the hashed sample no deal names a pipeline and none is called default.
    "hubspot": ("hubspot/mapping.yaml", "hubspot_", {"pipeline: default": "pipeline: wh_wm18d0z1d4e_pe252gg"}),
    "salesforce": ("salesforce/warehouse.yaml", "sf_", {}),
}


@pytest.mark.real_log
@pytest.mark.parametrize("system", REAL)
def test_tables_as_they_really_come_are_read_to_the_last_row(
    log: Log, shared_data: Path, tmp_path: Path, system: str
) -> None:
    """Hashed samples: hardly a row of one table speaks of a row of another, so many are told as left out."""
    name, before, changes = REAL[system]
    mapping = tmp_path / "mapping" / "mapping.yaml"
    shutil.copytree((EXAMPLES / name).parent, mapping.parent)
    text = (EXAMPLES / name).read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    mapping.write_text(text)
    export = tmp_path / "export"
    export.mkdir()
    for file in (shared_data / "crm_export_schemas").glob(f"{before}*_data.csv"):
        shutil.copy(file, export / file.name.removeprefix(before).replace("_data.csv", ".csv"))
    report = run_import(log, export, mapping, actor="clerk", on_error="continue")
    print(report)
    assert report.rows > 50
    assert report.new_events > 0
    assert run_import(log, export, mapping, actor="clerk", on_error="continue").new_events == 0
    assert verify(log) == []
