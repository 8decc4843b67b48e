"""One way to connect, on both databases: durable, with time limits, and never a transaction we did not begin.

Connections are in autocommit mode: a single read is one round trip, a write says BEGIN and COMMIT itself (locked.py).
"""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from engine.errors import Rejected

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
    if parsed.drivername in ("postgres", POSTGRESQL, POSTGRESQL_DRIVER):
        # To SQLAlchemy 2.1 a plain postgresql:// means another driver.
        return parsed.set(drivername=POSTGRESQL_DRIVER)
    if parsed.drivername in (SQLITE, "sqlite+pysqlite") and parsed.database not in (None, "", ":memory:"):
        return parsed
    raise Rejected(
        f"the database {url!r} can't hold a log: use sqlite:///deals.db or "
        "postgresql+psycopg2://user:password@host/database"
    )


def sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite URL, None for PostgreSQL."""
    return Path(url.database) if url.get_backend_name() == SQLITE and url.database else None


def connect(url: URL) -> Engine:
    """An engine with pooled connections, none of them open yet."""
    settings = {
        "lock_timeout": f"{LOCK_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
        "timezone": "UTC",
        # Else the one statement we prepare (locked.py) would be planned again and again, for more than it takes.
        "plan_cache_mode": "force_generic_plan",
        # Else who waited for the lock would look at the log as it was before, where the database's default is another.
        "default_transaction_isolation": r"read\ committed",
    }
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    asked = {name: value for name, value in GIVING_UP.items() if name not in url.query}
    arguments: dict[str, Any] = {"timeout": LOCK_SECONDS} if sqlite_file(url) else {"options": options, **asked}
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
    if sqlite_file(url):
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # A commit that returns is on the disk.
    connection.execute("PRAGMA synchronous=FULL")
    # Without it INSERT OR REPLACE would delete events behind the back of the trigger that refuses it.
    connection.execute("PRAGMA recursive_triggers=ON")
    # What is erased is overwritten.
    connection.execute("PRAGMA secure_delete=ON")
