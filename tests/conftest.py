"""Databases and real logs for all tests: one PostgreSQL server a run, a fresh copy of an empty log for each test."""

import gc
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from engine.log import schema
from engine.log.application import Log
from service.notices.sealing import FILE_VARIABLE, add_key
from tests.in_memory import use_memory
from tests.postgres import Server, postgres

SHARED = Path(os.environ.get("DEALTRAIL_SHARED", Path(__file__).resolve().parents[2] / "shared"))
TEMPLATE = "template_log"
SERVER = pytest.StashKey[Server]()
UNTIL_THE_END = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    use_memory()
    gc.set_threshold(10_000, 10, 10)
    config.stash[UNTIL_THE_END] = ExitStack()
    # PostgreSQL has no file that a key could stand beside.
    keys = Path(config.stash[UNTIL_THE_END].enter_context(TemporaryDirectory())) / "webhook.keys"
    add_key(keys)
    os.environ[FILE_VARIABLE] = str(keys)


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[UNTIL_THE_END].close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """With xdist the run's own process starts the server and tells each worker where its socket is."""
    node.workerinput["postgres"] = str(running_server(node.config).socket_folder)


def running_server(config: pytest.Config) -> Server:
    """The run's server, started at the first call. When it can't start, the run fails: nothing is skipped."""
    if SERVER not in config.stash:
        workerinput = getattr(config, "workerinput", None)
        if workerinput is not None:
            config.stash[SERVER] = Server(Path(workerinput["postgres"]))
        else:
            server = config.stash[UNTIL_THE_END].enter_context(postgres())
            schema.init(server.create(TEMPLATE))
            config.stash[SERVER] = server
    return config.stash[SERVER]


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Server:
    return running_server(pytestconfig)


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """An empty log in a PostgreSQL database of its own."""
    with postgres_server.copy_of(TEMPLATE) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    schema.init(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """An empty log in an SQLite file of its own."""
    path = tmp_path / "log.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty log: the test runs once on each database."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def log(database_url: str) -> Iterator[Log]:
    """An empty log, open: the test runs once on each database."""
    opened = Log(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the real logs; tests that need it are marked real_log."""
    if not real_logs_are_there():
        pytest.fail(f"{SHARED / 'data'} is not there: mark the test real_log")
    return SHARED / "data"


def real_logs_are_there() -> bool:
    return (SHARED / "data").is_dir()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if real_logs_are_there():
        return
    left_out = [item for item in items if item.get_closest_marker("real_log")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if not item.get_closest_marker("real_log")]


def pytest_collection_finish() -> None:
    """What was imported and collected stays: looking through it for garbage was a tenth of a run."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not real_logs_are_there():
        terminalreporter.write_line(
            f"real logs: not found at {SHARED / 'data'}, tests marked real_log were left out (set DEALTRAIL_SHARED)",
            yellow=True,
        )
