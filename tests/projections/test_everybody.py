"""Who is who, a page at a time: every filter, any page size, nobody twice and nobody left out."""

import pytest

from engine.errors import Rejected
from engine.log.application import Log
from engine.log.people import ensure_people
from engine.log.writes import Person
from engine.projections import everybody as module
from engine.projections.everybody import everybody

GIVEN = [
    ("customer", "crm", "c-1", "Épicerie Marchand", "epicerie@tea.example", "+33 1"),
    ("customer", "crm", "c-2", "Marchand & Söhne", None, None),
    ("rep", "crm", "r-1", "Ada", "ada@us.example", None),
    ("customer", "erp", "c-1", None, "marchand@erp.example", None),
    ("actor", "login", "r-1", "", None, "+33 2"),
]


@pytest.fixture
def filled(log: Log) -> Log:
    ensure_people(log, GIVEN)
    return log


def keys(people: list[Person]) -> list[str]:
    return [f"{each.source}:{each.key}" for each in people]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["crm:c-1", "crm:c-2", "crm:r-1", "erp:c-1", "login:r-1"]),
        ({"source": "crm"}, ["crm:c-1", "crm:c-2", "crm:r-1"]),
        ({"source": "cr"}, []),
        ({"key": "c-1"}, ["crm:c-1", "erp:c-1"]),
        ({"source": "erp", "key": "c-1"}, ["erp:c-1"]),
        ({"words": "MARCHAND"}, ["crm:c-1", "crm:c-2", "erp:c-1"]),
        ({"words": "marchand epicerie"}, ["crm:c-1"]),
        ({"words": "sohne"}, ["crm:c-2"]),
        ({"words": "r-1"}, ["crm:r-1", "login:r-1"]),
        ({"words": "+33"}, ["crm:c-1", "login:r-1"]),
        ({"words": "marchand", "source": "crm"}, ["crm:c-1", "crm:c-2"]),
        ({"words": "%"}, []),
    ],
)
def test_filters_narrow_and_pages_of_any_size_add_up(
    filled: Log, asked: dict[str, str], found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    for limit in (1, 2, 3, 5, 6):
        seen, after = [], None
        for _ in range(len(GIVEN) + 1):
            page = everybody(filled, **asked, after=after, limit=limit)
            assert len(page.people) <= limit
            seen += keys(page.people)
            after = page.next
            if after is None:
                break
        assert seen == found


def test_a_person_is_told_whole(filled: Log) -> None:
    [found] = everybody(filled, source="crm", key="c-1").people
    assert (found.role, found.source, found.key, found.name, found.email, found.phone) == GIVEN[0]
    assert [each.name for each in everybody(filled, key="r-1").people] == ["Ada", ""]


def test_words_that_say_nothing_are_refused(filled: Log) -> None:
    for nothing in ("  ", "\n", "\u0301"):
        with pytest.raises(Rejected, match="can't be looked for"):
            everybody(filled, words=nothing)
