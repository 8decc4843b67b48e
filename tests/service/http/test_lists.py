"""Leads, deals and journeys as lists: filtered, in any order, page after page of one world; and the reps."""

from typing import Any

import pytest

from tests.service.commandline import run
from tests.service.http.server import Client, Service
from tests.service.http.test_answers import AS_OF

ORDERS = ("age", "value", "next_action", "likelihood", "opened", "closed", "activity", "expected_close")
FIELD = {
    "age": "stage_since",
    "next_action": "next_action_at",
    "likelihood": "likelihood",
    "opened": "opened_at",
    "closed": "closed_at",
    "activity": "last_activity_at",
    "expected_close": "expected_close",
}
NEWEST_FIRST = {"likelihood", "opened", "closed", "activity"}


@pytest.fixture
def reader(sample_service: Service) -> Client:
    return sample_service.client("ops")


def whole(reader: Client, path: str, **query: Any) -> list[dict[str, Any]]:
    """All pages, which are of one world and say the same total."""
    page = reader.get(path, as_of=AS_OF, limit=17, **query).answer
    found, total = list(page["journeys"]), page["n"]
    while page["next"]:
        page = reader.get(path, as_of=AS_OF, limit=17, after=page["next"], **query).answer
        assert page["n"] == total
        found += page["journeys"]
    assert len(found) == total
    return found


def test_leads_and_deals_are_the_journeys_parted(reader: Client) -> None:
    journeys, leads, deals = (whole(reader, f"/v1/{name}") for name in ("journeys", "leads", "deals"))
    assert sorted(each["journey"] for each in leads + deals) == sorted(each["journey"] for each in journeys)
    assert {each["kind"] for each in leads} == {"lead"}
    assert {each["kind"] for each in deals} == {"deal"}
    for each in (*leads[:10], *deals[:10]):
        standing = reader.get(f"/v1/journeys/{each['journey']}", as_of=AS_OF).answer
        assert (standing["deal"] is None) == (each["kind"] == "lead")
        for name in ("stage", "source", "channel", "touches", "attributes", "value", "owner", "customer"):
            assert standing["state"][name] == each[name], name


@pytest.mark.parametrize("order", ORDERS)
def test_a_list_comes_in_the_order_asked_for_and_what_has_none_of_it_last(order: str, reader: Client) -> None:
    more = {"currency": "EUR"} if order == "value" else {}
    found = whole(reader, "/v1/journeys", order=order, **more)
    assert len({each["journey"] for each in found}) == len(found)
    if order == "value":
        told = [None if each["value"] is None else -float(each["value"]["amount"]) for each in found]
    else:
        told = [each[FIELD[order]] for each in found]
    there = [value for value in told if value is not None]
    assert told == there + [None] * (len(told) - len(there))
    assert there == sorted(there, reverse=order in NEWEST_FIRST)


def test_a_list_is_filtered_like_an_answer(reader: Client) -> None:
    everything = whole(reader, "/v1/journeys")
    for query, kept in (
        ({"owner": "rep-03"}, lambda each: each["owner"] and each["owner"]["key"] == "rep-03"),
        ({"attr": "machine=Barista"}, lambda each: each["attributes"].get("machine") == "Barista"),
        ({"show": "open"}, lambda each: each["outcome"] == "open"),
        ({"show": "closed"}, lambda each: each["outcome"] != "open"),
        ({"source": "website"}, lambda each: each["source"] == "website"),
        ({"stage": "proposal"}, lambda each: each["stage"] == "proposal"),
    ):  # fmt: skip
        found = whole(reader, "/v1/journeys", **query)
        assert sorted(each["journey"] for each in found) == sorted(each["journey"] for each in everything if kept(each))
        assert found


def test_a_wrong_list_is_refused(reader: Client) -> None:
    for query, words in (
        ({"order": "beauty"}, "activity"),
        ({"order": "value"}, "currency"),
        ({"stage": "tea"}, "tea"),
        ({"limit": 501}, "500"),
        ({"after": "nonsense"}, "cursor"),
        ({"by": "owner"}, "by"),
        ({"attr": "colour=red"}, "colour"),
    ):
        reader.get("/v1/deals", **query).refused(422, "invalid", words)


def test_a_rep_lists_the_team_s_alone(service: Service) -> None:
    manager = service.client("manager")
    for rep, team in (("rep-01", "north"), ("rep-02", "south")):
        manager.post("/v1/reps", {"rep": {"source": "crm", "key": rep}, "team": team}).done()
        service.client("rep", f"crm:{rep}").post("/v1/leads", {"pipeline": "loans"}).done()
    own = service.client("rep", "crm:rep-01").get("/v1/leads").answer
    assert [each["owner"]["key"] for each in own["journeys"]] == ["rep-01"]
    assert manager.get("/v1/leads").answer["n"] == 2
    assert manager.get("/v1/deals").answer["n"] == 0


def test_what_is_looked_for_is_found_over_http_and_on_the_command_line(sample_service: Service, reader: Client) -> None:
    told = reader.get("/v1/search", q="COFFEE for 84").answer
    assert told["found"][0]["label"] == "Coffee for 84 desks"
    on_the_line = run("find", "COFFEE for 84", "--db", sample_service.running.log.url, "--json").answer
    assert [each["journey"] for each in on_the_line["found"]] == [each["journey"] for each in told["found"]]
    drawn = run("find", "desks", "--limit", "2", "--db", sample_service.running.log.url).out
    assert "more with --limit" in drawn
    assert reader.get("/v1/search", q="coffee", pipeline="office-coffee", limit=3).answer["n"] > 3
    for query, status, words in (
        ({}, 422, "query.q"),
        ({"q": ""}, 422, "query.q"),
        ({"q": " "}, 422, "give a word"),
        ({"q": "x" * 201}, 422, "query.q"),
        ({"q": "x", "limit": 101}, 422, "100"),
        ({"q": "x", "pipeline": "tea"}, 404, "tea"),
    ):
        problem = reader.get("/v1/search", **query).refused(status, "invalid" if status == 422 else "not-found")
        assert words in problem["detail"] + str(problem["errors"])


def test_a_rep_finds_the_team_s_alone(service: Service) -> None:
    manager = service.client("manager")
    for rep, team in (("rep-01", "north"), ("rep-02", "south")):
        manager.post("/v1/reps", {"rep": {"source": "crm", "key": rep}, "team": team}).done()
        service.client("rep", f"crm:{rep}").post("/v1/leads", {"pipeline": "loans", "title": f"boat of {rep}"}).done()
    found = service.client("rep", "crm:rep-01").get("/v1/search", q="boat").answer
    assert [each["label"] for each in found["found"]] == ["boat of rep-01"]
    assert manager.get("/v1/search", q="boat").answer["n"] == 2


def test_the_roster_is_told_with_every_membership(service: Service) -> None:
    manager = service.client("manager")
    assert manager.get("/v1/reps").answer["reps"] == []
    boss = {"source": "crm", "key": "boss"}
    for rep, team in (("rep-02", "north"), ("rep-01", "north"), ("rep-03", "south")):
        body = {"rep": {"source": "crm", "key": rep}, "team": team, "manager": boss, "region": "Bergen"}
        manager.post("/v1/reps", body).done()
    manager.post("/v1/reps/crm:rep-02/move", {"team": "south"}).done()
    manager.post("/v1/reps/crm:rep-03/leave").done()
    told = manager.get("/v1/reps").answer
    assert [(rep["key"], rep["memberships"][-1]["team"]) for rep in told["reps"]] == [
        ("rep-01", "north"),
        ("rep-02", "south"),
    ]
    everybody = manager.get("/v1/reps", left="true", limit=2).answer
    rest = manager.get("/v1/reps", left="true", limit=2, after=everybody["next"]).answer
    assert [rep["key"] for page in (everybody, rest) for rep in page["reps"]] == ["rep-01", "rep-02", "rep-03"]
    assert (everybody["n"], rest["next"]) == (3, None)
    moved = manager.get("/v1/reps/crm:rep-02").answer
    assert [(each["team"], each["manager"] and each["manager"]["key"]) for each in moved["memberships"]] == [
        ("north", "boss"),
        ("south", None),
    ]
    assert moved["memberships"][0]["until"] == moved["memberships"][1]["since"]
    tag = manager.get("/v1/reps/crm:rep-02").etag
    for status in (200, 412):
        assert (
            manager.post("/v1/reps/crm:rep-02/move", {"team": "south", "region": "Oslo"}, if_match=tag).status == status
        )
    assert [rep["key"] for rep in manager.get("/v1/reps", team="south").answer["reps"]] == ["rep-02"]
    seen = service.client("rep", "crm:rep-01").get("/v1/reps").answer
    assert [rep["key"] for rep in seen["reps"]] == ["rep-01"]
    service.client("rep", "crm:rep-01").get("/v1/reps/crm:rep-02").refused(404, "not-found")
    manager.get("/v1/reps/crm:nobody").refused(404, "not-found")
    manager.get("/v1/reps", after="0b9e8a7c-5d4f-4e3a-8b2c-1d0f9e8a7b6c").refused(422, "invalid", "cursor")
    assert (
        manager.get("/v1/reps", {"If-None-Match": manager.get("/v1/reps", as_of=AS_OF).etag}, as_of=AS_OF).status == 304
    )
