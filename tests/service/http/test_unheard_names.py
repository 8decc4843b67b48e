"""A name that nobody and nothing has is refused wherever it is asked for, with the field and what would be right."""

from typing import Any

from tests.service.http.server import Service

NOTHING = {
    "pipeline": "nothing",
    "definition": "99",
    "tz": "Nowhere/Here",
    "owner": "nobody",
    "manager": "nobody",
    "rep": "nobody",
    "team": "nowhere",
    "region": "nowhere",
    "source": "nothing",
    "channel": "nothing",
    "attr": "machine=nothing",
    "by": "nothing",
    "stage": "nothing",
    "from_stage": "nothing",
    "without_reason": "nothing",
    "order": "nothing",
    "horizon": "nothing",
    "policy": "nothing",
    "type": "deal.nothing",
    "at": "999999",
    "after": "bm90aGluZw",
}
"""well formed, and nothing that there is"""
NEEDED = {"/v1/search": {"q": "coffee"}, "/v1/sizing": {"deals": "3"}, "/v1/compare": {"since": "2026-07-01"}}
LOOKED_FOR = {("/v1/people", "source"), ("/v1/people", "after"), ("/v1/events", "after")}
"""words of a search, which finds none; and a place in what is ordered"""
ONE_OF = {"journey": "C-004", "pipeline": "office-coffee", "rep": "rep-03"}


def test_a_name_that_nothing_has_is_refused_by_every_question(sample_service: Service) -> None:
    client = sample_service.client("admin")
    paths: dict[str, Any] = client.get("/openapi.json").answer["paths"]
    target = client.get("/v1/targets").answer["targets"][0]["target"]
    asked = 0
    for path, methods in paths.items():
        if "get" not in methods or path.endswith(("/explain", "/stream")) or "{webhook}" in path:
            continue
        address = path
        for name, one in {**ONE_OF, "target": target, "person": "rep-03"}.items():
            address = address.replace(f"{{{name}}}", one)
        needed = {"since": "2026-07-01"} if path.endswith("/difference") else NEEDED.get(path, {})
        for name in {each["name"] for each in methods["get"].get("parameters", ()) if each["in"] == "query"}:
            if name in NOTHING and (path, name) not in LOOKED_FOR:
                reply = client.get(address, **{**needed, name: NOTHING[name]})
                assert reply.status in (404, 422), (path, name, reply.status)
                assert NOTHING[name].rpartition("=")[2] in str(reply.json) or name in ("after", "at"), reply.json
                asked += 1
    assert asked > 250


def test_of_reps_and_targets_it_is_said_which_there_are(sample_service: Service) -> None:
    manager, rep = sample_service.client("manager"), sample_service.client("rep", "crm:rep-03")
    for path in ("/v1/targets", "/v1/reps"):
        problem = manager.get(path, team="nowhere").refused(422, "invalid", "'nowhere'", "known are", "north")
        assert problem["errors"][0]["field"] == "query.team"
        rep.get(path, team="nowhere").refused(403, "forbidden", "leave it out")
        manager.get(path, definition="now").refused(422, "invalid", "definition")
    problem = manager.get("/v1/targets", rep="nobody").refused(422, "invalid", "'nobody'", "source:key")
    assert problem["errors"][0]["field"] == "query.rep"
    own = manager.get("/v1/reps/rep-03").answer
    found = [manager.get("/v1/targets", rep=called).answer["targets"] for called in ("rep-03", own["person_id"])]
    assert found[0] == found[1]
    assert {each["rep"]["key"] for each in found[0]} == {"rep-03"}


def test_a_forecast_of_one_period_is_of_no_other_kind(sample_service: Service) -> None:
    manager = sample_service.client("manager")
    problem = manager.get("/v1/forecast", period="2026-11", every="week").refused(422, "invalid", "'week'", "a month")
    assert problem["errors"][0]["field"] == "query.every"
    assert manager.get("/v1/forecast", period="2026-Q4", every="quarter").answer["every"] == "quarter"
    assert manager.get("/v1/forecast").answer["every"] == "month"
