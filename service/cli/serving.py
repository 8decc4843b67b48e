"""dealtrail serve: the service, until it is stopped."""

import logging
import os
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from socket import socket
from tempfile import gettempdir
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import Rejected
from engine.scratch import scratch
from service.cli import exits
from service.cli.listening import listening
from service.cli.opening import opened
from service.cli.options import Db
from service.settings import DATABASE_VARIABLE, Serving, shown_url, unknown_settings

if TYPE_CHECKING:
    from engine.log.application import Log

KEPT_SECONDS = 75
"""that a connection stays open between two requests: longer than proxies keep theirs (60), so that none sends a command
into one that is being closed"""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    *,
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Who may reach it (127.0.0.1: this machine alone).")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", metavar="N", min=0, max=65_535, help="8000.")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, max=64, help="Processes; several for PostgreSQL (1).")
    ] = None,
    first_key: Annotated[
        bool, typer.Option("--first-key", help="Where there is no key yet, make one of role admin and show it.")
    ] = False,
    db: Db = "",
) -> None:
    """Serve commands and answers over HTTP. Further settings are variables: docs/operations.md lists them."""
    from service.logs import log_as_json

    settings = Serving.from_environment()
    # From here on: what the libraries remark of their own settings is a line of the log too.
    log_as_json(settings.log_level)
    settings = replace(
        settings,
        host=settings.host if host is None else host,
        port=settings.port if port is None else port,
        workers=settings.workers if workers is None else workers,
    )
    checked(settings)
    with listening(settings.host, settings.port) as sockets:
        with opened(db) as log:
            from engine.log.connect import SQLITE

            if settings.workers != 1 and log.engine.dialect.name == SQLITE:
                raise Rejected("--workers: several processes need PostgreSQL; SQLite is served by one")
            shown = make_first_key(log) if first_key else None
        where = f"http://{shown_host(settings.host)}:{sockets[0].getsockname()[1]}"
        told = [f"dealtrail serves {shown_url(db)} at {where} (documentation: {where}/docs)"]
        if settings.host not in LOOPBACK:
            told.append("Others can reach it, and keys travel in the open: put TLS in front (docs/operations.md)")
        if shown is not None:
            told.append(f"The first key, of role admin, shown this once:\n\n  {shown}\n")
            told.append(f"Try: curl -H 'Authorization: Bearer {shown}' {where}/v1/board")
        elif first_key:
            told.append("A further key: dealtrail keys create --role manager --person NAME")
        # Not to standard error: logs go there, and a key is not to be kept with them.
        print(*told, sep="\n", flush=True)
        # The worker processes read it from there, as one that was started otherwise would.
        os.environ[DATABASE_VARIABLE] = db
        run(settings, sockets)


def checked(settings: Serving) -> None:
    """Rejected for what every process would refuse by itself, when it has been said already that it serves."""
    from service.notices.sender import Sending
    from service.tokens import Issuer
    from service.tracing import Tracing

    if not settings.host:
        raise Rejected(
            "--host (DEALTRAIL_HOST) is empty, which lets in everybody: say 0.0.0.0 for that, or leave it out"
        )
    if settings.workers > 1:
        try:
            gettempdir()
        except FileNotFoundError:
            raise Rejected(
                "--workers: several processes count into a temporary folder, and there is none that can be written: "
                "mount a /tmp, or name a folder by TMPDIR"
            ) from None
    Sending.of(settings)
    if settings.oidc_issuer:
        Issuer(settings)
    Tracing(settings).close()


def make_first_key(log: "Log") -> str | None:
    from datetime import UTC, datetime, timedelta

    from service.keys import create_key, list_keys, owner_of_key
    from service.settings import login_name

    if list_keys(log):
        return None
    now = datetime.now(UTC)
    return create_key(log, owner_of_key(log, login_name()), "admin", now=now, expires_at=now + timedelta(days=30))[0]


def run(settings: Serving, sockets: Sequence[socket]) -> None:
    for message in unknown_settings():
        logging.getLogger(__name__).warning(message)
    # Gone with this process; of one that was killed, when the next one begins.
    with scratch() if settings.workers > 1 else nullcontext() as folder:
        if folder is not None:
            # Before the processes start: they count into files there, and any of them tells the sum.
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        import uvicorn

        from service.cli.workers import Workers
        from service.guard import Guarded

        config = uvicorn.Config(
            "service.cli.workers:loaded",
            factory=True,
            http=Guarded,
            workers=settings.workers,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEPT_SECONDS,
            timeout_graceful_shutdown=settings.shutdown_seconds,
        )
        if settings.workers > 1:
            workers = Workers(config, sockets)
            workers.run()
            raise SystemExit(workers.code)
        server = uvicorn.Server(config)
        with suppress(KeyboardInterrupt):
            server.run(list(sockets))
        if not server.started:
            raise SystemExit(exits.BUG)


def shown_host(host: str) -> str:
    """As an address writes it."""
    return f"[{host}]" if ":" in host else host
