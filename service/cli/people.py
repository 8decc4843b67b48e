"""dealtrail people: who is who behind the ids of events; correct or erase what is kept of somebody."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.as_json import print_json
from service.cli.opening import opened
from service.cli.options import Actor, Db, Json
from service.cli.terminal import console, table

if TYPE_CHECKING:
    from uuid import UUID

    from engine.log.application import Log
    from engine.log.writes import Person

app = typer.Typer(
    help="Find people, correct what they are called, erase somebody: no event and no number changes.",
    no_args_is_help=True,
)

Named = Annotated[str, typer.Argument(metavar="PERSON", help="Id, key or source:key.")]
LONGEST = 200
"""characters of a detail, as over HTTP"""


@app.command("list", epilog="Example: dealtrail people list 'garcia coffee' --source crm")
def list_all(
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="Words of a name, key, email or phone; all must be there.")
    ] = None,
    *,
    source: Annotated[str | None, typer.Option("--source", metavar="NAME", help="The system that knows them.")] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY", help="Their id there.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="How many are shown.")] = 100,
    json: Json = False,
    db: Db = "",
) -> None:
    """Who is who, by source and key; case and accents do not count."""
    from rich.markup import escape

    from engine.projections.everybody import everybody

    with opened(db) as log:
        page = everybody(log, source=source, key=key, words=text, limit=limit)
    if json:
        print_json({"people": [plain(each) for each in page.people], "more": page.next is not None})
        return
    out = console()
    drawn = table("person", "role", "name", "email", "phone")
    for each in page.people:
        details = (escape(detail or "-") for detail in (each.name, each.email, each.phone))
        drawn.add_row(escape(f"{each.source}:{each.key}"), each.role, *details)
    out.print(drawn)
    if page.next is not None:
        out.print("More with --limit, or narrow it")


@app.command(epilog="Example: dealtrail people show crm:rep-03")
def show(person: Named, json: Json = False, db: Db = "") -> None:
    """One of them, whole."""
    from engine.log.people import find_person

    with opened(db) as log:
        found = find_person(log, person)
    tell(found, json)


@app.command(epilog="Example: dealtrail people correct crm:rep-03 --email sales@example.com --phone ''")
def correct(
    person: Named,
    *,
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="'' takes it away.")] = None,
    email: Annotated[str | None, typer.Option("--email", metavar="TEXT", help="'' takes it away.")] = None,
    phone: Annotated[str | None, typer.Option("--phone", metavar="TEXT", help="'' takes it away.")] = None,
    actor: Actor = "",
    json: Json = False,
    db: Db = "",
) -> None:
    """Change what is given and leave the rest; every answer tells it at once."""
    from uuid import uuid4

    from engine.log.correction import correct_person
    from engine.log.people import find_person

    given = {"name": name, "email": email, "phone": phone}
    details = {field: text.strip() or None for field, text in given.items() if text is not None}
    if not details:
        raise typer.BadParameter("say what is to be corrected: --name, --email or --phone; '' takes it away")
    for field, text in details.items():
        if len(text or "") > LONGEST:
            raise typer.BadParameter(f"{len(text or '')} characters: give {LONGEST} at most", param_hint=f"--{field}")
    with opened(db) as log:
        who = find_person(log, person)
        done = correct_person(log, str(who.person_id), details, actor=person_id(log, actor), command_id=uuid4())
        found = find_person(log, str(who.person_id))
    if json:
        print_json({**plain(found), "changed": list(done.changed)})
        return
    print(f"corrected: {', '.join(done.changed)}" if done.changed else "nothing to correct: it was so already")
    tell(found, json)


@app.command(epilog="Example: dealtrail people erase crm:C-104 --yes")
def erase(
    person: Named,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="It can't be undone: without it nothing is done.")] = False,
    actor: Actor = "",
    json: Json = False,
    db: Db = "",
) -> None:
    """Erase a person for ever, with the texts and keys of what they were the customer of, and end their API keys."""
    from datetime import UTC, datetime

    from engine.log.erasure import erase_person
    from engine.log.people import find_person
    from service.keys import revoke_keys_of

    with opened(db) as log:
        found = find_person(log, person)
        if not yes:
            who = f"{found.source}:{found.key}" + (f" ({found.name})" if found.name else "")
            raise typer.BadParameter(f"{who} would be erased for ever: add --yes if it is to be")
        rows = erase_person(log, found.person_id, person_id(log, actor))
        revoke_keys_of(log, found.person_id, datetime.now(UTC))
    if json:
        print_json({"person_id": str(found.person_id), "rows": rows})
        return
    print(f"erased: {found.person_id}, {rows:,} rows; events and numbers are as they were")


def person_id(log: "Log", actor: str) -> "UUID":
    from engine.log.people import ensure_people

    return ensure_people(log, [("actor", "login", actor)])["login", actor].person_id


def tell(found: "Person", json: bool) -> None:
    if json:
        print_json(plain(found))
        return
    for field, value in plain(found).items():
        print(f"{field:10} {'-' if value is None else value}")


def plain(found: "Person") -> dict[str, str | None]:
    told = {name: getattr(found, name) for name in ("role", "source", "key", "name", "email", "phone")}
    return {"person_id": str(found.person_id), **told}
