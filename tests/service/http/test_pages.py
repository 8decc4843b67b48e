"""Answers that list, a page at a time: the pages are the whole, of one world, whatever is written meanwhile."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from json import dumps, loads
from typing import Any

import pytest

from engine.lately import Lately
from tests.service.commandline import run
from tests.service.http.server import Client, Service
from tests.service.http.test_answers import AS_OF

CELL = ["part=entered", "stage=contact"]
LISTING = [
    ("stalled", {"idle_days": 0.001}, ("journeys",), "--idle-days 0.001"),
    ("hygiene", {"silent_days": 0.001}, ("journeys",), "--silent-days 0.001"),
    ("follow-ups", {}, ("follow_ups", "journeys"), ""),
    (
        "losses",
        {"late_days": 0.001, "score_below": 1_000},
        ("late", "doubtful"),
        "--late-days 0.001 --score-below 1000",
    ),
    ("board", {"order": "likelihood"}, ("cards",), "--order likelihood --limit 10000"),
    ("likeliest", {}, ("deals",), "--limit 10000"),
    ("conversion/explain", {"cell": CELL}, ("journeys",), f"--explain {','.join(CELL)}"),
]
"""answer, what it is asked, its lists, the same on the command line"""


@pytest.fixture
def reader(sample_service: Service) -> Client:
    return sample_service.client("ops")


def pages(client: Client, path: str, limit: int, **query: Any) -> Iterator[dict[str, Any]]:
    page = client.get(path, limit=limit, **query).answer
    yield page
    while page["next"] is not None:
        page = client.get(path, limit=limit, after=page["next"], **query).answer
        yield page


@pytest.mark.parametrize(("answer", "query", "lists", "options"), LISTING, ids=[each[0] for each in LISTING])
@pytest.mark.parametrize("limit", [7, 50])
def test_the_pages_are_the_whole(
    limit: int,
    answer: str,
    query: dict[str, Any],
    lists: tuple[str, ...],
    options: str,
    sample_service: Service,
    reader: Client,
) -> None:
    name, *explained = answer.split("/")
    asked = options.replace(",", " ").split(" ", 1) if explained else options.split()
    db = sample_service.running.log.url
    whole = run(name, "--db", db, "--as-of", AS_OF, "--json", *asked).answer
    found = list(pages(reader, f"/v1/{answer}", limit, as_of=AS_OF, **query))
    for name in lists:
        assert [row for page in found for row in page[name]] == whole[name]
        assert all(len(page[name]) <= limit for page in found)
    if limit == 7:
        assert len(found) > 1, "one page is no test of pages"
    assert found[-1]["next"] is None
    for page in found:
        assert {**page, "next": None, **dict.fromkeys(lists)} == {**whole, "next": None, **dict.fromkeys(lists)}


@pytest.mark.parametrize("place", [3, 4], ids=["as_of", "known_at"])
def test_a_cursor_of_no_moment_is_refused(place: int, reader: Client) -> None:
    told = loads(decoded(reader.get("/v1/board", as_of=AS_OF, limit=1).answer["next"]))
    told[place] = 10**18
    reader.get("/v1/board", as_of=AS_OF, limit=1, after=encoded(dumps(told))).refused(422, "invalid", "cursor")


@pytest.mark.parametrize("answer", ["stalled", "hygiene", "follow-ups", "losses"])
def test_pages_stay_in_the_world_of_the_first(answer: str, service: Service, manager: Client) -> None:
    for number in range(7):
        deal = manager.post("/v1/deals", {"pipeline": "loans", "title": f"boat {number}"}).answer["stream_id"]
        if answer == "losses":
            lead = manager.post("/v1/leads", {"pipeline": "loans"}).answer["stream_id"]
            manager.post(f"/v1/leads/{lead}/qualify").done()
            manager.post(f"/v1/leads/{lead}/disqualify", {"reason": "no budget"}).done()
    days = {"stalled": "idle_days", "hygiene": "note_days", "losses": "late_days"}
    query = {days[answer]: 1e-9} if answer in days else {}
    lists = {"losses": "late"}.get(answer, "journeys")
    found = []
    for page in pages(manager, f"/v1/{answer}", 3, **query):
        found.append(page)
        manager.post("/v1/deals", {"pipeline": "loans"}).done()
        if len(found) == 1:
            manager.post(f"/v1/deals/{deal}/lose", {"reason": "price"}).done()
        # Another process would not have the first page's world at hand.
        service.running.looks = Lately(1)
    assert [len(page[lists]) for page in found] == [3, 3, 1]
    assert len({page["position"] for page in found}) == len({page["as_of"] for page in found}) == 1
    assert len({row["journey"] for page in found for row in page[lists]}) == 7


def test_a_cursor_continues_its_own_list_alone(reader: Client) -> None:
    following = reader.get("/v1/hygiene", as_of=AS_OF, silent_days=0.001, limit=1).answer["next"]
    reader.get("/v1/hygiene", as_of=AS_OF, silent_days=0.002, limit=1, after=following).refused(
        422, "invalid", "another"
    )
    following = reader.get("/v1/conversion/explain", as_of=AS_OF, cell=CELL, limit=1).answer["next"]
    other = {"as_of": AS_OF, "cell": ["part=advanced", "stage=contact"], "limit": 1}
    reader.get("/v1/conversion/explain", **other, after=following).refused(422, "invalid", "another")


@pytest.mark.parametrize(
    "inner",
    [
        "{",
        "[]",
        "{}",
        '{"journeys":7}',
        '{"journeys":[]}',
        '{"journeys":[1,2]}',
        '{"journeys":["x","y"]}',
        '{"journeys":[true,"y"]}',
        '{"journeys":[1e400,"y"]}',
        '{"journeys":[99999999999999999999,"y"]}',
        '{"others":[1,"y"]}',
    ],
)
def test_a_cursor_that_was_tampered_with_is_refused(inner: str, reader: Client) -> None:
    query = {"as_of": AS_OF, "silent_days": 0.001, "limit": 1}
    told = loads(decoded(reader.get("/v1/hygiene", **query).answer["next"]))
    reply = reader.get("/v1/hygiene", **query, after=encoded(dumps([*told[:-1], encoded(inner)])))
    if inner == "{}":
        # No list was begun: all of them have ended.
        assert reply.answer["journeys"] == []
    else:
        reply.refused(422, "invalid", "after")


@pytest.mark.parametrize(
    "inner",
    ["[]", '["age",null,1e400,"x"]', f'["age",null,{"9" * 30},"x"]', '["age",null,[1],"x"]', '["value","EUR",1,"x"]'],
)
def test_a_cursor_of_cards_that_was_tampered_with_is_refused(inner: str, reader: Client) -> None:
    told = loads(decoded(reader.get("/v1/board", as_of=AS_OF, limit=1).answer["next"]))
    reply = reader.get("/v1/board", as_of=AS_OF, limit=1, after=encoded(dumps([*told[:-1], encoded(inner)])))
    reply.refused(422, "invalid", "after")


@pytest.mark.parametrize("answer", ["stalled", "hygiene", "follow-ups", "losses"])
def test_a_page_is_not_of_any_size(answer: str, reader: Client) -> None:
    for limit in (501, -1, "all"):
        reader.get(f"/v1/{answer}", limit=limit).refused(422, "invalid", "limit")
    nothing = reader.get(f"/v1/{answer}", limit=0, as_of=AS_OF).answer
    assert nothing["next"] is None


def test_a_list_of_another_database_is_gone(reader: Client) -> None:
    query = {"as_of": AS_OF, "silent_days": 0.001, "limit": 1}
    told = loads(decoded(reader.get("/v1/hygiene", **query).answer["next"]))
    elsewhere = encoded(dumps(["0" * 32, *told[1:]]))
    reader.get("/v1/hygiene", **query, after=elsewhere).refused(410, "gone", "first page")


def decoded(text: str) -> str:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_of_a_long_log_one_world_is_kept_and_the_others_are_made_anew(
    own_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, moments = own_service.client("ops"), ("2997-01-01", "2998-01-01", "2999-01-01")

    def deals(moment: str) -> Iterator[list[str]]:
        for page in pages(client, "/v1/deals", 20, as_of=moment):
            yield [each["journey"] for each in page["journeys"]]

    # Else first pages that were told already would not be made again.
    monkeypatch.setattr(own_service.running, "answers", Lately(0))
    whole = [list(deals(moment)) for moment in moments]
    assert len(own_service.running.looks) == len(moments)
    monkeypatch.setattr("service.running.ROOM", 1)
    for number, found in enumerate(zip(*map(deals, moments), strict=True)):
        assert len(own_service.running.looks) == 1
        assert list(found) == [each[number] for each in whole]
