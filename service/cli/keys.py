"""dealtrail keys: who may use the service, and as what."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from service.cli.as_json import print_json
from service.cli.opening import opened
from service.cli.options import Db, Json
from service.cli.terminal import console, moment, table

if TYPE_CHECKING:
    from uuid import UUID

    from engine.log.application import Log
    from service.keys import Key

app = typer.Typer(help="Make, list and revoke the API keys of the service.", no_args_is_help=True)


@app.command(epilog="Example: dealtrail keys create --role rep --person rep-03 --days 90")
def create(
    *,
    role: Annotated[
        Literal["rep", "manager", "ops", "auditor", "admin"],
        typer.Option("--role", help="What it allows: docs/operations.md tells what each may do."),
    ],
    person: Annotated[
        str, typer.Option("--person", metavar="WHO", help="Whose it is: id, key or source:key; added when new.")
    ],
    days: Annotated[
        float, typer.Option("--days", metavar="N", min=0.001, max=3_650, help="How long it is good for.")
    ] = 365,
    db: Db = "",
    json: Json = False,
) -> None:
    """Make a key and show it, this once: only its hash is kept."""
    from datetime import UTC, datetime, timedelta

    from service.keys import create_key, owner_of_key

    with opened(db) as log:
        now = datetime.now(UTC)
        text, key = create_key(log, owner_of_key(log, person), role, now=now, expires_at=now + timedelta(days=days))
        named = names(log)
    if json:
        print_json({"api_key": text, **plain(key, named)})
        return
    print(text)
    typer.echo(
        f"The {role}'s key of {named.get(key.person_id, key.person_id)}, good until {key.expires_at:%Y-%m-%d}. It is "
        f"shown this once; `dealtrail keys revoke {key.prefix}` ends it.",
        err=True,
    )


@app.command("list", epilog="Example: dealtrail keys list --json")
def list_all(db: Db = "", json: Json = False) -> None:
    """All keys that ever were, by their prefixes."""
    from service.keys import list_keys

    with opened(db) as log:
        found, named = list_keys(log), names(log)
    if json:
        print_json({"keys": [plain(key, named) for key in found]})
        return
    drawn = table("key", "role", "person", "made", "expires", "revoked")
    for key in found:
        times = (moment(key.created_at), shown(key.expires_at), shown(key.revoked_at))
        drawn.add_row(f"dt_{key.prefix}_...", key.role, str(named.get(key.person_id, key.person_id)), *times)
    console().print(drawn)


@app.command(epilog="Example: dealtrail keys revoke 3f9a12cc")
def revoke(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="The eight characters after dt_.")], db: Db = ""
) -> None:
    """End a key; the service refuses it within a second."""
    from datetime import UTC, datetime

    from service.keys import revoke_key

    with opened(db) as log:
        ended = revoke_key(log, prefix.removeprefix("dt_").partition("_")[0], datetime.now(UTC))
    print(f"dt_{ended.prefix}_... was revoked at {shown(ended.revoked_at)} UTC")


def names(log: "Log") -> "dict[UUID, str]":
    """Everybody's name, or the key in the source system."""
    from uuid import UUID

    from engine.log.people import people_frame

    return {UUID(hex=row["person_id"]): row["name"] or row["key"] for row in people_frame(log).iter_rows(named=True)}


def plain(key: "Key", named: "dict[UUID, str]") -> dict[str, Any]:
    return {
        "prefix": key.prefix,
        "role": key.role,
        "person": named.get(key.person_id),
        "person_id": str(key.person_id),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }


def shown(at: Any) -> str:
    return "-" if at is None else moment(at)
