"""The ready mappings bring in what Salesforce, HubSpot and Pipedrive export, and tell of every row they leave out."""

import shutil
from pathlib import Path

import pytest

from engine.log.application import Log
from engine.log.keys import find_stream
from engine.log.people import people_frame
from engine.projections.views import Views
from replay.verify import verify
from service.importers.run import run_import
from tests.service.importers.histories import facts, kinds
from tests.service.importers.told import EXAMPLES, HERE, brought, skipped, standing, told

CASES = [
    ("salesforce", "salesforce/mapping.yaml"),
    ("salesforce_fields", "salesforce/field_history.yaml"),
    ("hubspot", "hubspot/mapping.yaml"),
    ("hubspot_webhooks/events.json", "hubspot/webhooks.yaml"),
    ("pipedrive", "pipedrive/mapping.yaml"),
    ("pipedrive_webhooks/hooks.jsonl", "pipedrive/webhooks.yaml"),
    ("salesforce_warehouse", "salesforce/warehouse.yaml"),
    ("object_log", "object_log/mapping.yaml"),
    ("leads_and_closings", "leads_and_closings/mapping.yaml"),
]


@pytest.mark.parametrize(("export", "mapping"), CASES)
def test_an_export_comes_in_whole_twice_adds_nothing_and_every_number_holds(
    log: Log, export: str, mapping: str
) -> None:
    report = brought(log, export, mapping)
    assert report.bad_count == 0
    assert report.rows == report.rows_told + sum(item.rows for item in report.skipped)
    assert report.new_events > 0
    before = facts(log)
    again = brought(log, export, mapping)
    assert (again.new_events, again.changed_count, again.already_known) == (0, 0, report.new_events)
    assert facts(log) == before
    assert verify(log) == []


def test_salesforce_leads_become_deals_with_their_history(log: Log) -> None:
    report = brought(log, "salesforce", "salesforce/mapping.yaml")
    assert told(log, "00Q01") == ["01-10 LeadCaptured opportunities", "01-20 Touched meeting", "02-05 LeadConverted"]
    deal = log.stream(find_stream(log, "00Q01"))[-1].event.deal
    assert find_stream(log, "006D1") == deal
    assert told(log, "006D1") == [
        "02-05 DealOpened opportunities",
        "02-05 ValueChanged 1000.00 EUR",
        "02-05 ExpectedCloseChanged",
        "02-05 StageMoved prospecting",
        "02-15 Touched demo",
        "02-19 Touched call",
        "02-20 StageMoved proposal_price_quote",
        "02-20 Touched email",
        "02-21 ValueChanged 1250.50 EUR",
        "02-21 ExpectedCloseChanged",
        "04-28 DealWon",
    ]
    assert told(log, "006D2")[-3:] == [
        "03-06 DealLost Closed Lost",
        "03-16 DealReopened negotiation_review moved to an open stage",
        "04-01 FollowUpScheduled call",
    ]
    assert told(log, "00Q03")[-1] == "03-01 LeadDisqualified Closed - Not Converted"
    assert told(log, "00Q04")[-1] == "01-14 LeadMerged"
    assert told(log, "00Q06")[-1] == "02-08 LeadQualified"
    assert report.unmapped_stages == {"old_stage": 1}
    assert report.unknown_keys == {"users": 1, "stages": 1}
    assert report.lacking_columns.keys() == {
        "Lead.csv: Industry", "Lead.csv: Phone", "OpportunityHistory.csv: CurrencyIsoCode"
    }  # fmt: skip
    assert skipped(report) | {
        "opportunities: deleted in Salesforce": 1,
        "history: nothing opens this journey": 1,
        "tasks: nothing opens this journey": 1,
        "meetings Meeting: meeting is still to come": 1,
        "tasks_of_leads Task: of no lead": 2,
    } == skipped(report)
    assert report.rows == 41
    # The lead that became the opportunity and the opportunity are one journey; merged and deleted ones are apart.
    assert standing(log, "opportunities") == {
        "00Q01": ("closed_won", "won", 125050),
        "00Q02": ("prospecting", "open", None),
        "00Q03": ("closed_lost", "disqualified", None),
        "00Q04": ("prospecting", "merged", None),
        "00Q06": ("prospecting", "open", None),
        "006D2": ("negotiation_review", "open", 90000),
        "006D4": ("closed_lost", "lost", None),
    }
    names = dict(people_frame(log).filter(role="rep").select("key", "name").iter_rows())
    assert names == {"005A1": "Rep One", "005A2": "Rep Two", "005A9": None}


def test_salesforce_by_field_history_tells_the_same_of_the_same_deals(log: Log) -> None:
    report = brought(log, "salesforce_fields", "salesforce/field_history.yaml")
    assert told(log, "006D1") == [
        "02-05 DealOpened opportunities 1000.00 EUR",
        "02-05 StageMoved prospecting",
        "02-20 StageMoved proposal_price_quote",
        "02-21 ValueChanged 1250.50 EUR",
        "02-21 ExpectedCloseChanged",
        "03-01 OwnerAssigned",
        "04-28 DealWon",
    ]
    assert told(log, "006D4") == ["02-07 DealOpened opportunities", "02-07 DealLost Closed Lost"]
    assert skipped(report)["changes NextStep: unknown activity"] == 1
    assert {key: of[:2] for key, of in standing(log, "opportunities").items()} == {
        "006D1": ("closed_won", "won"),
        "006D2": ("negotiation_review", "open"),
        "006D4": ("closed_lost", "lost"),
    }


def test_hubspot_deals_move_through_pipelines_of_the_exports_own_stages(log: Log) -> None:
    report = brought(log, "hubspot", "hubspot/mapping.yaml")
    assert told(log, "502") == [
        "01-08 DealOpened default",
        "01-08 StageMoved presentationscheduled",
        "02-01 Touched call",
        "02-02 PipelineChanged 1001 9f2c-renewals",
        "02-20 OwnerAssigned",
    ]
    assert told(log, "501")[-3:] == ["02-20 ValueChanged 2000.50 EUR", "02-20 ExpectedCloseChanged", "03-01 DealWon"]
    assert told(log, "505")[-1] == "02-10 DealLost price"
    assert told(log, "503")[-1] == "06-22 DealMerged"
    assert report.unmapped_stages == {"a-stage-of-before": 1}
    assert report.unnamed_rows == {"calls": 1}
    assert skipped(report) == {
        "properties dealstage: told by the stages entered": 1,
        "properties closed_lost_reason: the reason of the loss itself": 1,
        "properties amount: emptied": 1,
        "properties hs_priority: unknown activity": 1,
        "engagements TASK: neither call nor e-mail nor meeting": 1,
        "stages_entered: nothing opens this journey": 1,
        "merged: nothing opens this journey": 1,
    }
    assert standing(log, "9f2c-renewals") == {"502": ("1001", "open", None)}
    assert standing(log, "default")["502"][1] == "transferred"
    assert standing(log, "default")["501"] == ("closedwon", "won", 200050)
    # A pipeline of which no stage is open is none.
    views = Views(log)
    views.catch_up()
    assert sorted(views.pipelines()) == ["9f2c-renewals", "default"]


def test_hubspot_webhooks_tell_repeated_deliveries_once(log: Log) -> None:
    report = brought(log, "hubspot_webhooks/events.json", "hubspot/webhooks.yaml")
    assert told(log, "700") == [
        "01-08 DealOpened default",
        "01-08 ValueChanged 2000.00 EUR",
        "01-08 StageMoved qualifiedtobuy",
        "01-08 ExpectedCloseChanged",
        "01-08 DealWon",
    ]
    assert told(log, "701")[-1] == "01-08 DealMerged"
    assert skipped(report) == {
        "rows: the same row again": 1,
        "deal.propertyChange hs_priority: unknown activity": 1,
        "rows: nothing opens this journey": 1,
    }


def test_pipedrive_flows_are_read_backwards_and_begin_where_the_first_change_did(log: Log) -> None:
    report = brought(log, "pipedrive", "pipedrive/mapping.yaml")
    assert told(log, "1") == [
        "01-02 DealOpened 1 1000.00 EUR",
        "01-02 StageMoved 10",
        "01-02 NoteAdded",
        "02-05 StageMoved 11",
        "02-08 Touched call",
        "02-10 ValueChanged 1200.50 EUR",
        "02-19 DealLost not told",
        "02-20 DealReopened 11 opened again in Pipedrive",
        "03-01 DealWon",
    ]
    assert told(log, "2")[-1] == "02-01 PipelineChanged 20 2"
    assert told(log, "3")[-1] == "02-04 DealLost price"
    assert skipped(report) == {
        "flow dealChange add_time: told by the deal or by another change": 1,
        "flow dealChange pipeline_id: told by the deal or by another change": 1,
        "flow activity: an activity not done": 1,
        "flow dealChange label: unknown activity": 1,
    }
    assert standing(log, "1")["1"] == ("won", "won", 120050)
    assert standing(log, "2") == {"2": ("20", "open", 30000)}


def test_pipedrive_webhooks_tell_only_what_changed(log: Log) -> None:
    report = brought(log, "pipedrive_webhooks/hooks.jsonl", "pipedrive/webhooks.yaml")
    assert told(log, "9") == [
        "02-17 DealOpened 1 100.00 EUR",
        "02-17 StageMoved 1",
        "02-17 StageMoved 3",
        "02-17 ValueChanged 150.25 EUR",
        "02-17 DealLost price",
        "02-17 DealReopened 3 opened again in Pipedrive",
        "02-17 DealWon",
    ]
    assert skipped(report) == {
        "rows: the same row again": 1,
        "updated.deal: nothing of the deal that is kept has changed": 1,
    }


def test_a_folder_grows_and_only_what_is_new_comes_in(log: Log, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    shutil.copytree(HERE / "salesforce", folder)
    lines = (folder / "OpportunityHistory.csv").read_text().splitlines(keepends=True)
    (folder / "OpportunityHistory.csv").write_text("".join(lines[:5]))
    mapping = EXAMPLES / "salesforce" / "mapping.yaml"
    run_import(log, folder, mapping, actor="clerk")
    (folder / "OpportunityHistory.csv").write_text("".join(lines))
    report = run_import(log, folder, mapping, actor="clerk")
    assert report.changed_count == 0
    grown = sorted(fact[2] for fact in facts(log))
    other = kinds(log)
    assert report.new_events == 9
    assert other.count("DealWon") == 1
    assert len(grown) == len(set(grown)) == 33


def test_salesforce_from_a_warehouse_tells_what_the_objects_tell(log: Log, tmp_path: Path) -> None:
    brought(log, "salesforce_warehouse", "salesforce/warehouse.yaml")
    assert told(log, "006D2") == [
        "02-06 DealOpened opportunities",
        "02-06 ValueChanged 900.00 EUR",
        "02-06 ExpectedCloseChanged",
        "02-06 StageMoved id_decision_makers",
        "03-06 DealLost Closed Lost",
        "03-16 DealReopened negotiation_review moved to an open stage",
        "04-01 FollowUpScheduled call",
    ]
    assert {key: of[1:] for key, of in standing(log, "opportunities").items()} == {
        "00Q01": ("won", 125050),
        "00Q02": ("open", None),
        "00Q03": ("disqualified", None),
        "00Q04": ("merged", None),
        "00Q06": ("open", None),
        "006D2": ("open", 90000),
        "006D4": ("lost", None),
    }
