"""Where the database is and who acts, when the command does not say."""

import getpass
import os
from pathlib import Path

from engine.errors import Rejected

DATABASE_VARIABLE = "DEALTRAIL_DB"
DEFAULT_DATABASE = "dealtrail.db"


def database_url(given: str | None = None) -> str:
    """The URL of the log: as given, else of DEALTRAIL_DB, else an SQLite file in the working folder.

    A plain path is an SQLite file; postgresql:// is understood. Rejected for anything else.
    """
    named = given or os.environ.get(DATABASE_VARIABLE) or DEFAULT_DATABASE
    scheme, separator, rest = named.partition("://")
    if not separator:
        if named == ":memory:":
            raise Rejected(":memory: would be forgotten at once: name a file, such as deals.db")
        return f"sqlite:///{Path(named)}"
    if scheme in ("postgres", "postgresql", "postgresql+psycopg2"):
        # To SQLAlchemy 2.1 a plain postgresql:// means another driver.
        return f"postgresql+psycopg2://{rest}"
    if scheme == "sqlite":
        return named
    raise Rejected(f"a database of the kind {scheme!r} can't hold a log: use a file or postgresql://...")


def login_name() -> str:
    """Who is logged in; the actor of a write that names none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise Rejected("--actor: this account has no login name, so say who acts: --actor NAME") from None
