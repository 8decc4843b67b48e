"""Alive, ready, measured; and documented without the internet."""

import re
import threading
import time
from datetime import UTC, datetime

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from service.http_errors import KINDS
from service.keys import revoke_key
from service.named_enums import enums_in
from service.routes.table import GIVEN
from tests.service.http.answer_examples import ASKED
from tests.service.http.server import Client, Service


def test_it_is_alive_and_ready(service: Service) -> None:
    anybody = Client(service.port)
    assert anybody.get("/livez").answer == {"status": "alive"}
    assert anybody.get("/readyz").answer == {"status": "ready", "log_position": 2, "view_position": 2}


def test_it_is_not_ready_before_it_has_read_the_log_nor_without_the_database(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    anybody = Client(service.port)
    service.running.ready = False
    anybody.get("/readyz").refused(503, "busy", "reading the log")
    service.running.ready = True

    def gone() -> int:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(service.running.log, "position", gone)
    anybody.get("/readyz").refused(503, "unreachable")
    anybody.get("/livez").done()


def test_prometheus_counts_commands_by_result(service: Service, manager: Client) -> None:
    deal = manager.post("/v1/deals", {"pipeline": "loans"}).answer["stream_id"]
    manager.post(f"/v1/deals/{deal}/win").refused(409, "rejected")
    told = service.client("ops").get("/metrics").content.decode()
    values = dict(re.findall(r"^(\S+) (\S+)$", told, re.MULTILINE))
    assert float(values['dealtrail_commands_total{command="OpenDeal",result="accepted"}']) >= 1
    assert float(values['dealtrail_commands_total{command="Win",result="Rejected"}']) >= 1
    assert float(values["dealtrail_log_position"]) == 3
    assert float(values["dealtrail_append_seconds_count"]) >= 1
    assert float(values["dealtrail_memory_bytes"]) > 10**7
    for pool in ("writing", "changing", "reading", "access", "telling"):
        assert f'dealtrail_waiting{{pool="{pool}"}}' in values
    # By route, not by address: an address for each deal would be a series for each deal.
    assert deal not in told


@pytest.mark.parametrize("hangs", [False, True])
def test_metrics_are_told_while_the_database_is_away_to_who_was_known_before(
    own_service: Service, monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    monkeypatch.setattr("service.auth.TRUSTED_SECONDS", 0)
    known, unknown, revoked = (own_service.client("ops", who) for who in ("known", "unknown", "revoked"))
    assert "\ndealtrail_database_up 1.0\n" in known.get("/metrics").content.decode()
    revoked.get("/metrics").done()
    assert revoked.key is not None
    revoke_key(own_service.running.log, revoked.key.split("_")[1], datetime.now(UTC))
    revoked.get("/metrics").refused(401, "unauthenticated")
    back = threading.Event()

    def gone() -> Connection:
        if hangs:
            back.wait(20)
        raise OperationalError("SELECT", {}, Exception("gone"))

    with monkeypatch.context() as away:
        away.setattr(own_service.running.log.engine, "connect", gone)
        away.setattr("service.away.WAIT_SECONDS", 0.2)
        told = known.get("/metrics").content.decode()
        assert "\ndealtrail_database_up 0.0\n" in told
        assert "dealtrail_log_position" not in told
        assert "\ndealtrail_view_position " in told
        assert "\ndealtrail_memory_bytes " in told
        # Nobody who could not be looked up, nor who was refused last; and nothing but metrics.
        unknown.get("/metrics").refused(503, "unreachable")
        revoked.get("/metrics").refused(503, "unreachable")
        if not hangs:
            known.get("/v1/policies").refused(503, "unreachable")
    back.set()
    until = time.monotonic() + 20
    # The look that hung may end after the next scrape.
    while "\ndealtrail_database_up 1.0\n" not in known.get("/metrics").content.decode():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_process_that_nobody_asks_tells_how_far_its_views_are(service: Service, manager: Client) -> None:
    position = manager.post("/v1/deals", {"pipeline": "loans"}).answer["position"]
    until = time.monotonic() + 10
    while REGISTRY.get_sample_value("dealtrail_view_position") != position:
        assert time.monotonic() < until
        time.sleep(0.02)
    assert (REGISTRY.get_sample_value("dealtrail_memory_bytes") or 0) > 10**7


def test_the_documentation_needs_no_internet(service: Service) -> None:
    anybody = Client(service.port)
    page = anybody.get("/docs").content.decode()
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(addresses) >= 3
    for address in addresses:
        assert address.startswith("/")
        assert anybody.get(address).status == 200
    assert "https://" not in page


def test_the_document_names_every_operation_and_refusal(common_service: Service) -> None:
    document = Client(common_service.port).get("/openapi.json").answer
    operations = {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    ids = [operation["operationId"] for operation in operations.values()]
    assert len(ids) == len(set(ids))
    assert {given.name for given in GIVEN} <= set(ids)
    for (method, path), operation in operations.items():
        statuses = operation["responses"].keys()
        assert {"500", "503"} <= statuses
        if operation.get("security"):
            assert {"401", "403"} <= statuses, path
        # A preview is a question whose stages are too long for an address.
        if method == "post" and operation["operationId"] != "preview_definition":
            assert {"400", "409", "413", "415", "422"} <= statuses, path
            # Of two corrections at once both hold; anything else may have changed meanwhile.
            assert ("412" in statuses) == (operation["operationId"] != "correct_person"), path
            headers = {each["name"]: each["required"] for each in operation["parameters"] if each["in"] == "header"}
            if operation["tags"] in (["webhooks"], ["people"]):
                # No event comes of it: it can't come late, and has no version.
                assert headers == {"Idempotency-Key": True}, path
                continue
            body = operation["requestBody"]["content"]["application/json"]["schema"]
            assert "occurred_at" in schema(document, body)["properties"]
            assert headers == {"Idempotency-Key": True, "If-Match": "428" in statuses}, path
    assert {int(status) for each in operations.values() for status in each["responses"]} - {200, 201, 304} <= {
        status for status, _ in KINDS.values()
    }


def test_an_entity_tag_is_documented_where_there_is_one_and_nowhere_else(own_service: Service) -> None:
    client = own_service.client("admin")
    hook = client.post("/v1/webhooks", {"url": "https://example.com/hooks"}).answer["webhook_id"]
    asked = {
        **ASKED,
        "compare_definitions": ("/v1/pipelines/office-coffee/compare", {}),
        "get_person": ("/v1/people/rep-03", {}),
        "get_target": (f"/v1/targets/{client.get('/v1/targets').answer['targets'][0]['target']}", {}),
    }
    seen = {True: 0, False: 0}
    for path, methods in client.get("/openapi.json").answer["paths"].items():
        operation = methods.get("get")
        # A stream does not end; of what explains, one stands for all.
        if operation is None or path == "/v1/stream" or (path.endswith("/explain") and "conversion" not in path):
            continue
        address, query = asked.get(operation["operationId"], (path.replace("{journey}", "C-004"), {}))
        # Answers about the present are of the minute that is asked in.
        names = {each["name"] for each in operation.get("parameters", ())}
        if "as_of" in names and operation["operationId"] != "get_difference":
            query = {"as_of": "2999-01-01", **query}
        address = address.replace("{webhook}", hook)
        answer = client.get(address, **query)
        answer.done()
        tagged = "etag" in answer.headers
        assert ("If-None-Match" in names) == tagged, path
        assert ("ETag" in operation["responses"]["200"].get("headers", {})) == tagged, path
        assert ("304" in operation["responses"]) == tagged, path
        again = client.get(address, {"If-None-Match": answer.headers.get("etag", "*")}, **query)
        assert (again.status == 304) == tagged, path
        seen[tagged] += 1
    assert min(seen.values()) >= 5, seen


def test_an_address_names_what_it_is_about_once(common_service: Service) -> None:
    for path, methods in Client(common_service.port).get("/openapi.json").answer["paths"].items():
        for operation in methods.values():
            asked = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
            assert not [name for name in asked if f"{{{name}}}" in path], path


def test_the_document_requires_what_a_rule_never_goes_without(common_service: Service) -> None:
    told = Client(common_service.port).get("/openapi.json").answer
    asked = {}
    for methods in told["paths"].values():
        for operation in methods.values():
            if "requestBody" in operation:
                shape = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
                asked[operation["operationId"]] = told["components"]["schemas"][shape]
    assert asked["win_deal"]["required"] == ["evidence"]
    assert asked["win_deal"]["properties"]["evidence"]["type"] == "string"
    for name in ("lose_deal", "reopen_deal", "decline_proposal", "disqualify_lead", "retract_entry", "roll_back"):
        assert "reason" in asked[name]["required"], name
    for name in ("move_stage", "change_pipeline", "publish_definition", "set_target"):
        assert "reason" not in asked[name].get("required", ()), name


def test_a_definition_is_read_and_sent_as_one_shape_and_no_shape_is_called_by_a_path(common_service: Service) -> None:
    told = Client(common_service.port).get("/openapi.json").answer
    shapes = told["components"]["schemas"]
    assert all(name.isalnum() and shape["title"] == name for name, shape in shapes.items())
    definition = {"$ref": "#/components/schemas/Definition"}
    assert shapes["PipelineVersion"]["properties"]["definition"] == definition
    assert definition in shapes["PublishDefinition"]["properties"]["definition"]["anyOf"]
    assert {"event", "touch", "all"} <= set(shapes["Criterion"]["properties"])
    assert shapes["ListingListed"]["properties"]["outcome"]["$ref"] == "#/components/schemas/Outcome"
    assert shapes["Outcome"]["enum"][:3] == ["open", "won", "lost"]
    named = [*(each for each in shapes.values() if "enum" not in each), told["paths"]]
    assert list(enums_in(named)) == [], "a client would number it: name it in service/named_enums.py"


def test_head_is_answered_as_get_without_a_body(sample_service: Service) -> None:
    anybody, auditor = Client(sample_service.port), sample_service.client("auditor")
    for client, path in ((anybody, "/livez"), (anybody, "/openapi.json"), (auditor, "/v1/board?as_of=2999-01-01")):
        head, got = client.send("HEAD", path), client.get(path)
        assert (head.status, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(got.content))
        assert head.headers.get("etag") == got.headers.get("etag")
    for client, path, status in ((anybody, "/v1/board", 401), (auditor, "/v1/leads/nobody", 404)):
        assert client.send("HEAD", path).status == status
    reply = auditor.send("HEAD", "/v1/stream")
    assert (reply.status, reply.headers["allow"]) == (405, "GET")
    for method, path, takes in (
        ("PUT", "/v1/stream", "GET"),
        ("PUT", "/v1/leads", "GET, HEAD, POST"),
        ("POST", "/openapi.json", "GET, HEAD"),
        ("HEAD", "/v1/leads/x/qualify", "POST"),
    ):
        reply = auditor.send(method, path)
        assert (reply.status, reply.headers["allow"]) == (405, takes), path
    told = auditor.get("/metrics").content.decode()
    assert 'dealtrail_http_requests_total{method="HEAD",route="/livez",status="200"}' in told


def test_what_an_answer_to_a_command_says_beside_its_body_is_documented(manager: Client) -> None:
    operation = manager.get("/openapi.json").answer["paths"]["/v1/deals"]["post"]
    headers = operation["responses"]["201"]["headers"]
    assert headers["ETag"]["required"]
    first = manager.post("/v1/deals", {"pipeline": "loans"}, idempotency_key="one")
    again = manager.post("/v1/deals", {"pipeline": "loans"}, idempotency_key="one")
    told = [{name for name in headers if name.lower() in reply.headers} for reply in (first, again)]
    assert told == [{"ETag", "Location"}, {"ETag", "Location", "Idempotent-Replayed"}]


def schema(document: dict, named: dict) -> dict:  # type: ignore[type-arg]
    found: dict = document["components"]["schemas"][named["$ref"].rpartition("/")[2]]  # type: ignore[type-arg]
    return found


def test_every_reference_of_the_document_is_there(common_service: Service) -> None:
    reply = Client(common_service.port).get("/openapi.json")
    known = reply.answer["components"]["schemas"].keys()
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', reply.content.decode()))
    assert named
    assert named <= known
