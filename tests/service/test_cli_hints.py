"""A command to be typed next names the database where it must, and never a password."""

import pytest

from service.cli.hints import to_type
from service.settings import DATABASE_VARIABLE, database_url


@pytest.mark.parametrize(
    ("given", "found", "words"),
    [
        (None, None, "dealtrail board"),
        ("dealtrail.db", None, "dealtrail board"),
        ("our own.db", None, "dealtrail board --db 'our own.db'"),
        ("dealtrail.db", "other.db", "dealtrail board --db dealtrail.db"),
        (None, "postgresql://sales:secret@db/log", "dealtrail board"),
        ("sqlite:///a.db?timeout=9", None, "dealtrail board --db 'a.db?timeout=9'"),
        ("postgres://sales:secret@db/log", None, "dealtrail board --db 'postgresql+psycopg2://sales:***@db/log'"),
    ],
)
def test_the_database_is_named_where_it_is_not_found_without(
    given: str | None, found: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if found is None:
        monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    else:
        monkeypatch.setenv(DATABASE_VARIABLE, found)
    assert to_type(database_url(given), "board") == words
