"""What a rep's command names besides the journey it is about: no journey of another team, nobody who is no rep."""

import time
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Union, get_args, get_origin
from uuid import UUID, uuid4

import pytest

from engine.aggregates.inputs import PersonRef, SourceKey
from engine.log.locked import append_lock
from service.routes.table import GIVEN
from tests.service.http.server import Client, Service, serving

JOURNEYS = {("merge_lead", "into"), ("merge_deal", "into"), ("open_deal", "follows"), ("open_deal", "from_lead")}
RECORDS = {("capture_lead", "record"), ("open_deal", "record")}
OWNERS = {
    (name, "owner") for name in ("capture_lead", "convert_lead", "open_deal", "assign_owner", "schedule_follow_up")
}
OF_THE_JOURNEY_ITSELF = {"proposal_id", "follow_up_id", "event_id"}
CUSTOMERS = {("capture_lead", "person"), ("open_deal", "person")}


@pytest.fixture
def team(service: Service) -> dict[str, Client]:
    """A rep and a colleague in the north, another in the south; and who leads them."""
    people = {"manager": service.client("manager")}
    for rep, place in (("own", "north"), ("colleague", "north"), ("stranger", "south")):
        people[rep] = service.client("rep", f"crm:{rep}")
        people["manager"].post("/v1/reps", {"rep": {"source": "crm", "key": rep}, "team": place}).done()
    return people


def opened(client: Client, what: str, **more: Any) -> str:
    stream: str = client.post(f"/v1/{what}s", {"pipeline": "loans", **more}).answer["stream_id"]
    return stream


def test_every_field_that_could_name_something_of_others_is_looked_at_here() -> None:
    """A command that is added with such a field fails here until it is said what the field names."""
    found = {
        (given.name, name)
        for given in GIVEN
        if "rep" in given.roles
        for name, field in given.command.model_fields.items()
        if {UUID, PersonRef, SourceKey} & set(leaves(field.annotation)) and name not in OF_THE_JOURNEY_ITSELF
    }
    assert found == JOURNEYS | RECORDS | OWNERS | CUSTOMERS


def leaves(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from leaves(part)
    else:
        yield annotation


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"person": {"source": "crm", "key": "C-1", "name": "Eva Sol"}}, "is no customer of your team's"),
        ({"record": {"source": "crm", "key": "K-1"}}, "crm:K-1 is here already, in another team"),
    ],
)
def test_of_two_who_name_somebody_new_at_once_the_second_may_as_little_as_later(
    team: dict[str, Client], service: Service, named: dict[str, Any], words: str
) -> None:
    body = {"pipeline": "loans", **named}
    # Another process, so that both have decided before either writes.
    with serving(service.running.log.url) as other, ThreadPoolExecutor(2) as pool:
        stranger = replace(team["stranger"], port=other.port)
        with append_lock(service.running.log.engine):
            both = [pool.submit(client.post, "/v1/leads", body) for client in (team["own"], stranger)]
            time.sleep(0.7)
        first, second = sorted((each.result() for each in both), key=lambda reply: reply.status)
        second.refused(409, "rejected", words)
        assert first.answer["stream_id"] not in second.content.decode()
        assert len(service.client("manager").get("/v1/leads").answer["journeys"]) == 1


@pytest.mark.parametrize("kind", ["lead", "deal"])
def test_a_rep_merges_into_journeys_of_the_team_alone(kind: str, team: dict[str, Client]) -> None:
    duplicate = opened(team["own"], kind)
    hidden, missing = opened(team["stranger"], kind), str(uuid4())
    told = []
    for target in (hidden, missing):
        reply = team["own"].post(f"/v1/{kind}s/{duplicate}/merge", {"into": target}, if_match="*")
        problem = reply.refused(409, "rejected", target)
        told.append(problem["detail"].replace(target, "ID"))
    assert told[0] == told[1]
    into = {"into": opened(team["colleague"], kind)}
    first = team["own"].post(f"/v1/{kind}s/{duplicate}/merge", into, if_match="*", idempotency_key="mine")
    first.done()
    again = team["own"].post(f"/v1/{kind}s/{duplicate}/merge", into, if_match="*", idempotency_key="mine")
    assert again.answer == first.answer
    other = opened(team["own"], kind)
    team["manager"].post(f"/v1/{kind}s/{other}/merge", {"into": hidden}, if_match="*").done()


@pytest.mark.parametrize("field", ["follows", "from_lead"])
def test_a_rep_s_new_deal_names_no_journey_of_another_team(field: str, team: dict[str, Client]) -> None:
    hidden, missing = opened(team["stranger"], "lead"), str(uuid4())
    told = [
        team["own"].post("/v1/deals", {"pipeline": "loans", field: named}).refused(409, "rejected", named)["detail"]
        for named in (hidden, missing)
    ]
    assert told[0].replace(hidden, "ID") == told[1].replace(missing, "ID")
    if field == "follows":
        team["own"].post("/v1/deals", {"pipeline": "loans", field: opened(team["colleague"], "deal")}).done()


@pytest.mark.parametrize("kind", ["lead", "deal"])
def test_the_id_behind_a_key_that_is_taken_is_told_to_the_team_alone(kind: str, team: dict[str, Client]) -> None:
    taken = {"record": {"source": "crm", "key": "K-1"}}
    there = opened(team["stranger"], kind, **taken)
    asked = {"pipeline": "loans", **taken}
    problem = team["own"].post(f"/v1/{kind}s", asked).refused(409, "rejected", "crm:K-1")
    assert there not in problem["detail"]
    team["stranger"].post(f"/v1/{kind}s", asked).refused(409, "rejected", there)
    team["manager"].post(f"/v1/{kind}s", asked).refused(409, "rejected", there)


@pytest.mark.parametrize("kind", ["lead", "deal"])
def test_a_rep_names_customers_of_the_team_and_new_ones(kind: str, team: dict[str, Client]) -> None:
    details = {"name": "The Customer", "email": "customer@example.com", "phone": "+359 2 000"}
    hidden, known = {"source": "crm", "key": "cust-1"}, {"source": "crm", "key": "cust-2"}
    opened(team["stranger"], "lead", person={**hidden, **details})
    opened(team["colleague"], "deal", person={**known, "name": "Another Customer"})
    people = {each["key"]: each["person_id"] for each in team["manager"].get("/v1/people").answer["people"]}
    told = set()
    for person, shown in (
        (hidden, "crm:cust-1"),
        ({"source": "crm", "key": "stranger"}, "crm:stranger"),
        ({"source": "login", "key": "the-manager"}, "login:the-manager"),
        *((each, each) for each in (people["cust-1"], people["the-manager"], people["own"], str(uuid4()))),
    ):
        reply = team["own"].post(f"/v1/{kind}s", {"pipeline": "loans", "person": person})
        detail = reply.refused(409, "rejected", "person", shown, "in another team: ask a manager")["detail"]
        told.add(detail.replace(shown, "WHO"))
    assert len(told) == 1
    assert team["own"].get("/v1/search", q="customer@example.com").answer["n"] == 0
    for person in (known, people["cust-2"], {"source": "crm", "key": "cust-3", "name": "Somebody New"}):
        opened(team["own"], kind, person=person)
        opened(team["own"], kind, person=person)
    opened(team["stranger"], kind, person=hidden)
    opened(team["manager"], kind, person=hidden)
    body = {"pipeline": "loans", "person": {"source": "crm", "key": "cust-4"}}
    first = team["own"].post(f"/v1/{kind}s", body, idempotency_key="mine")
    hand_over = {"owner": {"source": "crm", "key": "stranger"}}
    team["own"].post(f"/v1/journeys/{first.answer['stream_id']}/assign-owner", hand_over).done()
    assert team["own"].post(f"/v1/{kind}s", body, idempotency_key="mine").answer == first.answer
    team["own"].post(f"/v1/{kind}s", body).refused(409, "rejected", "crm:cust-4")


def test_a_key_that_other_teams_have_too_is_the_rep_s_own(team: dict[str, Client]) -> None:
    for source in ("a9", "b9"):
        opened(team["stranger"], "lead", record={"source": source, "key": "X-1"})
    own = opened(team["own"], "lead", record={"source": "crm", "key": "C-1"})
    for record in ({"source": "crm2", "key": "C-1"}, {"source": "crm2", "key": "crm:C-1"}):
        opened(team["stranger"], "lead", record=record)
    call = {"kind": "call"}
    told = []
    for name in ("X-1", "X-2"):
        for reply in (
            team["own"].get(f"/v1/journeys/{name}"),
            team["own"].get(f"/v1/journeys/{name}/history"),
            team["own"].post(f"/v1/journeys/{name}/touch", call),
        ):
            told.append(reply.refused(404, "not-found")["detail"].replace(name, "NAME"))
    assert len(set(told)) == 1
    for name in ("C-1", "crm:C-1"):
        team["own"].post(f"/v1/journeys/{name}/touch", call).done()
        assert team["own"].get(f"/v1/journeys/{name}/history").answer["journey"] == own
        assert team["own"].get(f"/v1/journeys/{name}/difference?since=2026-01-01").answer["journey"] == own
    team["manager"].get("/v1/journeys/X-1").refused(422, "invalid", "a9:X-1 or b9:X-1")
    opened(team["colleague"], "lead", record={"source": "hr", "key": "C-1"})
    problem = team["own"].get("/v1/journeys/C-1").refused(422, "invalid", "2 sources", "crm:C-1", "hr:C-1")
    assert "crm2" not in problem["detail"]


def test_a_rep_hands_over_to_somebody_on_the_roster(team: dict[str, Client]) -> None:
    deal, lead = opened(team["own"], "deal"), opened(team["own"], "lead")
    step = {"kind": "call", "due_at": "2099-01-05T09:00:00Z"}
    asked: list[tuple[str, dict[str, Any]]] = [
        (f"/v1/journeys/{deal}/schedule-follow-up", step),
        (f"/v1/leads/{lead}/convert", {}),
        (f"/v1/journeys/{deal}/assign-owner", {}),
    ]
    for path, body in asked:
        for nobody in ({"source": "crm", "key": "strnager"}, str(uuid4())):
            team["own"].post(path, {**body, "owner": nobody}).refused(403, "forbidden", "owner", "roster")
        team["own"].post(path, {**body, "owner": {"source": "crm", "key": "stranger"}}).done()
    team["manager"].post("/v1/reps/stranger/leave").done()
    gone = {"owner": {"source": "crm", "key": "stranger"}}
    team["own"].post(f"/v1/journeys/{opened(team['own'], 'deal')}/assign-owner", gone).refused(403, "forbidden")


def test_a_rep_is_named_by_the_key_that_answers_show(team: dict[str, Client]) -> None:
    manager = team["manager"]
    shown = manager.get("/v1/reps").answer["reps"][0]
    for name in (shown["key"], f"{shown['source']}:{shown['key']}", shown["person_id"]):
        assert manager.get(f"/v1/reps/{name}").answer == shown
    manager.post("/v1/reps/own/move", {"team": "south"}).done()
    assert manager.get("/v1/reps/own").answer["memberships"][-1]["team"] == "south"
    manager.post("/v1/reps", {"rep": {"source": "hr", "key": "own"}, "team": "north"}).done()
    manager.get("/v1/reps/own").refused(422, "invalid", "crm:own", "hr:own")
    manager.post("/v1/reps/own/move", {"team": "south"}).refused(409, "rejected", "crm:own", "hr:own")
    manager.get("/v1/reps/crm:own").done()
