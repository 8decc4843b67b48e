"""A command to be typed next, such that it does what is said of it: quoted for a shell, on the same database."""

import shlex

from service.settings import database_url, shown_url

SQLITE = "sqlite:///"


def to_type(db: str, *words: str) -> str:
    """dealtrail with these words; the database is named where it is not the one that is found without --db."""
    return shlex.join(["dealtrail", *words, *([] if db == database_url() else ["--db", typed(db)])])


def typed(db: str) -> str:
    """A URL as one gives it to --db: a file by its path; a password is left out."""
    path = db.removeprefix(SQLITE)
    plain = db.startswith(SQLITE) and "://" not in path and database_url(path) == db
    return path if plain else shown_url(db)
