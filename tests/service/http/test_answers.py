"""Answers over HTTP: those of the command line, fresh after every write, cheap to ask again, steady over pages."""

from shlex import split
from typing import Any

import pytest

from service.routes.answers import QUESTIONS
from tests.service.commandline import run
from tests.service.http.server import Client, Service, serving

ANSWERS = tuple(each.name for each in QUESTIONS)
NEEDED: dict[str, dict[str, Any]] = {"sizing": {"deals": 5}, "compare": {"since": "2025-06-01"}}
"""what two of them can't be asked without"""
WINDOW = NEEDED["compare"]
AS_OF = "2100-01-01T00:00:00Z"


@pytest.fixture
def reader(sample_service: Service) -> Client:
    return sample_service.client("ops")


def on_the_command_line(service: Service, command: str, *options: str) -> Any:
    return run(command, "--db", service.running.log.url, "--as-of", AS_OF, "--json", *options).answer


@pytest.mark.parametrize(
    ("answer", "query", "options"),
    [
        ("board", {}, ""),
        ("board", {"by": "owner", "order": "likelihood"}, "--by owner --order likelihood"),
        ("board", {"show": "open", "stage": "contact"}, "--show open --stage contact"),
        ("conversion", {}, ""),
        ("conversion", {"strict": "true", "within_days": 60}, "--strict --within-days 60"),
        ("conversion", {"by": "month", "tz": "Europe/Madrid"}, "--by month --tz Europe/Madrid"),
        ("cycle-time", {"from_stage": "tasting", "by": "region"}, "--from tasting --by region"),
        ("cycle-time", {"from_first_touch": "true"}, "--from-first-touch"),
        ("win-rate", {"attr": ["machine=Barista"], "team": "north"}, "--attr machine=Barista --team north"),
        ("win-rate", {"value_min": 5000, "currency": "EUR"}, "--value-min 5000 --currency EUR"),
        ("win-rate", {"without_reason": ["price"]}, "--without-reason price"),
        ("win-rate", {"definition": 1, "known_at": "2090-01-01"}, "--definition 1 --known-at 2090-01-01"),
        ("stalled", {"idle_days": 5, "limit": 500}, "--idle-days 5"),
        ("velocity", {"pace": "mean", "by": "owner"}, "--pace mean --by owner"),
        ("sizing", {"target": "100000 EUR", "reps": 10}, "--target '100000 EUR' --reps 10"),
        ("sizing", {"deals": 20, "close_rate": 0.5, "by": "owner"}, "--deals 20 --close-rate 0.5 --by owner"),
        ("sources", {}, ""),
        ("sources", {"by": "channel", "since": "2026-01-01"}, "--by channel --from-date 2026-01-01"),
        ("activity", {"sla_hours": 4, "by": "team"}, "--sla-hours 4 --by team"),
        ("losses", {"late_days": 10, "score_below": 40, "limit": 500}, "--late-days 10 --score-below 40"),
        ("losses", {"lang": "en", "by": "owner", "limit": 500}, "--lang en --by owner"),
        ("likeliest", {"by": "team", "limit": 3, "basis": "configured"}, "--by team --limit 3 --basis configured"),
        (
            "forecast",
            {"every": "quarter", "since": "2026-06-01", "until": "2027-01-01", "attr": ["machine=Barista"]},
            "--every quarter --from-date 2026-06-01 --to-date 2027-01-01 --attr machine=Barista",
        ),
        ("forecast", {"period": "2026-W46", "team": "north"}, "--period 2026-W46 --team north"),
        (
            "forecast-accuracy",
            {"count": 2, "by": "team", "hindsight": "true", "horizon": ["start", "30"]},
            "--count 2 --by team --hindsight --horizon start --horizon 30",
        ),
        ("compare", WINDOW, "--from-date 2025-06-01"),
        (
            "compare",
            {**WINDOW, "against": "2025-01-01..2025-03-01", "by": "source"},
            "--from-date 2025-06-01 --against 2025-01-01..2025-03-01 --by source",
        ),
        ("trend", {"every": "quarter", "count": 3, "by": "owner"}, "--every quarter --count 3 --by owner"),
        ("trend", {"stage": "tasting", "until": "2026-06-01"}, "--stage tasting --to-date 2026-06-01"),
        ("hygiene", {"silent_days": 3, "note_days": 5, "limit": 500}, "--silent-days 3 --note-days 5"),
        ("follow-ups", {"overdue": "true", "owner": "rep-03", "limit": 500}, "--overdue --owner rep-03"),
        ("satisfaction", {"by": "owner", "since": "2026-06-01"}, "--by owner --from-date 2026-06-01"),
        ("board", {"lang": "de", "limit": 2}, "--lang de --limit 2"),
        ("conversion", {"lang": "en"}, "--lang en"),
    ],
)  # fmt: skip
def test_an_answer_is_the_command_line_s(
    answer: str, query: dict[str, Any], options: str, sample_service: Service, reader: Client
) -> None:
    told = reader.get(f"/v1/{answer}", as_of=AS_OF, **query).answer
    expected = on_the_command_line(sample_service, answer, *split(options))
    for each in (told, expected):
        # The service's cursors pin what the first page saw.
        each.pop("next", None)
    assert told == expected


@pytest.mark.parametrize(
    ("answer", "cell", "query", "options"),
    [
        ("board", "part=count stage=contact", {}, ""),
        ("conversion", "part=lost stage=contact", {"strict": "true"}, "--strict"),
        ("win-rate", "part=won group=rep-03", {"by": "owner"}, "--by owner"),
        ("losses", "part=n", {"owner": "rep-01"}, "--owner rep-01"),
        ("sizing", "part=won", {"deals": 5}, "--deals 5"),
        ("satisfaction", "part=promoters", {}, ""),
    ],
)
def test_what_is_behind_a_number_is_the_command_line_s(
    answer: str, cell: str, query: dict[str, Any], options: str, sample_service: Service, reader: Client
) -> None:
    on_the_line = run(
        answer, "--db", sample_service.running.log.url, "--as-of", AS_OF, "--json", "--explain", cell, *split(options)
    )
    told = reader.get(f"/v1/{answer}/explain", as_of=AS_OF, cell=cell.split(), limit=1_000, **query)
    if on_the_line.code:
        told.refused(422, "invalid")
        assert told.json["detail"].split(":")[0] in on_the_line.err
    else:
        assert told.answer == on_the_line.answer


def test_a_cell_that_is_not_there_is_refused(reader: Client) -> None:
    for cell, words in ((["nonsense"], "NAME=VALUE"), (["part=tea"], "tea"), (["part=lost", "stage=tea"], "tea")):
        reader.get("/v1/conversion/explain", cell=cell).refused(422, "invalid", words)
    for query, words in (({"stage": "tea"}, "tea"), ({"by": "month"}, "week")):
        reader.get("/v1/trend/explain", cell=["part=won"], **query).refused(422, "invalid", words)
    assert "query.cell" in str(reader.get("/v1/conversion/explain").refused(422, "invalid")["errors"])
    reader.get("/v1/board/explain", cell=["part=count", "stage=contact"], after="x").refused(422, "invalid", "cursor")


def test_a_history_is_the_command_line_s(sample_service: Service, reader: Client) -> None:
    told = reader.get("/v1/journeys/C-004/history", as_of=AS_OF).answer
    assert told == run("history", "C-004", "--db", sample_service.running.log.url, "--as-of", AS_OF, "--json").answer
    halfway = told["events"][5]["position"]
    assert reader.get("/v1/journeys/C-004/history", at=halfway).answer["state_at"] == told["events"][5]["event_id"]
    standing = reader.get("/v1/journeys/C-004", as_of=AS_OF).answer
    assert standing["state"] == told["state"]


def test_a_difference_is_the_command_line_s(sample_service: Service, reader: Client) -> None:
    db = sample_service.running.log.url
    told = reader.get("/v1/journeys/C-004/difference", since="2026-07-01", until="2026-08-15").answer
    assert told == run("history", "C-004", "--db", db, "--diff", "2026-07-01..2026-08-15", "--json").answer
    learnt = reader.get("/v1/journeys/C-004/difference", since="2026-07-01", clock="recorded", as_of=AS_OF).answer
    options = ("--diff", "2026-07-01..", "--clock", "recorded", "--as-of", AS_OF, "--json")
    assert learnt == run("history", "C-004", "--db", db, *options).answer
    assert learnt["before"]["state"] is None
    for query, words in (
        ({}, "query.since"),
        ({"since": "2026-08-01", "until": "2026-07-01"}, "swap"),
        ({"since": "2026-08-01", "as_of": AS_OF}, "clock"),
        ({"since": "2026-08-01", "clock": "cuckoo"}, "happened"),
        ({"since": "yesterday"}, "query.since"),
        ({"since": "2026-01-01", "tz": "Mars/Olympus"}, "query.tz"),
        ({"since": "2026-01-01", "until": "2026-13-01"}, "query.until"),
    ):
        problem = reader.get("/v1/journeys/C-004/difference", **query).refused(422, "invalid")
        assert words in problem["detail"] + str(problem["errors"]), problem


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({"as_of": "2026-01-05T09:00"}, 422, ("query.as_of", "time zone")),
        ({"known_at": "yesterday"}, 422, ("query.known_at",)),
        ({"definition": "soon"}, 422, ("query.definition", "soon")),
        ({"definition": "9"}, 404, ("query.definition", "9")),
        ({"tz": "Mars/Olympus"}, 422, ("query.tz", "Mars/Olympus")),
        ({"value_min": "5"}, 422, ("currency",)),
        ({"value_min": "NaN", "currency": "EUR"}, 422, ("query.value_min",)),
        ({"currency": "EURO"}, 422, ("query.currency", "EURO")),
        ({"attr": "machine"}, 422, ("query.attr", "NAME=VALUE")),
        ({"since": "2026-02-01", "until": "2026-01-01"}, 422, ("empty",)),
        ({"since": "2026-13-01"}, 422, ("query.since",)),
        ({"pipeline": "tea"}, 404, ("query.pipeline", "tea", "office-coffee")),
        ({"owner": "rep-99"}, 422, ("query.owner", "rep-99")),
        ({"attr": "colour=red"}, 422, ("query.attr", "colour", "machine")),
        ({"weather": "fine"}, 422, ("query.weather",)),
        ({"owner": "x" * 5000}, 422, ("query.owner",)),
        ({"as_of": "9999-12-31T23:59:59-23:00"}, 422, ("query.as_of",)),
        ({"as_of": "9999-12-31"}, 422, ("query.as_of", "1900 to 2999")),
        ({"as_of": "0001-01-01T00:00:00+23:00"}, 422, ("query.as_of",)),
    ],
)
def test_a_wrong_question_is_refused_by_name(
    answer: str, query: dict[str, str], status: int, words: tuple[str, ...], reader: Client
) -> None:
    reply = reader.get(f"/v1/{answer}", **{**NEEDED.get(answer, {}), **query})
    problem = reply.refused(status, "invalid" if status == 422 else "not-found")
    told = problem["detail"] + " ".join(each["field"] for each in problem["errors"])
    for word in words:
        assert word in told
    assert len(reply.content) < 4_000


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("board", {"by": "weather"}, "weather"),
        ("board", {"stage": "tea"}, "tea"),
        ("board", {"order": "value"}, "currency"),
        ("board", {"limit": 501}, "500"),
        ("board", {"limit": -1}, "0"),
        ("board", {"after": "nonsense"}, "cursor"),
        ("board", {"after": "WzFd"}, "cursor"),
        ("conversion", {"within_days": -3}, "-3"),
        ("conversion", {"within_days": "nan"}, "nan"),
        ("conversion", {"in_period": "true"}, "until"),
        ("cycle-time", {"from_stage": "tea"}, "tea"),
        ("win-rate", {"cohort": "born"}, "closed"),
        ("stalled", {"idle_days": "inf"}, "inf"),
        ("sizing", {}, "give one of them"),
        ("sizing", {"target": "100000"}, "such as 100000 EUR"),
        ("sizing", {"target": "1e999 EUR"}, "target"),
        ("sizing", {"deals": 3, "close_rate": 2}, "close_rate"),
        ("compare", {}, "since"),
        ("compare", {"since": "2026-01-01", "against": "2025"}, "FROM..TO"),
        ("compare", {"since": "2026-01-01", "against": "2025-02-01..2025-01-01"}, "empty"),
        ("trend", {"every": "day"}, "week"),
        ("trend", {"count": 601}, "600"),
        ("trend", {"by": "month"}, "week"),
        ("activity", {"sla_hours": "nan"}, "sla_hours"),
        ("velocity", {"pace": "fast"}, "median"),
        ("likeliest", {"after": "nonsense"}, "cursor"),
        ("board", {"lang": "English"}, "lang"),
        ("sources", {"lang": "en"}, "lang"),
        ("losses", {"late_days": "inf"}, "late_days"),
        ("hygiene", {"silent_days": -1}, "silent_days"),
        ("people", {"q": " "}, "give a word"),
    ],
)
def test_a_wrong_option_of_one_answer_is_refused(path: str, query: dict[str, Any], words: str, reader: Client) -> None:
    problem = reader.get(f"/v1/{path}", **query).refused(422, "invalid", words)
    assert [each["field"].partition(".")[0] for each in problem["errors"]] == ["query"]


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("losses", {"cell": "part=late", "late_days": "nan"}, "late_days"),
        ("stalled", {"cell": "part=count", "idle_days": "1e300"}, "idle_days"),
        ("hygiene", {"cell": "part=silent", "silent_days": "-1"}, "silent_days"),
        ("hygiene", {"cell": "part=stale_notes", "note_days": "inf"}, "note_days"),
        ("board", {"cell": "part=cups"}, "cell"),
        ("board", {"cell": ["part=count", "stage=tea"]}, "cell"),
        ("board", {"cell": "part=count", "by": "attr:colour"}, "by"),
        ("board", {"cell": "part=count", "team": "moon"}, "team"),
    ],
)
def test_behind_a_number_a_wrong_question_is_refused_as_well(
    path: str, query: dict[str, Any], field: str, reader: Client
) -> None:
    problem = reader.get(f"/v1/{path}/explain", **query).refused(422, "invalid")
    assert [each["field"] for each in problem["errors"]] == [f"query.{field}"]


@pytest.mark.parametrize("path", [*(f"/v1/{answer}" for answer in ANSWERS), "/v1/pipelines", "/v1/pipelines/loans"])
def test_an_answer_that_is_known_is_not_sent_again(path: str, busy_service: Service) -> None:
    manager = busy_service.client("manager")
    deal = manager.post("/v1/deals", {"pipeline": "loans"}).answer["stream_id"]
    query = {} if "pipelines" in path else {"as_of": AS_OF, **NEEDED.get(path.removeprefix("/v1/"), {})}
    first = manager.get(path, **query)
    again = manager.get(path, {"If-None-Match": f'"other", W/{first.etag}'}, **query)
    assert (again.status, again.content, again.etag) == (304, b"", first.etag)
    assert manager.get(path, {"If-None-Match": '"other"'}, **query).status == 200
    other = {**query, "definition": "1"} if path != "/v1/pipelines" else None
    if other is not None:
        assert manager.get(path, {"If-None-Match": first.etag}, **other).status == 200
    manager.post(f"/v1/journeys/{deal}/touch", {"kind": "call"}).done()
    if path != "/v1/pipelines/loans":
        assert manager.get(path, {"If-None-Match": first.etag}, **query).status == 200


def test_a_read_sees_every_write_before_it(manager: Client) -> None:
    for count in range(1, 21):
        written = manager.post("/v1/deals", {"pipeline": "loans"}).answer
        board = manager.get("/v1/board").answer
        assert (board["n"], board["position"]) == (count, written["position"])


def test_another_process_sees_it_too(service: Service, manager: Client) -> None:
    # The command line is another way to the same database.
    url = service.running.log.url
    manager.post("/v1/deals", {"pipeline": "loans"}).done()
    assert run("board", "--db", url, "--json").answer["n"] == manager.get("/v1/board").answer["n"] == 1


def test_what_one_process_accepted_the_other_knows(service: Service, manager: Client) -> None:
    with serving(service.running.log.url) as other:
        there = Client(other.port, manager.key)
        for count in range(1, 4):
            position = manager.post("/v1/deals", {"pipeline": "loans", "title": f"boat {count}"}).answer["position"]
            board = there.get("/v1/board").answer
            assert (board["n"], board["position"]) == (count, position)
            assert there.get("/v1/deals").answer["n"] == there.get("/v1/search", q="boat").answer["n"] == count


def test_pages_go_through_what_the_first_saw(service: Service, manager: Client) -> None:
    deals = {manager.post("/v1/deals", {"pipeline": "loans"}).answer["stream_id"] for _ in range(7)}
    page = manager.get("/v1/board", limit=3).answer
    first, seen = page, [card["journey"] for card in page["cards"]]
    while page["next"] is not None:
        # The world goes on; and another process may answer the next page.
        manager.post("/v1/deals", {"pipeline": "loans"}).done()
        manager.post(f"/v1/deals/{seen[-1]}/win", {"evidence": "signed"}).done()
        service.running.looks.put(("none", 0, 0, None, 0), service.running.look(None, first_lens()))
        for _ in range(4):
            service.running.looks.put((str(_), 0, 0, None, 0), service.running.look(None, first_lens()))
        page = manager.get("/v1/board", limit=3, after=page["next"]).answer
        assert {**page, "cards": None, "next": None} == {**first, "cards": None, "next": None}
        seen += [card["journey"] for card in page["cards"]]
    assert len(seen) == len(set(seen)) == 7
    assert set(seen) == deals


def first_lens() -> Any:
    from engine.projections.lens import Lens

    return Lens.of()


def test_a_cursor_continues_its_own_question_alone(manager: Client) -> None:
    for _ in range(3):
        manager.post("/v1/deals", {"pipeline": "loans"}).done()
    after = manager.get("/v1/board", limit=1).answer["next"]
    manager.get("/v1/board", limit=2, after=after).done()
    manager.get("/v1/board", limit=1, after=after, order="next_action").refused(422, "invalid", "another question")
    manager.get("/v1/board", limit=1, after=after, owner="the-manager").refused(422, "invalid", "another question")
    after = manager.get("/v1/journeys", limit=1).answer["next"]
    manager.get("/v1/deals", limit=1, after=after).refused(422, "invalid", "another question")


def test_a_cursor_of_another_database_is_gone(manager: Client, reader: Client) -> None:
    from base64 import urlsafe_b64decode, urlsafe_b64encode
    from json import dumps, loads

    for _ in range(2):
        manager.post("/v1/deals", {"pipeline": "loans"}).done()
    after = manager.get("/v1/board", limit=1).answer["next"]
    told = loads(urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    for changed in (["0" * 32, *told[1:]], [*told[:5], told[5] + 1_000, *told[6:]]):
        cursor = urlsafe_b64encode(dumps(changed).encode()).decode().rstrip("=")
        manager.get("/v1/board", limit=1, after=cursor).refused(410, "gone", "first page")
