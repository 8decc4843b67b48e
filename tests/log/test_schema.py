"""A log is created and upgraded explicitly, by any number of processes at once, and refused when it does not fit."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, UniqueConstraint, inspect

from engine.errors import Rejected
from engine.log import schema
from engine.log.application import Log
from engine.log.connect import connect, database
from engine.log.tables import metadata
from tests.postgres import Server

INIT = "import sys; from engine.log import schema; print(schema.init(sys.argv[1]).log_id)"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without a log."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new.db'}"
        return
    server: Server = request.getfixturevalue("postgres_server")
    with server.copy_of("template1") as url:
        yield url


def test_init_makes_a_log_and_again_leaves_it_as_it_is(empty_url: str) -> None:
    assert schema.status(empty_url).state == "missing"
    made = schema.init(empty_url)
    assert (made.state, made.version) == ("current", schema.NEWEST)
    assert schema.init(empty_url) == schema.upgrade(empty_url) == schema.status(empty_url) == made
    log = Log(empty_url)
    assert log.log_id == made.log_id
    log.close()


def test_a_status_creates_no_file(tmp_path: Path) -> None:
    assert schema.status(f"sqlite:///{tmp_path / 'none.db'}").log_id is None
    assert list(tmp_path.iterdir()) == []


def test_a_missing_log_is_refused_with_the_command_that_makes_one(empty_url: str) -> None:
    for attempt in (Log, schema.upgrade):
        with pytest.raises(Rejected, match="dealtrail db init"):
            attempt(empty_url)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="does not exist"):
        schema.init(f"sqlite:///{tmp_path / 'nowhere' / 'log.db'}")


@pytest.mark.parametrize(("version", "remedy"), [(0, "db upgrade"), (schema.NEWEST + 1, "newer dealtrail")])
def test_a_log_of_another_version_is_refused_with_the_remedy(
    database_url: str, version: int, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = schema.NEWEST
    monkeypatch.setattr(schema, "NEWEST", newest if version else newest + 1)
    if version:
        set_version(database_url, version)
    with pytest.raises(Rejected, match=remedy):
        Log(database_url)
    with pytest.raises(Rejected, match=remedy):
        schema.init(database_url)


def test_several_processes_may_create_the_same_log_at_once(empty_url: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", INIT, empty_url], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    answers = [process.communicate(timeout=60) for process in processes]
    assert [error.decode() for _, error in answers] == [""] * 4
    ids = {UUID(answer.decode().strip()) for answer, _ in answers}
    assert ids == {schema.status(empty_url).log_id}


def test_a_failed_migration_leaves_nothing_behind(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "NEWEST", schema.NEWEST + 1)
    with pytest.raises(FileNotFoundError):
        schema.init(empty_url)
    engine = connect(database(empty_url))
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_the_scripts_make_the_tables_that_the_code_speaks_of(database_url: str) -> None:
    engine = connect(database(database_url))
    assert shape_of(engine) == {
        table.name: {column.name: bool(column.nullable) for column in table.columns}
        for table in metadata.tables.values()
    }
    found = inspect(engine)
    for table in metadata.tables.values():
        unique = {tuple(each["column_names"]) for each in found.get_unique_constraints(table.name)}
        declared = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
        assert unique == {tuple(each.columns.keys()) for each in declared}
        primary = found.get_pk_constraint(table.name)["constrained_columns"]
        assert primary == table.primary_key.columns.keys()
    engine.dispose()


def shape_of(engine: Engine) -> dict[str, dict[str, bool]]:
    """Of each table, which columns may be null."""
    found = inspect(engine)
    return {
        name: {column["name"]: column["nullable"] for column in found.get_columns(name)}
        for name in found.get_table_names()
    }


def set_version(url: str, version: int) -> None:
    engine = connect(database(url))
    with engine.connect() as connection:
        connection.exec_driver_sql(f"UPDATE meta SET schema_version = {version}")
    engine.dispose()
