"""The examples of the documentation are true: each one is sent, in the order of a life, and accepted."""

from typing import Any
from uuid import uuid4

import pytest
from jsonschema_rs import validator_for

from engine.log import schema
from service.routes.examples import BODIES, STAGES
from service.routes.table import GIVEN
from tests.service.http.server import Client, Reply, serving

PATHS = {given.name: given.path for given in GIVEN}
OTHER = {**STAGES, "pipeline": "service-contracts", "name": {"en": "Service contracts"}}


RENEW = "python -m tests.service.http.answer_examples makes the examples of answers anew"


class Life:
    """Sends the examples, one by one; what an example names by a made-up id is replaced by what is there."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.sent: set[str] = set()

    def send(self, name: str, about: str = "", /, **replaced: Any) -> Reply:
        self.sent.add(name)
        path = PATHS[name]
        before, brace, rest = path.partition("{")
        address = f"{before}{about}{rest.partition('}')[2]}" if brace else path
        reply = self.client.post(address, BODIES[name] | replaced, if_match="*")
        reply.done()
        return reply

    def begin(self, name: str, about: str = "") -> str:
        replaced = {"record": {"source": "shop", "key": str(uuid4())}} if name != "convert_lead" else {}
        stream: str = self.send(name, about, **replaced).answer["stream_id"]
        return stream


@pytest.fixture
def life(sqlite_url: str) -> Any:
    schema.init(sqlite_url)
    with serving(sqlite_url) as service:
        yield Life(service.client("manager"))


def test_every_command_has_an_example_that_is_accepted(life: Life) -> None:
    life.send("create_pipeline")
    life.send("publish_definition", "office-coffee")
    life.send("create_pipeline", pipeline="service-contracts", name="Service contracts")
    life.send("publish_definition", "service-contracts", definition=OTHER)
    life.send("draft_definition", "office-coffee")
    draft = life.client.get("/v1/events", type="pipeline.definition_drafted.v2").answer["events"][-1]["data"][
        "draft_id"
    ]
    life.send("discard_draft", "office-coffee", draft_id=draft)
    fewer = {**STAGES, "stages": [stage for stage in STAGES["stages"] if stage["key"] != "tasting"]}
    life.send("publish_definition", "office-coffee", definition=fewer)
    life.send("roll_back", "office-coffee")
    life.send("activate_policy", "office-coffee")
    life.send("enrol_rep")
    life.send("move_rep", "crm:rep-03")
    target = life.send("set_target").answer["stream_id"]
    life.send("revise_target", target)
    life.send("withdraw_target", target)

    lead = life.begin("capture_lead")
    call = life.send("touch", lead).answer["events"][0]["event_id"]
    for name in ("assess_bant", "record_signal", "set_score", "assign_owner", "set_attributes", "add_note"):
        life.send(name, lead)
    life.send("schedule_follow_up", lead)
    life.send("snooze_follow_up", lead)
    life.send("complete_follow_up", lead)
    other = str(uuid4())
    life.send("schedule_follow_up", lead, follow_up_id=other)
    life.send("cancel_follow_up", lead, follow_up_id=other)
    life.send("retract_entry", lead, event_id=call)
    life.send("qualify_lead", lead)
    deal = life.begin("convert_lead", lead)

    twin = life.begin("capture_lead")
    life.send("disqualify_lead", twin)
    life.send("reopen_lead", twin)
    life.send("merge_lead", twin, into=lead)

    life.send("send_proposal", deal)
    life.send("revise_proposal", deal)
    life.send("accept_proposal", deal)
    for name in ("decline_proposal", "expire_proposal"):
        proposal = str(uuid4())
        life.send("send_proposal", deal, proposal_id=proposal, expires_at=None)
        life.send(name, deal, proposal_id=proposal)
    for name in ("move_stage", "change_value", "change_expected_close", "win_deal"):
        life.send(name, deal)
    for name in ("record_payment", "record_delivery", "record_satisfaction"):
        life.send(name, deal)

    lost = life.begin("open_deal")
    life.send("lose_deal", lost)
    life.send("reopen_deal", lost)
    life.send("change_pipeline", lost)
    life.send("merge_deal", lost, into=lead)
    life.send("record_rep_left", "crm:rep-03")
    assert life.sent == BODIES.keys() == PATHS.keys()


def test_every_answer_has_an_example_of_its_shape(life: Life) -> None:
    document = life.client.get("/openapi.json").answer
    shapes = {
        content["schema"]["$ref"].rpartition("/")[2]
        for methods in document["paths"].values()
        for operation in methods.values()
        for status, response in operation["responses"].items()
        for kind, content in response.get("content", {}).items()
        if status.startswith("2") and kind == "application/json"
    }
    schemas = document["components"]["schemas"]
    for shape in sorted(shapes):
        [example] = schemas[shape].get("examples") or [schemas[shape].get("example")]
        problems = validator_for({"$ref": f"#/components/schemas/{shape}", **document}).iter_errors(example)
        assert [problem.message for problem in problems] == [], f"{shape}: {RENEW}"


def test_no_two_shapes_have_one_title(life: Life) -> None:
    shapes = life.client.get("/openapi.json").answer["components"]["schemas"].values()
    titles = [shape["title"] for shape in shapes]
    assert sorted(set(titles)) == sorted(titles), "a program that makes a client would leave one of them out"
    assert all(title.isidentifier() for title in titles)


def test_every_operation_says_how_it_is_asked(life: Life) -> None:
    document = life.client.get("/openapi.json").answer
    named = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(named)) == len(named)
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                if parameter.get("required"):
                    told = parameter.get("example") or parameter["schema"].get("examples")
                    assert told, f"{operation['operationId']}: {parameter['name']}"
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is not None:
                assert "example" in content, operation["operationId"]
