"""Two imports at the same time are one import: nothing is told twice, nobody is met under two ids."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import polars as pl
import pytest
import yaml

from engine.errors import Conflict
from engine.log import bulk
from engine.log.application import Log
from engine.log.bulk import Overtaken, append_bulk
from engine.log.feed import read_feed
from engine.log.keys import find_stream, keys_frame
from engine.log.people import people_frame
from engine.log.writes import Erasable, Person
from service.importers import turns
from service.importers.job import Job
from service.importers.run import run_import
from service.importers.writing import CAUSES, introduce
from tests.service.importers.histories import LONG, ROWS, bring, changed, facts, journeys_feed, kinds, lay

# Each waits, right before its first events are written, until the other has come as far.
CHILD = """
import sys, time
from pathlib import Path
from engine.log.application import Log
from service.importers import writing
from service.importers.run import run_import

url, file, mapping, me, other = sys.argv[1], *map(Path, sys.argv[2:])
append = writing.append_bulk

def together(log, batch, *more):
    if not me.exists() and (batch.height or me.name.startswith("begin")):
        me.touch()
        while not other.exists():
            time.sleep(0.001)
    return append(log, batch, *more)

writing.append_bulk = together
writing.WRITTEN = 100
print(run_import(Log(url), file, mapping, actor="clerk").model_dump_json())
"""
FIRST = [f"x{n},open,2024-05-01T08:00:00Z,rep{n % 7},{n}\n" for n in range(300)]
LATER = [
    f"x{n},{what},2024-05-0{day}T08:00:00Z,rep{n % 9},{n}\n"
    for n in range(300)
    for day, what in enumerate(["call", "offer", "win"], 2)
]
BASE = ROWS + "".join(FIRST)
GROWN = BASE + "".join(LATER)


def both(log: Log, folder: Path, rows: str, where: str) -> list[dict[str, Any]]:
    """The reports of two processes that import the same file at the same time."""
    file, mapping = lay(folder, LONG, rows)
    marks = [folder / f"{where}-{name}" for name in "ab"]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, log.url, file, mapping, *pair], stdout=subprocess.PIPE, text=True
        )
        for pair in (marks, marks[::-1])
    ]
    said = [child.communicate(timeout=120)[0] for child in started]
    assert [child.returncode for child in started] == [0, 0]
    return [json.loads(out) for out in said]


def alone(template: Path, folder: Path, *files: str) -> list[tuple[Any, ...]]:
    path = folder / "alone.db"
    path.write_bytes(template.read_bytes())
    log = Log(f"sqlite:///{path}")
    for rows in files:
        bring(log, folder, LONG, rows)
    found = facts(log)
    log.close()
    return found


def test_two_imports_of_a_grown_file_at_once_tell_it_once(log: Log, sqlite_template: Path, tmp_path: Path) -> None:
    bring(log, tmp_path, LONG, BASE)
    reports = both(log, tmp_path, GROWN, "events")
    assert facts(log) == alone(sqlite_template, tmp_path, BASE, GROWN)
    assert read_feed(log, 0)["event_id"].is_unique().all()
    new = [report["new_events"] for report in reports]
    # A third event a win: the rep who wins owns the deal.
    assert sum(new) == 4 * 300
    assert all(report["new_events"] + report["already_known"] == 4 * 300 + 10 + 300 for report in reports)
    assert [report["changed_count"] for report in reports] == [0, 0]


def test_two_first_imports_at_once_are_one(log: Log, sqlite_template: Path, tmp_path: Path) -> None:
    reports = both(log, tmp_path, GROWN, "begin")
    assert sorted(report["published"] for report in reports) == [False, True]
    assert sum(report["new_journeys"] for report in reports) == 302
    assert facts(log) == alone(sqlite_template, tmp_path, GROWN)
    assert keys_frame(log).height == 302
    people = people_frame(log).select("source", "key")
    assert people.is_unique().all()
    named = set(journeys_feed(log)["actor"])
    assert named <= set(people_frame(log)["person_id"])


def test_a_stream_that_went_on_since_is_compared_again(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rep writes between the comparison and the writing."""
    bring(log, tmp_path, LONG, ROWS)
    file, mapping = lay(
        tmp_path, LONG, ROWS + "d1,call,2024-04-20T09:00:00Z,ann,1\nd2,call,2024-04-20T09:00:00Z,bob,1\n"
    )
    meanwhile: list[int] = []

    def overtaken(job: Job, people: Iterable[UUID]) -> None:
        introduce(job, people)
        if not meanwhile:
            meanwhile.append(0)
            meanwhile.append(run_import(log, file, mapping, actor="other").new_events)

    monkeypatch.setattr(turns, "introduce", overtaken)
    report = run_import(log, file, mapping, actor="clerk")
    assert meanwhile == [0, 2]
    assert (report.new_events, report.already_known, report.changed_count) == (0, 12, 0)
    assert kinds(log).count("Touched") == 5


def test_the_log_refuses_a_batch_made_for_another_version(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(log, tmp_path, LONG, ROWS)
    position = log.position()
    batch = journeys_feed(log).with_columns(pl.lit(None, pl.String).alias("causation_id"), *(
        pl.col("event_id").alias(name) for name in CAUSES if name in ("command_id", "correlation_id")
    ))  # fmt: skip
    one, two = find_stream(log, "d1").hex, find_stream(log, "d2").hex
    batch = pl.concat([batch.filter(pl.col("stream_id") == two), batch.filter(pl.col("stream_id") == one)])
    versions = {one: len(log.stream(find_stream(log, "d1"))), two: len(log.stream(find_stream(log, "d2")))}
    monkeypatch.setattr(bulk, "CHUNK", 3)
    with pytest.raises(Overtaken, match=f"is at version {versions[one]} by now") as told:
        append_bulk(log, batch, expected={two: versions[two]})
    assert told.value.written == versions[two]
    assert log.position() == position + versions[two]
    with pytest.raises(Conflict):
        append_bulk(log, batch, expected={})
    assert log.position() == position + versions[two]


def test_a_person_met_elsewhere_is_a_conflict_and_not_a_database_error(log: Log, tmp_path: Path) -> None:
    bring(log, tmp_path, LONG, ROWS)
    known = people_frame(log).filter(pl.col("key") == "ann")
    twin = Person(uuid4(), "rep", known["source"][0], "ann")
    with pytest.raises(Overtaken, match="clashes"):
        append_bulk(log, journeys_feed(log).clear().with_columns(
            *(pl.lit(None, pl.String).alias(name) for name in ("command_id", "correlation_id", "causation_id"))
        ), Erasable(people=[twin]))  # fmt: skip
    assert people_frame(log).filter(pl.col("key") == "ann").height == 1


def test_the_roster_is_enrolled_once(log: Log, tmp_path: Path) -> None:
    (tmp_path / "team.csv").write_text("rep,boss\n" + "".join(f"rep{n},rep0\n" for n in range(1, 30)))
    tables = {"team": {"file": "team.csv", "key": "rep"}}
    roster = {"table": "team", "rep": "rep", "manager": "boss", "since": "2024-01-01T00:00:00Z"}
    mapping = changed(LONG, tables=tables, roster=roster)
    (tmp_path / "with_roster.yaml").write_text(yaml.safe_dump(mapping, sort_keys=False))
    file, _ = lay(tmp_path, LONG, ROWS)
    marks = [tmp_path / f"begin-{name}" for name in "ab"]
    command = [sys.executable, "-c", CHILD, log.url, file, tmp_path / "with_roster.yaml"]
    started = [subprocess.Popen([*map(str, command), *map(str, pair)]) for pair in (marks, marks[::-1])]
    assert [child.wait(120) for child in started] == [0, 0]
    assert sorted(read_feed(log, 0)["type"]).count("roster.rep_enrolled.v1") == 29
