"""The database that an export writes tables to: opened, and in one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from engine.errors import Rejected
from engine.log.application import Log

_LOCK: Final = 0x6465616C_00000009


class Unreachable(Rejected):
    """The database that tables are written to, not the log's."""


def engine_of(to: str, log: Log) -> Engine:
    try:
        url = make_url(to)
        if url.drivername in ("postgres", "postgresql"):
            # To SQLAlchemy 2.1 a plain postgresql:// means a driver that is not installed with us.
            url = url.set(drivername="postgresql+psycopg2")
        if url.get_backend_name() == "sqlite":
            if url.database in (None, "", ":memory:"):
                raise Rejected(
                    f"--to {to} is in memory and gone when the export ends: name a file, such as sqlite:///bi.db"
                )
            if is_file_of(url, log):
                raise Rejected(f"--to {to} is the log itself, which would wait for the export: name another file")
            # BEGIN and COMMIT are ours: the driver's own would leave CREATE TABLE outside.
            engine = create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"timeout": 60})
        else:
            engine = create_engine(url, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError) as error:
        raise Rejected(f"--to {to!r} is no database that SQLAlchemy knows: {error}; such as sqlite:///bi.db") from None
    except ModuleNotFoundError as error:
        raise Rejected(f"--to: the driver {error.name} is not installed: install it beside dealtrail") from None
    event.listen(engine, "handle_error", name_it)
    return engine


def is_file_of(url: URL, log: Log) -> bool:
    """However the path is written."""
    known = make_url(log.url)
    return (
        known.get_backend_name() == "sqlite"
        and Path(url.database or "").resolve() == Path(known.database or "").resolve()
    )


def name_it(failure: ExceptionContext) -> None:
    """A full disk, a file that is not to be written, a server that is gone: the driver doesn't tell which database."""
    error = failure.sqlalchemy_exception
    if isinstance(error, OperationalError) and failure.connection is not None:
        raise unreachable(failure.connection.engine, "written to", error)


def unreachable(engine: Engine, what: str, error: DBAPIError) -> Unreachable:
    shown, why = engine.url.render_as_string(hide_password=True), str(error.orig).splitlines()[0]
    return Unreachable(f"--to {shown} can't be {what}, nothing was written: {why}")


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction, and no second export in it."""
    with connected(engine) as connection:
        if engine.dialect.name != "sqlite":
            with connection.begin():
                if engine.dialect.name == "postgresql":
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
                yield connection
            return
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            # A full disk has undone it already.
            with suppress(Unreachable):
                connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")


def connected(engine: Engine) -> Connection:
    """Unreachable where it can't be."""
    try:
        connection = engine.connect()
        if engine.dialect.name == "sqlite":
            # Readers go on with the old tables while the new ones are written.
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        return connection
    except DBAPIError as error:
        raise unreachable(engine, "opened", error) from None
