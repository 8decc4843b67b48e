"""A rebuild gives the answers of the live views, however the journeys are cut into ranges and whoever derives them."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import NotFound, Rejected
from engine.log.application import Log
from engine.projections.filters import EVERYTHING
from engine.projections.lens import Lens
from engine.projections.views import Views
from engine.stages.definition import Definition
from engine.stages.facts import Fact
from replay.archive import load
from replay.archive_build import build
from replay.export.frames import journeys, picked, visits
from replay.rebuild import Engine, Rebuilt, on_threads, rebuild
from replay.rebuild_compare import differences
from replay.rebuild_dask import on_dask
from replay.rebuild_output import new_folder, told, write_answers
from tests.properties.events_of import publish, write_journeys
from tests.properties.random_logs import definitions, facts
from tests.replay.archive.histories import WIDTH


def silent(done: int, total: int) -> None:
    """No progress."""


def rebuilt(log: Log, folder: Path, engine: Engine | None = None, width: int = WIDTH) -> Rebuilt:
    return rebuild(folder, build(log, folder, width=width).manifest, engine or on_threads(), silent)


@pytest.fixture
def sqlite_history(history_path: Path) -> Iterator[Log]:
    log = Log(f"sqlite:///{history_path}")
    yield log
    log.close()


def test_a_rebuild_gives_the_live_answers_figure_by_figure(history: Log, tmp_path: Path) -> None:
    found = rebuilt(history, tmp_path / "archive")
    assert set(found.pipelines) == {"direct", "online"}
    assert found.pipelines["direct"].board.n > 20
    assert found.pipelines["direct"].conversion.transitions
    assert found.pipelines["direct"].win_rate.won_value
    assert list(differences(history, tmp_path / "archive", found)) == []


@pytest.mark.parametrize("width", [5, 1000])
def test_how_the_journeys_are_cut_into_ranges_makes_no_difference(
    sqlite_history: Log, tmp_path: Path, width: int
) -> None:
    found = rebuilt(sqlite_history, tmp_path / "archive", width=width)
    assert found.ranges == -(-88 // width)
    assert list(differences(sqlite_history, tmp_path / "archive", found)) == []


@settings(max_examples=20, deadline=None)
@given(facts(), definitions(), st.integers(1, 3))
def test_of_any_history_by_any_definition(
    sqlite_template: Path, of: list[list[Fact]], definition: Definition, width: int
) -> None:
    with TemporaryDirectory() as place:
        shutil.copyfile(sqlite_template, Path(place) / "log.db")
        log = Log(f"sqlite:///{place}/log.db")
        publish(log, definition)
        write_journeys(log, of, at_a_time=3, name="")
        found = rebuilt(log, Path(place) / "archive", width=width)
        assert list(differences(log, Path(place) / "archive", found)) == []
        log.close()


def test_a_difference_is_found_and_named(sqlite_history: Log, tmp_path: Path) -> None:
    found = rebuilt(sqlite_history, tmp_path / "archive")
    answers = found.pipelines["online"]
    wrong = answers.win_rate.model_copy(update={"won": answers.win_rate.won + 1})
    object.__setattr__(answers, "win_rate", wrong)
    (difference,) = differences(sqlite_history, tmp_path / "archive", found)
    assert (difference.what, difference.where) == ("win_rate", "online, won")
    assert int(difference.expected) == int(difference.found) + 1


def test_it_may_be_one_pipeline_alone(sqlite_history: Log, tmp_path: Path) -> None:
    manifest = build(sqlite_history, tmp_path / "archive").manifest
    assert set(rebuild(tmp_path / "archive", manifest, on_threads(), silent, pipeline="online").pipelines) == {"online"}
    with pytest.raises(NotFound, match="wholesale"):
        rebuild(tmp_path / "archive", manifest, on_threads(), silent, pipeline="wholesale")


def test_a_log_without_events_is_rebuilt_to_nothing(sqlite_url: str, tmp_path: Path) -> None:
    log = Log(sqlite_url)
    assert rebuilt(log, tmp_path / "archive").pipelines == {}
    log.close()


def test_progress_is_told_in_events_and_ends_with_all(sqlite_history: Log, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    manifest = build(sqlite_history, tmp_path / "archive", width=WIDTH).manifest
    rebuild(tmp_path / "archive", manifest, on_threads(), lambda done, total: seen.append((done, total)))
    assert len(seen) == len(manifest.ranges)
    assert seen == sorted(seen)
    assert seen[-1] == (manifest.events, manifest.events)


def test_what_fails_on_a_thread_fails_the_rebuild(sqlite_history: Log, tmp_path: Path) -> None:
    manifest = build(sqlite_history, tmp_path / "archive", width=WIDTH).manifest
    (tmp_path / "archive" / manifest.ranges[2].parts["events"].file).unlink()
    with pytest.raises(FileNotFoundError):
        rebuild(tmp_path / "archive", manifest, on_threads(), silent)


def test_a_worker_that_is_killed_in_the_middle_changes_nothing(sqlite_history: Log, tmp_path: Path) -> None:
    """Two processes of a Dask cluster; the one is killed with -9 when the first ranges are done."""
    distributed = pytest.importorskip("distributed")
    folder = tmp_path / "archive"
    here = rebuilt(sqlite_history, folder, width=6)
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    killed = []

    def kill_one(done: int, total: int) -> None:
        if not killed and done * 4 > total:
            victim = next(iter(cluster.workers.values())).process.pid
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    with cluster:
        manifest = build(sqlite_history, folder).manifest
        same_moment = Lens(here.as_of, live=True)
        there = rebuild(folder, manifest, on_dask(cluster.scheduler_address), kill_one, lens=same_moment)
    assert killed
    assert there == here


def test_no_scheduler_is_said_clearly(sqlite_history: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replay.rebuild_dask.ANSWERS_SECONDS", 0.5)
    with pytest.raises(Rejected, match="no Dask scheduler answers there"):
        rebuilt(sqlite_history, tmp_path / "archive", on_dask("tcp://127.0.0.1:9"))


def test_what_is_written_are_the_tables_of_the_export(sqlite_history: Log, tmp_path: Path) -> None:
    folder, place = tmp_path / "archive", tmp_path / "derived"
    manifest = build(sqlite_history, folder, width=WIDTH).manifest
    with new_folder(place) as output:
        assert not place.exists()
        found = rebuild(folder, manifest, on_threads(), silent, output=output)
        write_answers(found, output)
    assert (place / "answers.json").read_text().count('"board"') == len(told(found)) == 2
    views = Views(sqlite_history, load(sqlite_history, folder))
    for pipeline in ("direct", "online"):
        look = views.look(pipeline, Lens(found.as_of, live=True))
        rows = picked(look, EVERYTHING)
        for name, batches in (("visits", visits(look, rows)), ("journeys", journeys(look, rows, False, wide=False))):
            wanted = pl.concat(list(batches))
            # Ranges follow one another; the export goes by opening.
            written = pl.read_parquet(place / pipeline / name / "*.parquet")
            assert sorted(written.rows(), key=str) == sorted(wanted.rows(), key=str)
            assert written.schema == wanted.schema


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "derived").mkdir()
    with pytest.raises(Rejected, match="name a new folder"), new_folder(tmp_path / "derived"):
        raise AssertionError("it must not begin")
    with pytest.raises(Rejected, match="does not exist"), new_folder(tmp_path / "nowhere" / "derived"):
        raise AssertionError("it must not begin")


def test_what_failed_leaves_no_folder(tmp_path: Path) -> None:
    def fail_in_the_middle() -> None:
        with new_folder(tmp_path / "derived") as output:
            (output / "visits").mkdir()
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        fail_in_the_middle()
    assert list(tmp_path.iterdir()) == []
