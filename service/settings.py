"""Where the database is, who acts when the command does not say, and how the service runs."""

import getpass
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Any, Final, Self

from engine.errors import Rejected

DATABASE_VARIABLE = "DEALTRAIL_DB"
DEFAULT_DATABASE = "dealtrail.db"
ARCHIVE_VARIABLE = "DEALTRAIL_ARCHIVE"


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


def shown_url(url: str) -> str:
    """Without the password."""
    from sqlalchemy import make_url

    return make_url(url).render_as_string(hide_password=True)


def archive_folder(url: str) -> Path | None:
    """Where the log's archive is: DEALTRAIL_ARCHIVE, else beside an SQLite file, else nowhere."""
    named = os.environ.get(ARCHIVE_VARIABLE)
    if named:
        return Path(named)
    # Without SQLAlchemy: the archive is read while that is imported.
    kind, _, rest = url.partition(":///")
    return Path(f"{rest.partition('?')[0]}.archive") if kind in ("sqlite", "sqlite+pysqlite") else None


def login_name() -> str:
    """Who is logged in; the actor of a write that names none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise Rejected("--actor: this account has no login name, so say who acts: --actor NAME") from None


@dataclass(frozen=True)
class Serving:
    """How the service runs. Each field is a variable named in capitals: DEALTRAIL_PORT, DEALTRAIL_WORKERS."""

    host: str = "127.0.0.1"
    """who may reach it; the default is this machine alone"""
    port: int = 8000
    workers: int = 1
    """processes; more than one is meant for PostgreSQL"""
    telemetry: str = "off"
    """off, or otlp: traces go where OpenTelemetry's own variables say (tracing.py)"""
    oidc_issuer: str = ""
    """whose bearer tokens let people in, beside API keys; empty: nobody's"""
    oidc_audience: str = ""
    """what a token must be meant for"""
    oidc_role_claim: str = "roles"
    """where a token says the role: a name or a list of them"""
    oidc_roles: str = ""
    """VALUE=ROLE,...: which value of that claim is which role, the first that a token has; empty: the roles' names"""
    oidc_person_claim: str = "sub"
    """where a token says who it is"""
    oidc_person_source: str = "oidc"
    """the source that knows people by that key: crm, where the claim holds the key of a rep in the CRM"""
    writers: int = 32
    """commands that share a transaction, at most"""
    readers: int = 4
    """questions that a process answers at once"""
    waiting: int = 64
    """commands, and questions, that may wait in a process; to more than these it says 503"""
    patience_seconds: float = 5.0
    """how long one of these waits to be begun before it gets 503"""
    answer_seconds: float = 30.0
    """how long one may take in all before it gets 503, though the work goes on: the database may hang"""
    streams: int = 64
    """clients that may listen to a process's stream of events; to more it says 503"""
    body_bytes: int = 1_048_576
    """of a request; to more it says 413"""
    body_seconds: float = 15.0
    """how long a client may take to send it; then it says 408"""
    shutdown_seconds: int = 30
    """how long what is in flight may take when the service is stopped"""
    log_level: str = "info"
    policies_seconds: float = 30.0
    """between two rounds of the policies; 0: this process runs none"""
    senders: int = 8
    """notices that a process sends at once to one receiver of a webhook; 0: it sends none"""
    webhook_seconds: float = 15.0
    """for one attempt to deliver"""
    webhook_days: float = 3.0
    """how long delivering is tried"""
    webhook_networks: str = ""
    """networks that notices may go to besides the world: 10.1.0.0/16, 127.0.0.1"""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Rejected names the variable and its value."""
        found: dict[str, object] = {}
        for field in fields(cls):
            name = f"DEALTRAIL_{field.name.upper()}"
            if name not in environment:
                continue
            read, what = READ[field.type]
            try:
                found[field.name] = read(environment[name])
            except ValueError:
                raise Rejected(f"{name}={environment[name]!r} is no {what}") from None
        serving = cls(**found)  # type: ignore[arg-type]  # each value is of its field's type
        for field in fields(cls):
            value = getattr(serving, field.name)
            if not isinstance(value, str) and (value < 0 or (value == 0 and field.name not in MAY_BE_ZERO)):
                raise Rejected(f"DEALTRAIL_{field.name.upper()}={value} must be above 0")
            if field.name in MOST and value > MOST[field.name]:
                raise Rejected(f"DEALTRAIL_{field.name.upper()}={value} must be at most {MOST[field.name]}")
        if serving.log_level not in LOG_LEVELS:
            raise Rejected(f"DEALTRAIL_LOG_LEVEL={serving.log_level!r} is none of {', '.join(LOG_LEVELS)}")
        if serving.telemetry not in TELEMETRY:
            raise Rejected(f"DEALTRAIL_TELEMETRY={serving.telemetry!r} is none of {', '.join(TELEMETRY)}")
        return serving


MAY_BE_ZERO: Final = ("waiting", "port", "policies_seconds", "senders")
MOST: Final = {"port": 65_535, "workers": 64, "readers": 16}
"""more readers than that would wait for a connection to the database: a process has thirty (engine/log/connect.py)"""


def finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError
    return value


READ: Final[Mapping[Any, tuple[Callable[[str], object], str]]] = {
    str: (str, "text"),
    int: (int, "whole number"),
    float: (finite, "number"),
}
"""by the type of the field"""
TELEMETRY: Final = ("off", "otlp")
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
ELSEWHERE: Final = (DATABASE_VARIABLE, ARCHIVE_VARIABLE, "DEALTRAIL_WEBHOOK_KEY_FILE")
"""read where they are needed"""


def unknown_settings(environment: Mapping[str, str] = os.environ) -> list[str]:
    """A sentence for each variable that looks like a setting and is none, with the one that is probably meant.

    They are said and not refused: an orchestrator adds some by itself (Kubernetes, for a service of our name).
    """
    known = [*ELSEWHERE, *(f"DEALTRAIL_{field.name.upper()}" for field in fields(Serving))]
    said = []
    for name in sorted(name for name in environment if name.startswith("DEALTRAIL_") and name not in known):
        likeliest = get_close_matches(name, known, n=1, cutoff=0.8)
        meant = f"is {likeliest[0]} meant?" if likeliest else "docs/operations.md lists them"
        said.append(f"{name} is no setting, and changes nothing: {meant}")
    return said
