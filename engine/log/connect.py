"""One way to connect, on both databases: durable, with time limits, and never a transaction we did not begin.

Connections are in autocommit mode: a single read is one round trip, a write says BEGIN and COMMIT itself (locked.py),
or is one message that is a transaction (one_trip.py).
"""

from pathlib import Path
from typing import Any

from psycopg2 import ProgrammingError
from psycopg2.extensions import parse_dsn
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from engine.errors import Rejected
from engine.log.history import hold_to_file
from engine.log.read_only import open_to_read_where_no_more_is_allowed

LOCK_SECONDS = 5
"""How long a writer waits for the one before it gives up."""
IDLE_SECONDS = 10
"""How long a transaction may hold the lock and do nothing before PostgreSQL ends it."""
GIVING_UP = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
"""After how long a host that is gone without a word is given up (seconds; the second in milliseconds): by itself the
system would wait for a quarter of an hour. What the URL says of these counts instead."""
SQLITE = "sqlite"
POSTGRESQL = "postgresql"
POSTGRESQL_DRIVER = "postgresql+psycopg2"


def database(url: str) -> URL:
    """The URL as SQLAlchemy wants it: sqlite:///FILE or postgresql+psycopg2://...; anything else is Rejected."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = URL.create("")
    except ValueError:
        # Its port is no number. What was given may hold a password.
        raise Rejected(
            "the address of the database can't be read: several hosts are written as "
            "postgresql://user:password@/database?host=one:5432&host=two:5432&target_session_attrs=read-write"
        ) from None
    if parsed.drivername in ("postgres", POSTGRESQL, POSTGRESQL_DRIVER):
        _refuse_unclear(url, parsed)
        # To SQLAlchemy 2.1 a plain postgresql:// means another driver.
        return parsed.set(drivername=POSTGRESQL_DRIVER)
    if parsed.drivername in (SQLITE, "sqlite+pysqlite") and parsed.database not in (None, "", ":memory:"):
        return parsed
    raise Rejected(
        f"the database {url!r} can't hold a log: use sqlite:///deals.db or "
        "postgresql+psycopg2://user:password@host/database"
    )


def _refuse_unclear(url: str, parsed: URL) -> None:
    """What PostgreSQL's library would say of it shows pieces of a password, or looks like a mistake of ours."""
    where, _, options = url.partition("@")[2].partition("?")
    if "@" in where or "@" in options.partition("=")[0]:
        raise Rejected(
            "the address of the database has more than one @: write the password's special characters by their "
            "numbers, %40 for @, %2F for /, %3A for :, %23 for #, %25 for %"
        )
    for name in parsed.query:
        try:
            parse_dsn(f"{name}=''")
        except ProgrammingError:
            raise Rejected(
                f"the address of the database has {name!r}, no option of PostgreSQL's: leave it out"
            ) from None


def sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite URL, None for PostgreSQL."""
    return Path(url.database) if url.get_backend_name() == SQLITE and url.database else None


def connect(url: URL) -> Engine:
    """An engine with pooled connections, none of them open yet."""
    settings = {
        "lock_timeout": f"{LOCK_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
        "timezone": "UTC",
        # Else what we prepare (one_trip.py, locked.py, feed.py) would be planned anew each time, which takes longer.
        "plan_cache_mode": "force_generic_plan",
        # Else who waited for the lock would look at the log as it was before, where the database's default is another.
        "default_transaction_isolation": r"read\ committed",
    }
    asked = url.query.get("options", "")
    # The last one counts: what the URL says.
    options = [*(f"-c {name}={value}" for name, value in settings.items()), asked if isinstance(asked, str) else ""]
    on_postgresql = {
        # Whatever the role, the database or the environment says: texts are of all the world.
        "client_encoding": "utf8",
        "fallback_application_name": "dealtrail",
        **{name: value for name, value in GIVING_UP.items() if name not in url.query},
        "options": " ".join(options),
    }
    arguments: dict[str, Any] = {"timeout": LOCK_SECONDS} if sqlite_file(url) else on_postgresql
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        connect_args=arguments,
        # Rows of people and texts have no business in a traceback.
        hide_parameters=True,
        pool_size=10,
        max_overflow=20,
        pool_timeout=30,
        # The connection used last is the one whose server process and cache are warm.
        pool_use_lifo=True,
    )
    if (file := sqlite_file(url)) is not None:
        event.listen(engine, "connect", _prepare_sqlite)
        hold_to_file(engine, file)
        open_to_read_where_no_more_is_allowed(engine, file)
    return engine


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # A commit that returns is on the disk.
    connection.execute("PRAGMA synchronous=FULL")
    # Without it INSERT OR REPLACE would delete events behind the back of the trigger that refuses it.
    connection.execute("PRAGMA recursive_triggers=ON")
    # What is erased is overwritten.
    connection.execute("PRAGMA secure_delete=ON")
