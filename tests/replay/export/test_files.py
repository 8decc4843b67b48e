"""Files of an export: what is in them, and that they are whole or not there."""

import csv
import json
import subprocess
import sys
from collections import Counter
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.lead.commands import CaptureLead
from engine.errors import Rejected
from engine.log.application import Log
from engine.log.erasure import erase_person
from engine.log.people import person
from engine.projections.board import board
from engine.projections.conversion import conversion
from engine.projections.filters import Filters
from engine.projections.lens import Lens
from engine.projections.views import Views
from engine.stages.presets import preset
from engine.values import Attribute, Money, from_micros
from replay.export.cells import harmless, harmless_cells
from replay.export.manifest import Format, Kind, Manifest, beside
from replay.export.output import replacing, sweep
from replay.export.run import Asked, export
from replay.export.stored import STORED, Scope, position_at, stored_events
from tests.checklist.desk import Desk

NOW = Lens.of()


def written(log: Log, kind: Kind, path: Path, form: Format | None = None, **asked: Any) -> Manifest:
    lens = asked.pop("lens", NOW)
    return export(log, Asked(kind, lens, **asked), path, form or path.suffix[1:])  # type: ignore[arg-type]


def table(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    return pl.read_parquet(path).to_dicts()


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_journeys_of_a_file_are_those_on_the_board(sample: Log, out: Path, form: Format) -> None:
    path = out / f"journeys.{form}"
    manifest = written(sample, "journeys", path)
    rows = table(path)
    found = board(Views(sample).look(None, NOW))
    assert manifest.rows == len(rows) == found.n
    assert Counter(row["stage"] for row in rows) == {stage.stage: stage.count for stage in found.stages if stage.count}
    for stage in found.stages:
        here = [Decimal(row["amount"]) for row in rows if row["stage"] == stage.stage and row["amount"]]
        assert sum(here) == sum(Decimal(value.amount) for value in stage.value)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_visits_of_a_file_add_up_to_the_conversion(sample: Log, out: Path, form: Format) -> None:
    path = out / f"visits.{form}"
    written(sample, "visits", path, filters=Filters(owner="rep-03"))
    rows = table(path)
    found = conversion(Views(sample).look(None, NOW), Filters(owner="rep-03"))
    assert rows
    entered = Counter(stage for _, stage in {(row["journey"], row["stage"]) for row in rows})
    assert {stage.stage: stage.entered for stage in found.stages} == {
        stage.stage: entered[stage.stage] for stage in found.stages
    }
    for row in rows:
        assert (row["seconds"] in ("", None)) == (row["left_at"] in ("", None))
        if row["left_at"]:
            entered_at, left_at = (datetime.fromisoformat(str(row[name])) for name in ("entered_at", "left_at"))
            assert str(row["seconds"]) == str((left_at - entered_at).total_seconds())


def test_stored_events_are_those_of_the_streams(sample: Log, out: Path) -> None:
    written(sample, "events", out / "events.parquet")
    rows = pl.read_parquet(out / "events.parquet")
    assert rows["position"].to_list() == list(range(1, sample.position() + 1))
    for (stream,), some in rows.group_by("stream_id"):
        recorded = sample.stream(UUID(str(stream)))
        assert some.sort("version").select(
            "position", "event_id", "occurred_at", "recorded_at", "actor", "command_id", "payload"
        ).rows() == [
            (
                each.position,
                str(each.event_id),
                each.occurred_at,
                each.recorded_at,
                str(each.envelope.actor),
                str(each.envelope.command_id),
                each.event.payload(),
            )
            for each in recorded
        ]


def test_an_event_names_the_journey_it_belongs_to(sample: Log, out: Path) -> None:
    written(sample, "events", out / "events.parquet")
    rows = pl.read_parquet(out / "events.parquet")
    written(sample, "visits", out / "visits.parquet")
    entered = pl.read_parquet(out / "visits.parquet").select("position", visit="journey")
    joined = rows.join(entered, on="position", how="inner")
    assert joined.height > 100
    assert joined.filter(pl.col("journey") != pl.col("visit")).is_empty()
    others = rows.filter(pl.col("journey").is_null())["type"].str.split(".").list.first().unique().sort()
    assert others.to_list() == ["pipeline", "roster", "target"]


def test_a_line_is_the_event_whatever_the_format(sample: Log, out: Path) -> None:
    digests = {
        form: written(sample, "events", out / f"events.{form}").content_sha256 for form in ("jsonl", "csv", "parquet")
    }
    lines = (out / "events.jsonl").read_bytes()
    assert digests == dict.fromkeys(digests, sha256(lines).hexdigest())
    told = [json.loads(line) for line in lines.splitlines()]
    assert [list(each) for each in told] == [list(STORED)] * sample.position()
    stored = pl.concat(list(stored_events(sample, Scope(sample.position()))))
    for line, row in zip(told, stored.iter_rows(named=True), strict=True):
        payload = json.dumps(line.pop("payload"), separators=(",", ":"), ensure_ascii=False)
        assert payload == row["payload"]
        assert line["recorded_at"] == f"{row['recorded_at']:%Y-%m-%dT%H:%M:%S.%fZ}"
        assert all(line[name] == row[name] for name in ("position", "event_id", "causation_id", "origin"))


def test_what_was_known_is_the_beginning_of_what_is_known(sample: Log, out: Path) -> None:
    times = pl.concat(list(stored_events(sample, Scope(sample.position()))))["recorded_at"].dt.epoch("us").to_list()
    for moment in (times[0] - 1, times[0], times[700], times[700] + 1, times[-1], times[-1] + 10**9):
        assert position_at(sample, moment) == sum(time <= moment for time in times)
    then = Lens.of(known_at=from_micros(times[700]))
    manifest = written(sample, "events", out / "then.jsonl", lens=then)
    written(sample, "events", out / "now.jsonl")
    assert (manifest.rows, manifest.last_position, manifest.whole) == (701, 701, True)
    assert (out / "now.jsonl").read_bytes().startswith((out / "then.jsonl").read_bytes())


def test_a_filter_takes_the_events_of_whole_journeys(sample: Log, out: Path) -> None:
    manifest = written(sample, "events", out / "mine.parquet", filters=Filters(owner="rep-03"))
    written(sample, "journeys", out / "journeys.parquet", filters=Filters(owner="rep-03"))
    journeys = pl.read_parquet(out / "journeys.parquet")["journey"]
    whole = pl.concat(list(stored_events(sample, Scope(sample.position()))))
    mine = whole.filter(pl.col("journey").is_in(journeys.implode()))
    assert pl.read_parquet(out / "mine.parquet").equals(mine)
    assert not manifest.whole
    assert manifest.filters == {"owner": "rep-03"}


def test_an_empty_log_makes_empty_tables(log: Log, out: Path) -> None:
    Desk(log).publish(preset("ca"))
    for kind in ("visits", "journeys"):
        for form in ("csv", "parquet"):
            assert written(log, kind, out / f"{kind}.{form}").rows == 0
            assert "journey" in pl.read_csv(out / f"{kind}.csv").columns
    assert written(log, "events", out / "none.csv", lens=Lens.of(known_at=from_micros(0))).rows == 0
    assert pl.read_csv(out / "none.csv").columns == [*STORED, "journey"]


def test_amounts_are_exact_in_every_currency(log: Log, out: Path) -> None:
    desk = Desk(log)
    desk.publish(preset("ca"))
    amounts = {"EUR": "9999999999999.99", "JPY": "1000000000000000", "KWD": "0.001", "CLF": "1.2345"}
    for currency, amount in amounts.items():
        desk.begin(OpenDeal(pipeline="ca", value=Money.of(amount, currency)))
    for form in ("csv", "parquet"):
        written(log, "journeys", out / f"j.{form}")
        rows = table(out / f"j.{form}")
        assert {row["currency"]: Decimal(row["amount"]) for row in rows} == {
            currency: Decimal(amount) for currency, amount in amounts.items()
        }


def test_texts_that_look_like_formulas_do_no_harm(log: Log, out: Path) -> None:
    desk = Desk(log)
    desk.publish(preset("ca"))
    evil = ["=1+1", "+cmd|'/C calc'!A0", "-x", "@SUM(A1)", "＝1", 'a"b,c\nd', "plain", "-5"]
    for text in evil:
        told = Attribute(name="product", value=text)
        desk.begin(CaptureLead(pipeline="ca", title=text, source=text, attributes=(told,)))
    written(log, "journeys", out / "j.csv")
    rows = table(out / "j.csv")
    assert all(row["title"] == row["source"] == row["attr.product"] for row in rows)
    harmless_already = {'a"b,c\nd', "plain", "-5"}
    assert {row["title"] for row in rows} == {text if text in harmless_already else f"'{text}" for text in evil}
    written(log, "journeys", out / "j.parquet")
    assert {row["title"] for row in table(out / "j.parquet")} == set(evil)


@pytest.mark.parametrize("text", ["=1", "+a", "-1.5", "-1e5", "-", "\tx", "\rx", "\nx", "a=", "", "+49 30", "１"])
def test_a_column_of_cells_is_made_as_a_single_cell(text: str) -> None:
    frame = harmless_cells(pl.DataFrame({"text": [text, None], "number": [-1, 2]}))
    assert frame.rows() == [(harmless(text), -1), (None, 2)]


def test_an_erased_person_stays_an_id(log: Log, out: Path) -> None:
    desk = Desk(log)
    desk.publish(preset("ca"))
    rep = PersonRef(source="crm", key="ana@example.org", name="Rep Eleven")
    desk.begin(CaptureLead(pipeline="ca", owner=rep, title="a title"))
    written(log, "journeys", out / "before.csv")
    known = person(log, "crm", "ana@example.org")
    assert known is not None
    erase_person(log, known.person_id, known.person_id)
    manifest = written(log, "journeys", out / "after.csv")
    (before,), (after,) = table(out / "before.csv"), table(out / "after.csv")
    assert (before["owner"], before["owner_name"], before["title"]) == ("ana@example.org", "Rep Eleven", "a title")
    assert (after["owner"], after["owner_name"], after["owner_id"]) == ("", "", str(known.person_id))
    assert manifest.names
    unnamed = written(log, "journeys", out / "ids.csv", names=False)
    (row,) = table(out / "ids.csv")
    assert (row["title"], row["key"], row["owner_id"], unnamed.names) == ("", "", str(known.person_id), False)


def test_a_file_that_is_there_is_replaced_on_request_alone(sample: Log, out: Path) -> None:
    path = out / "visits.csv"
    path.write_text("mine")
    with pytest.raises(Rejected, match="--force"):
        written(sample, "visits", path)
    assert path.read_text() == "mine"
    export(sample, Asked("visits", NOW), path, "csv", force=True)
    assert path.read_text().startswith("pipeline,journey,n,stage")
    for wrong, why in ((out, "folder"), (out / "no" / "v.csv", "does not exist")):
        with pytest.raises(Rejected, match=why):
            export(sample, Asked("visits", NOW), wrong, "csv", force=True)


def test_what_fails_half_way_leaves_the_old_file_and_no_other(sample: Log, out: Path) -> None:
    path = out / "events.parquet"
    path.write_text("old")

    def fail(_done: int, _total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(sample, Asked("events", NOW), path, "parquet", force=True, progress=fail)
    assert path.read_text() == "old"
    assert list(out.iterdir()) == [path]


KILLED = """
import os, sys
from pathlib import Path
from engine.log.application import Log
from engine.projections.lens import Lens
from replay.export.run import Asked, export
export(Log(sys.argv[1]), Asked("events", Lens.of()), Path(sys.argv[2]), sys.argv[3], force=True,
       progress=lambda done, total: os.kill(os.getpid(), 9))
"""


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_kill_leaves_the_old_file(sample_url: str, out: Path, form: str) -> None:
    path = out / f"events.{form}"
    path.write_text("old")
    killed = subprocess.run([sys.executable, "-c", KILLED, sample_url, path, form], check=False)
    assert killed.returncode == -9
    assert path.read_text() == "old"
    (left,) = (each for each in out.iterdir() if each != path)
    with replacing(out / "events") as another, replacing(path) as living:
        # Neither that of another file nor that of a process that lives is swept.
        assert not left.exists()
        sweep(path)
        assert living.exists()
        assert another.exists()
        living.write_text("new")
    assert path.read_text() == "new"


TERMINATED = """
import os, sys, time
from pathlib import Path
import replay.export.stored
from engine.log.application import Log
from engine.projections.lens import Lens
from replay.export.run import Asked, export
from service.cli.ending import ended_by_term
calls = 0
def progress(done, total):
    global calls
    calls += 1
    if calls == 2:
        os.kill(os.getpid(), 15)
        time.sleep(1)
    if calls > 5:
        os._exit(1)
replay.export.stored.BATCH = 100
with ended_by_term():
    export(Log(sys.argv[1]), Asked("events", Lens.of()), Path(sys.argv[2]), sys.argv[3], force=True, progress=progress)
"""


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_sigterm_ends_it_at_once_and_leaves_the_old_file_alone(sample_url: str, out: Path, form: str) -> None:
    path = out / f"events.{form}"
    path.write_text("old")
    ended = subprocess.run([sys.executable, "-c", TERMINATED, sample_url, path, form], check=False)
    assert ended.returncode == 143
    assert path.read_text() == "old"
    assert list(out.iterdir()) == [path]


def test_the_manifest_says_what_a_file_was_made_from(sample: Log, out: Path) -> None:
    path = out / "journeys.csv"
    told = written(sample, "journeys", path, filters=Filters(team="north"))
    manifest = Manifest.model_validate_json(beside(path).read_text())
    assert manifest == told
    assert manifest.sha256 == sha256(path.read_bytes()).hexdigest()
    assert (manifest.file, manifest.bytes) == ("journeys.csv", path.stat().st_size)
    assert (manifest.pipeline, manifest.definition, manifest.position) == ("office-coffee", 1, sample.position())
    assert (manifest.log_id, manifest.as_of) == (str(sample.log_id), from_micros(NOW.as_of))
