"""Checking an export without the log: what is left out, changed or put in another order is found."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from engine.errors import NotFound, Rejected
from engine.log.application import Log
from engine.projections.lens import Lens
from engine.values import from_micros
from replay.export.checking import Checked, check_export
from replay.export.lines import lines
from replay.export.manifest import Format, Manifest, beside
from replay.export.output import digest_of
from replay.export.run import Asked, export
from replay.export.stored import STORED

NOW = Lens.of()
DOCUMENT = Path(__file__).parents[3] / "docs" / "exports.md"


def written(log: Log, path: Path, lens: Lens = NOW) -> Manifest:
    return export(log, Asked("events", lens), path, path.suffix[1:])  # type: ignore[arg-type]


def changed(path: Path, change: Callable[[pl.DataFrame], pl.DataFrame], *, forged: bool) -> None:
    """Changes the events of a Parquet export; forged: the manifest tells the new digests."""
    rows = change(pl.read_parquet(path))
    rows.write_parquet(path)
    if forged:
        manifest = Manifest.model_validate_json(beside(path).read_text())
        told = {
            "bytes": path.stat().st_size,
            "sha256": digest_of(path),
            "rows": rows.height,
            "content_sha256": sha256(lines(rows)).hexdigest(),
            "last_position": rows["position"][-1],
            "position": rows["position"][-1],
        }
        beside(path).write_text(manifest.model_copy(update=told).model_dump_json())


def checks(found: Checked) -> set[str]:
    return {finding.check for finding in found.findings}


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_a_right_export_has_no_differences(sample: Log, out: Path, form: Format) -> None:
    told = written(sample, out / f"events.{form}")
    found = check_export(out / f"events.{form}")
    assert found.findings == ()
    assert found.content_sha256 == told.content_sha256
    assert {"file", "digest", "positions", "times", "versions", "payloads"} == set(found.checks)


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_tables_are_held_against_their_manifest(sample: Log, out: Path, form: Format) -> None:
    path = out / f"visits.{form}"
    export(sample, Asked("visits", NOW), path, form)
    assert check_export(path).findings == ()
    path.write_bytes(path.read_bytes().replace(b"won", b"wan", 1))
    assert checks(check_export(path)) == {"file"}


def without(position: int) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.filter(pl.col("position") != position)


def renumbered(rows: pl.DataFrame) -> pl.DataFrame:
    """An event from the middle of a stream taken out, and the positions closed up behind it."""
    gone = rows.filter(pl.col("version") == pl.col("version").max().over("stream_id") - 1)["position"][50]
    return without(gone)(rows).with_columns(position=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))


def swapped(rows: pl.DataFrame) -> pl.DataFrame:
    """Two events told in each other's place."""
    order = list(range(rows.height))
    order[500], order[501] = order[501], order[500]
    return rows[order].with_columns(position=rows["position"])


def set_value(column: str, value: object) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.with_columns(
        pl.when(pl.col("position") == 900).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
    )


FORGERIES = {
    "an event taken out": (without(700), "positions"),
    "an event taken out and the rest renumbered": (renumbered, "versions"),
    "two events swapped": (swapped, "times"),
    "an event recorded before it occurred": (set_value("occurred_at", from_micros(2**51)), "times"),
    "an event of a kind there is not": (set_value("type", "deal.vanished.v1"), "payloads"),
    "a payload that makes no sense": (set_value("payload", '{"won":"maybe"}'), "payloads"),
    "a payload written otherwise": (
        lambda rows: rows.with_columns(pl.col("payload").str.replace('":', '": ', literal=True)),
        "payloads",
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_is_forged_is_found_even_where_the_manifest_is_forged_too(sample: Log, out: Path, forgery: str) -> None:
    change, expected = FORGERIES[forgery]
    path = out / "events.parquet"
    written(sample, path)
    changed(path, change, forged=True)
    assert expected in checks(check_export(path))


def test_a_changed_file_is_not_what_its_manifest_says(sample: Log, out: Path) -> None:
    path = out / "events.parquet"
    written(sample, path)
    changed(path, set_value("origin", "api"), forged=False)
    assert checks(check_export(path)) == {"file", "digest"}


def test_an_end_that_is_cut_off_is_missed(sample: Log, out: Path) -> None:
    path = out / "events.csv"
    told = written(sample, path)
    kept = path.read_bytes().splitlines(keepends=True)[:-3]
    path.write_bytes(b"".join(kept))
    found = check_export(path)
    assert ("events of the log", str(told.rows), str(told.rows - 3)) in {
        (each.where, each.expected, each.found) for each in found.findings
    }


def test_a_newer_export_keeps_what_an_older_one_told(sample: Log, out: Path) -> None:
    whole = written(sample, out / "new.parquet")
    times = pl.read_parquet(out / "new.parquet")["recorded_at"]
    old = written(sample, out / "old.csv", Lens.of(known_at=times[999]))
    assert (old.rows, whole.rows > old.rows) == (1000, True)
    assert check_export(out / "new.parquet", out / "old.csv").findings == ()
    assert check_export(out / "new.parquet", beside(out / "old.csv")).findings == ()
    # A plausible lie, and a manifest to match: only who kept the older digest can tell.
    changed(out / "new.parquet", set_value("actor", str(sample.log_id)), forged=True)
    assert check_export(out / "new.parquet").findings == ()
    found = check_export(out / "new.parquet", beside(out / "old.csv"))
    assert checks(found) == {"older export"}
    assert checks(check_export(out / "old.csv", out / "new.parquet")) == {"older export"}


def test_another_log_is_no_continuation(sample: Log, sqlite_url: str, out: Path) -> None:
    other = Log(sqlite_url)
    written(other, out / "other.csv")
    written(sample, out / "events.csv")
    other.close()
    found = check_export(out / "events.csv", out / "other.csv")
    assert [finding.where for finding in found.findings] == ["log_id"]


def test_what_can_not_be_compared_is_refused(sample: Log, out: Path) -> None:
    written(sample, out / "events.csv")
    written(sample, out / "part.csv", Lens.of(from_micros(NOW.as_of - 40 * 86_400_000_000)))
    with pytest.raises(Rejected, match="all events"):
        check_export(out / "events.csv", out / "part.csv")
    (out / "alone.csv").write_bytes((out / "events.csv").read_bytes())
    with pytest.raises(NotFound, match="manifest"):
        check_export(out / "alone.csv")
    beside(out / "alone.csv").write_text('{"kind": "events"}')
    with pytest.raises(Rejected, match="no manifest"):
        check_export(out / "alone.csv")
    (out / "events.csv").write_text("a,b\n1,2\n")
    with pytest.raises(Rejected, match="no csv file of events"):
        check_export(out / "events.csv")


def test_the_script_of_the_documentation_needs_nothing_of_ours(sample: Log, out: Path) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert "import dealtrail" not in script
    told = written(sample, out / "events.csv")
    (out / "check.py").write_text(script)
    ask = [sys.executable, "-I", "check.py", "events.csv"]
    said = subprocess.run(ask, cwd=out, capture_output=True, text=True, check=True).stdout
    assert said.split() == [str(told.rows), str(told.content_sha256)]
    rows = list(csv.reader((out / "events.csv").open(newline="", encoding="utf-8")))
    assert rows[0][: len(STORED)] == list(STORED)
    del rows[600]
    with (out / "events.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    failed = subprocess.run(ask, cwd=out, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "600" in failed.stderr
    assert json.loads(beside(out / "events.csv").read_text())["content_sha256"] == told.content_sha256
