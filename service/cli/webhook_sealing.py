"""dealtrail webhooks seal: another key for the secrets. A command of webhooks.app."""

from typing import Annotated

import typer

from service.cli.as_json import print_json
from service.cli.opening import opened
from service.cli.options import Db, Json


def seal(
    *,
    new_key: Annotated[bool, typer.Option("--new-key", help="Put a new key before those of the key file.")] = False,
    db: Db = "",
    json: Json = False,
) -> None:
    """Seal all secrets by the first key of the key file, also those that were kept open before."""
    from service.notices.kept_secrets import seal_anew
    from service.notices.sealing import add_key, required

    with opened(db) as log:
        file = required(log.url)
        if new_key:
            add_key(file)
        count = seal_anew(log)
    if json:
        print_json({"secrets": count, "key_file": str(file)})
    else:
        print(f"Sealed by the first key of {file}: {count:,} secrets of webhooks")
