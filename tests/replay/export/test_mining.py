"""XES and OCEL 2.0 as readers of others see them: r4pm (MIT or Apache 2.0) and oceldb (MIT)."""

import json
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest
import r4pm
from lxml import etree
from oceldb.io import convert_ocel

from engine.aggregates.deal.commands import DeclineProposal, OpenDeal, SendProposal
from engine.aggregates.deal.events import ProposalOption
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import RetractEntry, SetAttributes, Touch
from engine.aggregates.lead.commands import CaptureLead, ConvertLead
from engine.entries import EntryRetracted
from engine.log import schema
from engine.log.application import Log
from engine.log.people import people_frame
from engine.messages import AnyRecorded
from engine.projections.board import board
from engine.projections.conversion import conversion
from engine.projections.cycle_time import cycle_time
from engine.projections.lens import Lens
from engine.projections.views import Views
from engine.projections.win_rate import win_rate
from engine.stages.definition import load_definition
from engine.stages.presets import preset
from engine.values import Attribute, Money, TouchKind, from_micros
from replay.export.lives import AT_ONCE
from replay.export.manifest import Format
from replay.export.ocel_told import Told
from replay.export.run import Asked, export
from service.importers.run import run_import
from service.sample import PIPELINE
from tests.checklist.desk import Desk

NOW = Lens.of()
MAPPING = Path(__file__).parents[3] / "examples" / "xes_export" / "mapping.yaml"


def written(log: Log, path: Path, form: Format, **asked: Any) -> Path:
    export(log, Asked("events", asked.pop("lens", NOW), **asked), path, form)
    return path


def live(log: Log) -> list[AnyRecorded]:
    """The entries of leads and deals that were not taken back, stream by stream."""
    with log.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT DISTINCT stream_id FROM events").all()
    entries = [entry for (stream,) in rows for entry in log.stream(UUID(bytes=stream))]
    entries = [entry for entry in entries if entry.event.TOPIC.startswith(("lead.", "deal."))]
    gone = {entry.event.event_id for entry in entries if isinstance(entry.event, EntryRetracted)}
    return [entry for entry in entries if entry.event_id not in gone and not isinstance(entry.event, EntryRetracted)]


def keys_of(log: Log) -> dict[str, str]:
    return {str(UUID(row["person_id"])): row["key"] for row in people_frame(log).iter_rows(named=True)}


def test_a_reader_of_xes_finds_every_live_entry(sample: Log, out: Path) -> None:
    rows, _ = r4pm.df.import_xes(str(written(sample, out / "log.xes", "xes")))
    names = keys_of(sample)
    expected = {
        (
            str(entry.event_id),
            type(entry.event).__name__,
            entry.occurred_at.replace(tzinfo=None),
            names[str(entry.envelope.actor)],
            entry.position,
            entry.event.TOPIC.split(".")[0],
        )
        for entry in live(sample)
    }
    told = rows.select("identity:id", "concept:name", "time:timestamp", "org:resource", "position", "stream")
    assert set(told.rows()) == expected
    assert rows.height == len(expected)


def test_the_details_of_an_event_come_through_xes(sample: Log, out: Path) -> None:
    rows, _ = r4pm.df.import_xes(str(written(sample, out / "log.xes", "xes")))
    by_id = {row["identity:id"]: row for row in rows.iter_rows(named=True)}
    checked = Counter[str]()
    for entry in live(sample):
        row, event = by_id[str(entry.event_id)], entry.event
        for name, value in json.loads(event.payload()).items():
            checked[name] += 1
            match name:
                case "value" | "amount":
                    money = getattr(event, name)
                    assert (row[name], row[f"{name}:currency"]) == (float(money.amount), money.currency)
                case "attributes":
                    assert {row[f"attribute:{each['name']}"] for each in value} == {each["value"] for each in value}
                case "owner" | "person":
                    assert row[name] == keys_of(sample)[value]
                case "options":
                    assert json.loads(row[name]) == value
                    assert row["price"] == float(event.options[0].price.amount)
                case "due_at":
                    assert row[name] == event.due_at.replace(tzinfo=None)
                case _ if isinstance(value, dict):
                    assert row[name] == value["text_id"]
                case _:
                    assert row[name] == value, name
    assert len(checked) > 15


def test_traces_are_journeys_in_the_order_of_what_happened(sample: Log, out: Path) -> None:
    tree = etree.parse(written(sample, out / "log.xes", "xes"))
    space = {"x": "http://www.xes-standard.org/"}
    told = {
        trace.xpath("string(x:id[@key='identity:id']/@value)", namespaces=space): [
            (
                each.xpath("string(x:date/@value)", namespaces=space),
                int(each.xpath("x:int[@key='position']/@value", namespaces=space)[0]),
            )
            for each in trace.xpath("x:event", namespaces=space)
        ]
        for trace in tree.getroot().findall("x:trace", space)
    }
    look = Views(sample).look(None, NOW)
    assert told.keys() == {str(UUID(journey)) for journey in look.journeys["journey_id"]}
    assert all(events == sorted(events) for events in told.values())
    stages = [
        (trace, stage)
        for trace in tree.getroot().findall("x:trace", space)
        for stage in trace.xpath("x:event/x:string[@key='stage:entered']/@value", namespaces=space)
    ]
    assert Counter(stage for _, stage in stages) == Counter(
        look.definition.key_of(rank) for rank in look.visits["stage"]
    )


def test_the_file_keeps_to_the_structure_of_ieee_1849(sample: Log, out: Path) -> None:
    """The order and the elements of its schema: extensions, globals, classifiers, attributes, traces; then events."""
    root = etree.parse(written(sample, out / "log.xes", "xes")).getroot()
    assert root.attrib["xes.version"] == "1849-2016"
    assert "xes.features" in root.attrib
    order = ["extension", "global", "classifier", "trace"]
    names = [etree.QName(child).localname for child in root]
    assert names == sorted(names, key=order.index)
    prefixes = {each.attrib["prefix"] for each in root.findall("{*}extension")}
    values = {
        "string": str,
        "date": datetime.fromisoformat,
        "int": int,
        "float": float,
        "boolean": ["true", "false"].index,
    }
    for child in root.iterfind("{*}trace//"):
        name = etree.QName(child).localname
        if name == "event":
            continue
        assert name in {*values, "id"}
        values.get(name, UUID)(child.attrib["value"])  # type: ignore[operator]
        prefix, colon, _ = child.attrib["key"].partition(":")
        assert not colon or prefix in {*prefixes, "value", "amount", "price", "attribute", "stage"}


def test_xes_imported_again_gives_the_same_answers(sample: Log, out: Path) -> None:
    path = written(sample, out / "log.xes", "xes")
    url = f"sqlite:///{out / 'again.db'}"
    schema.init(url)
    again = Log(url)
    Desk(again).publish(load_definition(PIPELINE))
    report = run_import(again, path, MAPPING, actor="somebody")
    assert (report.bad_count, report.new_journeys) == (0, 120)
    lens = Lens.of(from_micros(NOW.as_of))
    before, after = (Views(log).look("office-coffee", lens) for log in (sample, again))
    same: dict[str, Any] = {"position": 0, "cards": ()}
    assert board(after).model_copy(update=same | {"next": None}) == board(before).model_copy(
        update=same | {"next": None}
    )
    for answer in (conversion, cycle_time, win_rate):
        for by in (None, "owner", "source", "attr:machine"):
            assert answer(after, by=by).model_copy(update={"position": 0}) == answer(before, by=by).model_copy(
                update={"position": 0}
            )
    again.close()


@pytest.mark.parametrize("form", ["ocel-json", "ocel-sqlite"])
def test_a_reader_of_ocel_finds_every_live_entry_and_what_it_speaks_of(sample: Log, out: Path, form: Format) -> None:
    path = written(sample, out / f"log.{form.removeprefix('ocel-')}", form)
    ocel = convert_ocel(path, out / "snapshot", validate=True)
    events = ocel.events().collect()
    entries = live(sample)
    told = events.filter(~pl.col("ocel_type").is_in(["RepEnrolled"])).select("ocel_id", "ocel_type", "ocel_time")
    assert set(told.rows()) == {(str(e.event_id), type(e.event).__name__, e.occurred_at) for e in entries}
    links = defaultdict(set)
    for event_id, object_id, qualifier in (
        ocel.e2o().select("ocel_event_id", "ocel_object_id", "ocel_qualifier").collect().iter_rows()
    ):
        links[event_id].add((qualifier, object_id))
    named = {"owner": "owner", "person": "customer", "proposal_id": "proposal", "from_lead": "from", "deal": "becomes"}
    for entry in entries:
        expected = {(entry.event.TOPIC.split(".")[0], str(entry.stream_id)), ("actor", str(entry.envelope.actor))}
        expected |= {(q, str(value)) for field, value in entry.event if value and (q := named.get(field))}
        assert links[str(entry.event_id)] == expected
    objects = dict(ocel.objects().collect().rows())
    streams = {str(e.stream_id): e.event.TOPIC.split(".")[0] for e in entries}
    assert streams.items() <= objects.items()
    assert set(objects.values()) == {"lead", "deal", "proposal", "rep"}


def test_json_and_sqlite_say_the_same_to_both_readers(sample: Log, out: Path) -> None:
    paths = {form: written(sample, out / f"log.{form}", f"ocel-{form}") for form in ("json", "sqlite")}  # type: ignore[arg-type]
    first, second = (convert_ocel(path, out / f"{form}.snapshot", validate=True) for form, path in paths.items())
    for table in ("events", "objects", "object_changes", "e2o", "o2o"):
        one, other = (getattr(ocel, table)().collect() for ocel in (first, second))
        columns = sorted(one.columns)
        if table == "object_changes":
            # SQLite has a first row of every object, JSON has nothing to say of one without attributes.
            values = [name for name in columns if not name.startswith("ocel_")]
            other = other.filter(~pl.all_horizontal(pl.col(values).is_null()))
        assert one.height > 0
        assert columns == sorted(other.columns)
        assert one.select(columns).sort(columns).equals(other.select(columns).sort(columns)), table
    read = r4pm.df.import_ocel(str(paths["json"]))
    events = first.events().collect()
    assert set(read["events"].select("ocel:eid", "ocel:activity", "ocel:timestamp").rows()) == set(
        events.select("ocel_id", "ocel_type", pl.col("ocel_time").dt.replace_time_zone(None)).rows()
    )
    assert read["relations"].height == first.e2o().collect().height
    assert read["o2o"].height == first.o2o().collect().height


def test_objects_remember_what_they_were(sample: Log, out: Path) -> None:
    """A journey's deal, or its lead where there is none, has what the answers say; each change stands at its time."""
    ocel = convert_ocel(written(sample, out / "log.json", "ocel-json"), out / "snapshot", validate=True)
    look = Views(sample).look(None, NOW)
    journeys = {str(UUID(row["journey_id"])): row for row in look.named(look.journeys).iter_rows(named=True)}
    opened = {str(e.stream_id): str(e.event.from_lead) for e in live(sample) if getattr(e.event, "from_lead", None)}
    converted = {str(e.stream_id): e.occurred_at for e in live(sample) if getattr(e.event, "from_lead", None)}
    told: dict[str, dict[str, list[tuple[datetime, Any]]]] = defaultdict(lambda: defaultdict(list))
    keys: dict[str, str] = {}
    for row in ocel.object_changes("lead", "deal").collect().sort("ocel_time").iter_rows(named=True):
        if row["ocel_is_initial"]:
            keys[row["ocel_id"]] = row["key"]
        else:
            told[row["ocel_id"]][row["ocel_changed_field"]].append((row["ocel_time"], row[row["ocel_changed_field"]]))
    deals = {lead: deal for deal, lead in opened.items()}
    people = keys_of(sample)
    for journey, row in journeys.items():
        record = deals.get(journey, journey)
        since = converted.get(record)
        last = {name: values[-1] for name, values in told[record].items()}
        assert keys[record] == row["key"]
        assert last["stage"][1] == look.definition.key_of(row["stage"])
        entered = from_micros(row["stage_since"])
        assert last["stage"][0] == (entered if since is None else max(entered, since))
        assert last["owner"][1] == people[str(UUID(row["owner"]))]
        for name in ("source", "channel", "fit", "engagement"):
            assert last.get(name, (None, None))[1] == row[name], name
        if row["amount_minor"] is not None:
            assert last["value"][1] == row["amount_minor"] / 100
        for dimension in ("budget", "authority", "need", "timeline"):
            assert last.get(dimension, (None, "unknown"))[1] == row[dimension]
        if since is not None:
            # From its beginning: what the lead was just then.
            assert {name: values[0][0] for name, values in told[record].items() if name in told[journey]} == {
                name: since for name, values in told[journey].items() if values[0][0] <= since
            }
    assert len(deals) > 50
    status = {record: values["status"][-1][1] for record, values in told.items()}
    standing = Counter(values["stage"][-1][1] for record, values in told.items() if status[record] != "converted")
    assert standing == {stage.stage: stage.count for stage in board(look).stages if stage.count}


def test_proposals_and_people_are_objects(log: Log, out: Path) -> None:
    desk = Desk(log)
    desk.publish(preset("ca"))
    deal = desk.begin(
        OpenDeal(pipeline="ca", person=PersonRef(source="crm", key="client-1", name="Client"), value=Money.of(9, "EUR"))
    )
    options = (
        ProposalOption(name="big", price=Money.of("7.5", "EUR")),
        ProposalOption(name="small", price=Money.of(3, "EUR")),
    )
    deal.goes(SendProposal(options=options))
    (sent,) = (e for e in log.stream(deal.stream) if type(e.event).__name__ == "ProposalSent")
    deal.goes(DeclineProposal(proposal_id=sent.event.proposal_id, reason="price"))
    ocel = convert_ocel(written(log, out / "log.sqlite", "ocel-sqlite"), out / "snapshot", validate=True)
    states = ocel.object_states("proposal").collect().sort("ocel_time").to_dicts()
    proposal = str(sent.event.proposal_id)
    assert [(s["ocel_id"], s["status"], s["price"], s["price:currency"]) for s in states][-1] == (
        proposal,
        "declined",
        7.5,
        "EUR",
    )
    assert "sent" in {state["status"] for state in states}
    (customer,) = ocel.object_states("customer").collect().to_dicts()
    assert (customer["key"], customer["name"]) == ("client-1", "Client")
    o2o = set(ocel.o2o().select("ocel_source_id", "ocel_target_id", "ocel_qualifier").collect().rows())
    assert o2o == {(proposal, str(deal.stream), "of"), (str(deal.stream), customer["ocel_id"], "customer")}
    ids = convert_ocel(
        written(log, out / "ids.sqlite", "ocel-sqlite", names=False), out / "ids.snapshot", validate=True
    )
    assert set(ids.objects("customer").collect()["ocel_id"]) == {customer["ocel_id"]}
    assert "client-1" not in (out / "ids.sqlite").read_bytes().decode("latin-1")


def test_a_deal_has_its_leads_customer_and_what_else_was_told_of_the_lead(log: Log, out: Path) -> None:
    desk = Desk(log)
    desk.publish(preset("ca"))
    client = PersonRef(source="crm", key="client-1", name="Client")
    sale = desk.begin(CaptureLead(pipeline="ca", person=client, source="fair", value=Money.of(9, "EUR")))
    sale.goes(ConvertLead(value=Money.of(7, "EUR")))
    ocel = convert_ocel(written(log, out / "log.sqlite", "ocel-sqlite"), out / "snapshot", validate=True)
    state = ocel.object_states("deal").collect().sort("ocel_time").to_dicts()[-1]
    assert (state["source"], state["value"], state["status"]) == ("fair", 7.0, "open")
    (customer,) = ocel.objects("customer").collect()["ocel_id"]
    o2o = set(ocel.o2o().select("ocel_source_id", "ocel_target_id", "ocel_qualifier").collect().rows())
    lead, deal = str(sale.journey), str(sale.stream)
    assert o2o == {(lead, customer, "customer"), (deal, customer, "customer"), (deal, lead, "from")}


def test_what_is_told_of_a_lead_after_its_conversion_holds_for_the_deal() -> None:
    told = Told()
    told.change_of("j", "lead", "j", "t1", "source", "fair")
    told.change_of("j", "lead", "j", "t1", "status", "converted")
    told.convert("j", "d", "t2")
    told.change_of("j", "deal", "d", "t2", "source", "web")
    told.change_of("j", "lead", "j", "t3", "stage", "qualified")
    of_deal = {name: values for (kind, name), values in told.changes.items() if kind == "deal"}
    assert of_deal == {"source": {("d", "t2"): "fair"}, "stage": {("d", "t3"): "qualified"}}


def test_what_is_taken_back_later_is_not_told_of_an_earlier_moment(log: Log, out: Path) -> None:
    desk = Desk(log)
    desk.publish(preset("ca"))
    deal = desk.begin(OpenDeal(pipeline="ca"))
    void = desk.begin(OpenDeal(pipeline="ca"))
    deal.goes(Touch(kind=TouchKind.CALL))
    call = log.stream(deal.stream)[-1]
    deal.goes(RetractEntry(event_id=call.event_id, reason="another deal"), days=10)
    void.goes(RetractEntry(event_id=log.stream(void.stream)[0].event_id, reason="a test"))
    then = Lens.of(call.occurred_at + timedelta(hours=1))
    path = written(log, out / "then.xes", "xes", lens=then)
    rows, _ = r4pm.df.import_xes(str(path))
    assert rows.select("concept:name", "case:identity:id").rows() == [("DealOpened", str(deal.stream))]
    known = Lens.of(from_micros(NOW.as_of), known_at=call.recorded_at)
    rows, _ = r4pm.df.import_xes(str(written(log, out / "known.xes", "xes", lens=known)))
    assert Counter(rows["concept:name"]) == {"DealOpened": 2, "Touched": 1}


def test_words_that_xml_or_sql_read_otherwise_come_through(log: Log, out: Path) -> None:
    desk = Desk(log)
    desk.publish(preset("ca"))
    strange = "a\"b'c<d>&amp;\té\n; DROP TABLE object; --"
    deal = desk.begin(OpenDeal(pipeline="ca", source=strange))
    deal.goes(SetAttributes(attributes=(Attribute(name="select", value="x\x01y\ufffe"),)))
    rows, _ = r4pm.df.import_xes(str(written(log, out / "log.xes", "xes")))
    assert set(rows["source"].drop_nulls()) == {strange}
    assert set(rows["attribute:select"].drop_nulls()) == {"x\ufffdy\ufffd"}
    for form in ("json", "sqlite"):
        ocel = convert_ocel(
            written(log, out / f"log.{form}", f"ocel-{form}"),
            out / f"{form}.snapshot",
            validate=True,  # type: ignore[arg-type]
        )
        assert set(ocel.events("DealOpened").collect()["source"]) == {strange}
        assert set(ocel.events("AttributesSet").collect()["attribute:select"]) == {"x\x01y\ufffe"}


@pytest.mark.parametrize("form", ["xes", "ocel-json", "ocel-sqlite"])
def test_a_log_of_several_buckets_is_whole(
    sample: Log, out: Path, form: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = export(sample, Asked("events", NOW), out / "one", form)
    monkeypatch.setattr("replay.export.lives.BUCKET", 100)
    monkeypatch.setattr("replay.export.lives.DIVIDED", 40)
    monkeypatch.setattr("replay.export.stored.BATCH", 30)
    monkeypatch.setattr("replay.export.lives.AT_ONCE", 7)
    told: list[tuple[int, int | None]] = []
    parts = export(sample, Asked("events", NOW), out / "many", form, progress=lambda *each: told.append(each))
    assert AT_ONCE > 7
    assert (parts.rows, parts.left_out) == (whole.rows, whole.left_out)
    read, given = ([done for done, of in told if (of is None) is reading] for reading in (True, False))
    assert read == sorted(set(read))
    assert given == sorted(set(given))
    assert read[-1] == given[-1] == told[-1][1] == sample.position()
    assert len(given) > 2
    if form == "xes":
        one, many = (r4pm.df.import_xes(str(rename(out / name)))[0] for name in ("one", "many"))
        columns = ["case:identity:id", "identity:id", "position"]
        assert one.select(columns).sort(columns).equals(many.select(columns).sort(columns))
        assert (many["position"].count(), many.columns.sort()) == (one["position"].count(), one.columns.sort())
        return
    found = [convert_ocel(out / name, out / f"{name}.snapshot", validate=True) for name in ("one", "many")]
    for table in ("events", "objects", "object_changes", "e2o", "o2o"):
        frames = [getattr(ocel, table)().collect() for ocel in found]
        columns = sorted(frames[0].columns)
        first, second = (frame.select(columns).sort(columns) for frame in frames)
        assert first.equals(second), table


def rename(path: Path) -> Path:
    return path.rename(path.with_suffix(".xes"))
