"""The service keeps what its OpenAPI document promises: requests right and wrong, alone and along the links.

All phases with more examples: `make contract`.
"""

import json

from service.cli import exits
from tests.service.commandline import run
from tests.service.http.contract import hold
from tests.service.http.server import Service


def test_no_request_gets_an_answer_that_is_not_documented(own_service: Service) -> None:
    held = hold(own_service, ("examples", "fuzzing", "stateful"), examples=3, seed=20)
    assert held.passed, held.said
    assert held.requests > 300, held.said
    log = own_service.running.log
    assert log.position() > 1_700, "no command was accepted: the requests went nowhere"
    checked = run("check", "--db", log.url, "--json")
    assert checked.code == exits.OK, checked.out


def test_what_follows_on_what_is_told_by_links(own_service: Service) -> None:
    document = own_service.client("ops").get("/openapi.json").answer
    operations = {
        operation["operationId"]: operation for methods in document["paths"].values() for operation in methods.values()
    }
    links = operations["capture_lead"]["responses"]["201"]["links"]
    assert {"get_lead", "qualify_lead", "touch", "get_history"} <= links.keys()
    for name, operation in operations.items():
        for response in operation["responses"].values():
            for link in response.get("links", {}).values():
                followed = operations[link["operationId"]]
                named = {each["name"] for each in followed["parameters"] if each["in"] == "path"}
                assert link["parameters"].keys() == named, (name, json.dumps(link))
