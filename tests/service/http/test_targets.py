"""Targets over HTTP: set, revised and withdrawn by who leads, seen by whose they are, held against what was won."""

from collections.abc import Iterator
from json import dumps, loads
from typing import Any
from uuid import uuid4

import pytest

from engine.log import schema
from tests.service.http.conftest import publish
from tests.service.http.server import Client, Service, serving
from tests.service.http.test_pages import decoded, encoded

EUROS = {"amount_minor": 10_000_000, "currency": "EUR"}
QUARTER = {"pipeline": "loans", "period": "2026-Q1", "value": EUROS}
AS_OF = "2026-03-20"


@pytest.fixture
def people(sqlite_url: str) -> Iterator[dict[str, Client]]:
    schema.init(sqlite_url)
    publish(sqlite_url)
    with serving(sqlite_url) as service:
        yield hired(service)


def hired(service: Service) -> dict[str, Client]:
    """Two reps in the north, one in the south, one in no team; and who leads them."""
    found = {"manager": service.client("manager")}
    early = {"occurred_at": "2026-01-05T00:00:00Z"}
    for rep, team in (("rep-01", "north"), ("rep-02", "north"), ("rep-03", "south")):
        found[rep] = service.client("rep", f"crm:{rep}")
        found["manager"].post("/v1/reps", {"rep": of(rep), "team": team, **early}).done()
    return found | {"rep-04": service.client("rep", "crm:rep-04")}


def of(rep: str) -> dict[str, str]:
    return {"source": "crm", "key": rep}


@pytest.mark.checklist("S36")
def test_a_target_is_set_revised_and_withdrawn_and_every_change_is_told(service: Service) -> None:
    manager = hired(service)["manager"]
    body = {**QUARTER, "rep": of("rep-01"), "reason": "plan", "occurred_at": "2026-01-10T00:00:00Z"}
    made = manager.post("/v1/targets", body, idempotency_key="first")
    again = manager.post("/v1/targets", body, idempotency_key="first")
    assert (made.status, made.answer) == (201, again.answer)
    assert (again.headers["idempotent-replayed"], made.headers["location"]) == (
        "true",
        f"/v1/targets/{made.answer['stream_id']}",
    )
    here = made.headers["location"]
    seen = manager.get(here)
    assert (seen.answer["rep"]["key"], seen.answer["value"]["amount"], seen.answer["stands"]) == (
        "rep-01",
        "100000.00",
        True,
    )
    more = {"value": {**EUROS, "amount_minor": 12_000_000}, "reason": "two more machines"}
    manager.post(f"{here}/revise", more).refused(428, "version-needed", "If-Match")
    manager.post(f"{here}/revise", more, if_match=seen.etag).done()
    manager.post(f"{here}/revise", more, if_match='"1"').refused(412, "changed", "target")
    assert manager.get(here, {"If-None-Match": seen.etag}).status == 200
    fresh = manager.get("/v1/targets")
    assert [each["value"]["amount"] for each in fresh.answer["targets"]] == ["120000.00"]
    assert manager.get("/v1/targets", {"If-None-Match": fresh.etag}).status == 304
    before = manager.get("/v1/targets", as_of="2026-02-01").answer
    assert [each["value"]["amount"] for each in before["targets"]] == ["100000.00"]
    manager.post(f"{here}/withdraw", {"reason": "on leave"}).done()
    assert (manager.get("/v1/targets").answer["n"], manager.get(here).answer["stands"]) == (0, False)
    changes = manager.get(here).answer["changes"]
    assert [(each["what"], each["reason"], each["actor"]["key"]) for each in changes] == [
        ("set", "plan", "the-manager"),
        ("revised", "two more machines", "the-manager"),
        ("withdrawn", "on leave", "the-manager"),
    ]
    told = manager.get("/v1/events", type="target.*").answer["events"]
    assert [each["event_id"] for each in told] == [each["event_id"] for each in changes]


def test_who_sells_sees_the_own_target_and_the_team_s_and_sets_none(people: dict[str, Client]) -> None:
    manager = people["manager"]
    targets, early = {}, {**QUARTER, "occurred_at": "2026-01-10T00:00:00Z"}
    for rep in ("rep-01", "rep-02", "rep-03"):
        targets[rep] = manager.post("/v1/targets", {**early, "rep": of(rep)}).answer["stream_id"]
    for team in ("north", "south"):
        targets[team] = manager.post("/v1/targets", {**early, "team": team}).answer["stream_id"]
    seen = {
        "rep-01": {"rep-01", "rep-02", "north"},
        "rep-03": {"rep-03", "south"},
        "rep-04": set(),
    }
    for who, names in seen.items():
        listed = people[who].get("/v1/targets").answer["targets"]
        assert {each["target"] for each in listed} == {targets[name] for name in names}
        for name, target in targets.items():
            status = people[who].get(f"/v1/targets/{target}").status
            assert status == (200 if name in names else 404), (who, name)
        people[who].post("/v1/targets", {**QUARTER, "team": "north"}).refused(403, "forbidden")
        people[who].post(f"/v1/targets/{targets['north']}/revise", {"reason": "x"}).refused(403, "forbidden")
    own = people["rep-01"].get("/v1/forecast", period="2026-Q1", as_of=AS_OF)
    assert [team["team"] for team in own.answer["periods"][0]["teams"]] == ["north"]
    people["rep-01"].get("/v1/forecast", team="south").refused(403, "forbidden")
    assert people["rep-04"].get("/v1/forecast").answer["periods"][0]["teams"] == []
    for wanted in ({"rep": "rep-02"}, {"team": "south"}):
        assert manager.get("/v1/targets", **wanted).answer["n"] == 1


def test_pages_of_targets_and_reps_are_of_what_the_first_one_saw(people: dict[str, Client]) -> None:
    manager = people["manager"]
    for whose in ({"team": "north"}, *({"rep": of(rep)} for rep in ("rep-01", "rep-02", "rep-03"))):
        manager.post("/v1/targets", {**QUARTER, **whose}).done()
    targets, reps = manager.get("/v1/targets").answer, manager.get("/v1/reps", team="north").answer
    first, mates = (manager.get("/v1/targets", limit=2), manager.get("/v1/reps", team="north", limit=1))
    for each in first.answer["targets"]:
        manager.post(f"/v1/targets/{each['target']}/withdraw", {"reason": "the team's now"}).done()
    manager.post(f"/v1/reps/{mates.answer['reps'][0]['person_id']}/move", {"team": "south"}).done()
    rest = manager.get("/v1/targets", limit=2, after=first.answer["next"])
    assert first.answer["targets"] + rest.answer["targets"] == targets["targets"]
    assert (rest.answer["position"], rest.answer["n"], rest.answer["next"]) == (targets["position"], 4, None)
    others = manager.get("/v1/reps", team="north", limit=1, after=mates.answer["next"])
    assert mates.answer["reps"] + others.answer["reps"] == reps["reps"]
    manager.get("/v1/targets", team="north", after=first.answer["next"]).refused(422, "invalid", "another question")
    manager.get("/v1/reps", after=first.answer["next"]).refused(422, "invalid", "another question")
    elsewhere = encoded(dumps(["0" * 32, *loads(decoded(first.answer["next"]))[1:]]))
    manager.get("/v1/targets", limit=2, after=elsewhere).refused(410, "gone", "first page")


def test_a_forecast_holds_targets_against_what_was_won_and_is_not_sent_twice(people: dict[str, Client]) -> None:
    manager = people["manager"]
    manager.post("/v1/targets", {**QUARTER, "rep": of("rep-01"), "occurred_at": "2026-01-10T00:00:00Z"}).done()
    body = {"pipeline": "loans", "value": {**EUROS, "amount_minor": 4_000_000}, "occurred_at": "2026-02-01T00:00:00Z"}
    deal = people["rep-01"].post("/v1/deals", body).answer["stream_id"]
    asked = {"period": "2026-Q1", "as_of": AS_OF}
    first = manager.get("/v1/forecast", **asked)
    (team,) = first.answer["periods"][0]["teams"]
    assert (team["won"], team["gap"][0]["amount"]) == (0, "100000.00")
    assert manager.get("/v1/forecast", {"If-None-Match": first.etag}, **asked).status == 304
    manager.post(f"/v1/deals/{deal}/win", {"evidence": "signed", "occurred_at": "2026-03-01T00:00:00Z"}).done()
    then = manager.get("/v1/forecast", {"If-None-Match": first.etag}, **asked)
    (team,) = then.answer["periods"][0]["teams"]
    assert (team["won_value"][0]["amount"], team["gap"][0]["amount"]) == ("40000.00", "60000.00")
    assert team["attainment"] == [{"currency": "EUR", "share": 0.4}]
    behind = manager.get("/v1/forecast/explain", cell=["part=won_value", "rep=rep-01"], **asked).answer
    assert [each["journey"] for each in behind["journeys"]] == [deal]


WRONG: list[tuple[dict[str, Any], int, str, str]] = [
    ({"period": "2026-Q5"}, 422, "invalid", "2026-Q1"),
    ({"value": {"amount_minor": -1, "currency": "EUR"}}, 422, "invalid", "greater than or equal to 0"),
    ({"value": {"amount_minor": 5, "currency": "EURO"}}, 422, "invalid", "currency"),
    ({"rep": of("rep-99")}, 409, "rejected", "crm:rep-99"),
    ({"rep": str(uuid4())}, 409, "rejected", "there is no person"),
    ({"rep": None, "team": "nroth"}, 409, "rejected", "known are north, south"),
    ({"team": "north"}, 409, "rejected", "name one of them"),
    ({"wins": 3}, 409, "rejected", "give one of them"),
    ({"pipeline": "leases"}, 409, "rejected", "'leases'"),
]


def test_what_is_wrong_with_a_target_is_said_with_what_would_be_right(people: dict[str, Client]) -> None:
    manager = people["manager"]
    good = {**QUARTER, "rep": of("rep-01")}
    manager.post("/v1/targets", good).done()
    manager.post("/v1/targets", good).refused(409, "rejected", "100000.00 EUR", "2026-Q1", "revise it")
    for wrong, status, kind, words in WRONG:
        problem = manager.post("/v1/targets", {**good, "period": "2026-Q2", **wrong}).refused(status, kind)
        assert words in str(problem), wrong
    manager.get("/v1/targets/none").refused(404, "not-found", "its id")
    manager.get(f"/v1/targets/{uuid4()}").refused(404, "not-found")
    manager.post(f"/v1/targets/{uuid4()}/withdraw", {"reason": "x"}).refused(404, "not-found", "there is no target")
    lead = manager.post("/v1/leads", {"pipeline": "loans"}).answer["stream_id"]
    manager.post(f"/v1/targets/{lead}/withdraw", {"reason": "x"}).refused(409, "rejected", "is not asked of a lead")
    manager.post(f"/v1/journeys/{next_target(manager)}/touch", {"kind": "call"}).refused(409, "rejected", "of a target")
    manager.get("/v1/targets", period="2026-13").refused(422, "invalid")
    manager.get("/v1/forecast", period="2026-13").refused(422, "invalid", "query.period", "2026-Q1")


def next_target(client: Client) -> str:
    found: str = client.get("/v1/targets").answer["targets"][0]["target"]
    return found
