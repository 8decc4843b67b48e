"""A simulated history, written once a run on each database, and copied for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from engine.log.application import Log
from tests.conftest import TEMPLATE
from tests.postgres import Server
from tests.replay.archive.histories import write_history


@pytest.fixture(scope="session")
def history_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To be read only."""
    path = tmp_path_factory.mktemp("history") / "history.db"
    shutil.copyfile(sqlite_template, path)
    written(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def history_template(postgres_server: Server) -> str:
    name = f"history_{uuid4().hex}"
    written(postgres_server.create(name, TEMPLATE))
    return name


def written(url: str) -> None:
    log = Log(url)
    write_history(log)
    log.close()


@pytest.fixture
def history_path(history_file: Path, tmp_path: Path) -> Path:
    path = tmp_path / "history.db"
    shutil.copyfile(history_file, path)
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def history(request: pytest.FixtureRequest) -> Iterator[Log]:
    """A log of 88 simulated journeys in two pipelines: the test runs once on each database."""
    if request.param == "sqlite":
        log = Log(f"sqlite:///{request.getfixturevalue('history_path')}")
        yield log
        log.close()
        return
    server: Server = request.getfixturevalue("postgres_server")
    with server.copy_of(request.getfixturevalue("history_template")) as url:
        log = Log(url)
        yield log
        log.close()
