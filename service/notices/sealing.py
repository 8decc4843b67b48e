"""Secrets of webhooks are kept sealed, by a key in a file: who has a copy of the database alone can sign nothing.

Fernet (AES-128-CBC, HMAC-SHA256; https://github.com/fernet/spec). The file holds a key a line: the first seals, any
opens, so that keys are changed while notices go out.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from engine.errors import Rejected
from engine.log.connect import database, sqlite_file

FILE_VARIABLE: Final = "DEALTRAIL_WEBHOOK_KEY_FILE"
MARK: Final = "sealed:"


def key_file(url: str) -> Path | None:
    """The one that is named, else beside the file of an SQLite database; for PostgreSQL somebody has to name one."""
    if named := os.environ.get(FILE_VARIABLE):
        return Path(named)
    file = sqlite_file(database(url))
    return None if file is None else file.with_name(f"{file.name}.webhook-keys")


def seal(url: str, secret: str) -> str:
    """Rejected where there is no key; beside an SQLite database one is made."""
    file = required(url)
    if not file.exists() and FILE_VARIABLE not in os.environ:
        first_key(file)
    return MARK + MultiFernet(keys_of(file)).encrypt(secret.encode()).decode()


def unseal(url: str, kept: str) -> str:
    """Also of what was kept before there were keys. Rejected where the key is not there."""
    if not kept.startswith(MARK):
        return kept
    try:
        return MultiFernet(keys_of(required(url))).decrypt(kept.removeprefix(MARK)).decode()
    except InvalidToken:
        raise Rejected(
            f"the webhook's secret is sealed by a key that is not in the key file: {FILE_VARIABLE} names the file, or "
            "give the webhook another secret that begins at once (rotate, 0 hours)"
        ) from None


def first_key(file: Path) -> None:
    """A file with a key, readable for its owner alone; whoever was faster has made the one that counts."""
    with written(file, new_key()) as ready, suppress(FileExistsError):
        file.hardlink_to(ready)


def add_key(file: Path) -> None:
    """A new key before those that are there, in a file that belongs to whom it belonged."""
    if not file.exists():
        first_key(file)
        return
    known = file.stat()
    with written(file, new_key() + file.read_text()) as ready:
        ready.chmod(known.st_mode)
        os.chown(ready, known.st_uid, known.st_gid)
        ready.replace(file)


def new_key() -> str:
    return Fernet.generate_key().decode() + "\n"


@contextmanager
def written(file: Path, text: str) -> Iterator[Path]:
    """A file beside it with the text, to take its place in one step."""
    beside = file.with_name(f".{file.name}.{uuid4().hex}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(text)
        yield beside
    except OSError as error:
        raise Rejected(f"the key file {file} can't be written: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)


def required(url: str) -> Path:
    file = key_file(url)
    if file is None:
        raise Rejected(
            f"a webhook's secret is kept sealed by a key outside of the database: let {FILE_VARIABLE} name a file, and "
            "have `dealtrail webhooks seal --new-key` write a key into it"
        )
    return file


def keys_of(file: Path) -> Sequence[Fernet]:
    try:
        lines = file.read_text().split()
    except (OSError, UnicodeError) as error:
        raise Rejected(f"the key file of the webhooks' secrets can't be read: {error}") from None
    if not lines:
        raise Rejected(f"the key file {file} holds no key: `dealtrail webhooks seal --new-key` writes one")
    try:
        return [Fernet(line) for line in lines]
    except ValueError:
        raise Rejected(
            f"the key file {file} holds a line that is no key: each is 32 bytes in URL-safe base64"
        ) from None
