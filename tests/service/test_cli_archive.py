"""dealtrail archive and rebuild: what they say, and with which exit code they leave."""

import json
from pathlib import Path

import pytest

from service.cli import exits
from tests.service.commandline import run


def test_an_archive_is_built_looked_at_and_dropped(own_sample: Path) -> None:
    folder = own_sample.with_name("own.db.archive")
    assert run("archive", "status", "--db", own_sample).code == exits.NOT_FOUND
    built = run("archive", "build", "--db", own_sample, "--json").answer
    assert (built["folder"], built["events_read"]) == (str(folder), built["position"])
    assert built["ranges_written"] == built["ranges"] == 1
    found = run("archive", "status", "--db", own_sample, "--json").answer
    assert (found["state"], found["behind"], found["position"]) == ("current", 0, built["position"])
    assert "Up to date" in run("archive", "build", "--db", own_sample).out
    assert run("archive", "drop", "--db", own_sample).code == exits.OK
    assert not folder.exists()
    run("archive", "drop", "--db", own_sample).refused(exits.NOT_FOUND, "there is no archive")


def test_answers_are_the_same_with_an_archive_and_refusing_one_is_said(own_sample: Path) -> None:
    asked = ("conversion", "--as-of", "2026-06-01", "--json", "--db", own_sample)
    before = run(*asked).answer
    folder = Path(run("archive", "build", "--db", own_sample, "--json").answer["folder"])
    with_it = run(*asked)
    assert (with_it.answer, with_it.err) == (before, "")
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"position"', '"positions"'))
    refused = run(*asked)
    assert refused.answer == before
    assert "no manifest of this program" in refused.err
    assert "reading the whole log instead" in refused.err
    status = run("archive", "status", "--db", own_sample)
    assert (status.code, status.out.startswith("Refused: ")) == (exits.FOUND, True)
    assert "Begun anew" in run("archive", "build", "--db", own_sample).out
    assert run("check", "--db", own_sample).code == exits.OK


def test_a_spoilt_byte_is_found_when_asked_and_a_build_is_the_remedy(own_sample: Path) -> None:
    folder = Path(run("archive", "build", "--db", own_sample, "--json").answer["folder"])
    victim = next(folder.glob("openings-*.parquet"))
    content = bytearray(victim.read_bytes())
    content[100] ^= 4
    victim.write_bytes(content)
    asked = ("archive", "status", "--verify", "--json", "--db", own_sample)
    found = run(*asked)
    told = json.loads(found.out)
    assert (found.code, told["state"], victim.name in told["why"]) == (exits.FOUND, "refused", True)
    assert victim.name in run("board", "--json", "--db", own_sample).err
    assert "Begun anew" in run("archive", "build", "--db", own_sample).out
    assert (run(*asked).code, run("board", "--db", own_sample).err) == (exits.OK, "")


def test_an_archive_may_stand_elsewhere(own_sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("archive", "build", "--db", own_sample, "--dir", tmp_path / "here").code == exits.OK
    assert (tmp_path / "here" / "manifest.json").exists()
    monkeypatch.setenv("DEALTRAIL_ARCHIVE", str(tmp_path / "there"))
    assert run("archive", "build", "--db", own_sample).code == exits.OK
    assert run("archive", "status", "--db", own_sample, "--json").answer["folder"] == str(tmp_path / "there")


def test_postgresql_needs_to_be_told_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEALTRAIL_ARCHIVE", raising=False)
    run("archive", "build", "--db", "postgresql://localhost/sales").refused(exits.USAGE, "--dir", "DEALTRAIL_ARCHIVE")


def test_a_rebuild_tells_the_answers_and_holds_them_against_the_live_ones(own_sample: Path) -> None:
    found = run("rebuild", "--compare", "--json", "--db", own_sample).answer
    assert found["differences"] == []
    (answers,) = found["pipelines"].values()
    live = run("win-rate", "--db", own_sample, "--json").answer
    assert (answers["win_rate"]["won"], answers["win_rate"]["won_value"]) == (live["won"], live["won_value"])
    drawn = run("rebuild", "--compare", "--db", own_sample)
    assert f"Won {live['won']}, lost {live['lost']}, open {live['open']}" in drawn.out
    assert "The live answers are the same, figure by figure" in drawn.out


def test_a_rebuild_writes_a_new_folder_and_no_other(own_sample: Path, tmp_path: Path) -> None:
    place = tmp_path / "derived"
    assert run("rebuild", "-o", place, "--db", own_sample).code == exits.OK
    (pipeline,) = json.loads((place / "answers.json").read_text())
    assert [path.name for path in sorted((place / pipeline).iterdir())] == ["journeys", "visits"]
    run("rebuild", "-o", place, "--db", own_sample).refused(exits.REFUSED, "is there already", "name a new folder")
    assert sorted(path.name for path in place.iterdir()) == ["answers.json", pipeline]


def test_what_makes_no_sense_is_refused_before_anything_is_done(own_sample: Path) -> None:
    run("rebuild", "--dask", "tcp://x:1", "--db", own_sample).refused(exits.USAGE, "--engine dask")
    run("rebuild", "--pipeline", "wholesale", "--db", own_sample).refused(exits.NOT_FOUND, "wholesale")
    run("rebuild", "--threads", "0", "--db", own_sample).refused(exits.USAGE, "--threads")
