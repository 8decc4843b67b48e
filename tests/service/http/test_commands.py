"""Commands over HTTP: all there are, retries, versions, late entries, and the journey that became a deal."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from sqlalchemy import select

from engine.log.tables import reads
from engine.streams import KINDS
from service.routes.table import GIVEN, MACHINES_ONLY
from tests.service.http.server import Client, Service

EUR = {"amount_minor": 5_000_00, "currency": "EUR"}


def opened(client: Client, **more: object) -> str:
    deal: str = client.post("/v1/deals", {"pipeline": "loans", **more}).answer["stream_id"]
    return deal


def events(client: Client) -> list[str]:
    return [event["type"] for event in client.get("/v1/events", after=2, limit=1000).answer["events"]]


def test_every_command_of_the_aggregates_has_one_address() -> None:
    commands = {command for kind in KINDS.values() for command in kind.commands}
    assert {given.command for given in GIVEN} == commands - MACHINES_ONLY
    assert len(GIVEN) == len({given.path for given in GIVEN}) == len({given.name for given in GIVEN})
    assert len(GIVEN) == len(commands - MACHINES_ONLY)


def test_the_answer_says_what_came_of_it(manager: Client) -> None:
    reply = manager.post("/v1/deals", {"pipeline": "loans", "title": "a house"})
    assert reply.status == 201
    told = reply.answer
    assert told["version"] == 1
    assert reply.etag == '"1"'
    assert [(each["type"], each["position"]) for each in told["events"]] == [("deal.opened.v1", told["position"])]
    touched = manager.post(f"/v1/journeys/{told['stream_id']}/touch", {"kind": "call"})
    assert touched.status == 200
    assert touched.answer["position"] == told["position"] + 1
    assert touched.etag == '"2"'


def test_the_actor_is_the_person_of_the_key(service: Service, manager: Client) -> None:
    opened(manager)
    opened(service.client("ops", "an-integrator"))
    actors = [event["actor"] for event in manager.get("/v1/events", after=2).answer["events"]]
    names = {each["person_id"]: each["key"] for each in manager.get("/v1/people").answer["people"]}
    assert [names[actor] for actor in actors] == ["the-manager", "an-integrator"]
    assert {event["origin"] for event in manager.get("/v1/events", after=2).answer["events"]} == {"api"}


def test_a_retry_gets_the_first_answer_and_does_nothing(manager: Client) -> None:
    first = manager.post("/v1/deals", {"pipeline": "loans"}, idempotency_key="one")
    again = manager.post("/v1/deals", {"pipeline": "loans"}, idempotency_key="one")
    assert (again.status, again.json) == (first.status, first.json)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert events(manager) == ["deal.opened.v1"]


def test_eight_retries_at_once_are_one_command(manager: Client) -> None:
    with ThreadPoolExecutor(8) as threads:
        replies = list(
            threads.map(lambda _: manager.post("/v1/deals", {"pipeline": "loans"}, idempotency_key="one"), range(8))
        )
    assert [reply.status for reply in replies] == [201] * 8
    assert len({reply.json["stream_id"] for reply in replies}) == 1
    assert events(manager) == ["deal.opened.v1"]


def test_a_key_for_another_body_is_refused(manager: Client) -> None:
    manager.post("/v1/deals", {"pipeline": "loans"}, idempotency_key="one")
    other = manager.post("/v1/deals", {"pipeline": "loans", "title": "another"}, idempotency_key="one")
    other.refused(422, "idempotency-key-reused", "Idempotency-Key")


def test_the_same_key_of_another_caller_is_another_command(service: Service, manager: Client) -> None:
    one = manager.post("/v1/deals", {"pipeline": "loans"}, idempotency_key="one")
    two = service.client("ops").post("/v1/deals", {"pipeline": "loans"}, idempotency_key="one")
    assert one.answer["stream_id"] != two.answer["stream_id"]
    renewed = service.client("manager").post("/v1/deals", {"pipeline": "loans"}, idempotency_key="one")
    assert renewed.answer == one.answer


def test_a_rejection_is_not_remembered(manager: Client) -> None:
    deal = opened(manager)
    manager.post(f"/v1/deals/{deal}/win", {}, idempotency_key="win").refused(409, "rejected", "evidence")
    won = manager.post(f"/v1/deals/{deal}/win", {"evidence": "signed"}, idempotency_key="win")
    assert won.answer["events"][0]["type"] == "deal.won.v1"
    retried = manager.post(f"/v1/deals/{deal}/win", {"evidence": "signed"}, idempotency_key="win")
    assert retried.answer == won.answer


def test_a_command_that_has_nothing_to_do_is_accepted(manager: Client) -> None:
    deal = opened(manager, value=EUR)
    same = manager.post(f"/v1/deals/{deal}/change-value", {"value": EUR}, if_match="*")
    assert same.answer["events"] == []
    assert same.answer["version"] == 1


def test_a_version_that_somebody_changed_is_refused(manager: Client) -> None:
    deal = opened(manager)
    seen = manager.get(f"/v1/deals/{deal}").etag
    manager.post(f"/v1/journeys/{deal}/touch", {"kind": "call"}, if_match=seen).done()
    stale = manager.post(f"/v1/deals/{deal}/change-value", {"value": EUR}, if_match=seen)
    stale.refused(412, "changed", "version 2", "you saw 1")
    fresh = manager.get(f"/v1/deals/{deal}").etag
    assert manager.post(f"/v1/deals/{deal}/change-value", {"value": EUR}, if_match=fresh).etag == '"3"'


def test_what_replaces_something_whole_needs_the_version_seen(manager: Client) -> None:
    deal = opened(manager)
    manager.post(f"/v1/deals/{deal}/change-value", {"value": EUR}).refused(428, "version-needed", "If-Match")
    manager.post(f"/v1/deals/{deal}/change-value", {"value": EUR}, if_match="*").done()
    for wrong in ("1", 'W/"1"', '"one"', '"1", "2"'):
        manager.post(f"/v1/deals/{deal}/change-value", {"value": EUR}, if_match=wrong).refused(
            422, "invalid", "If-Match"
        )


def test_what_a_command_began_is_found_where_its_answer_says(manager: Client) -> None:
    manager.post("/v1/pipelines", {"pipeline": "cars", "name": "Cars"}, idempotency_key="p").done()
    first = {"key": "contact", "kind": "open"}
    stages = {"pipeline": "cars", "stages": [first, {"key": "won", "kind": "won", "enter": {"event": "DealWon"}}]}
    manager.post("/v1/pipelines/cars/publish", {"definition": stages, "reason": "first"}, if_match="*").done()
    rep = {"source": "crm", "key": "rep-01"}
    for path, body in (
        ("/v1/pipelines", {"pipeline": "cars", "name": "Cars"}),
        ("/v1/leads", {"pipeline": "cars"}),
        ("/v1/deals", {"pipeline": "cars"}),
        ("/v1/reps", {"rep": rep, "team": "north"}),
    ):
        for _ in range(2):
            begun = manager.post(path, body, idempotency_key=path[4])
            assert begun.status == 201, begun.content
            place = begun.headers["location"]
            assert place.startswith(f"{path}/")
            assert manager.get(place).status == 200
            shown = manager.get(place).answer
            if "version" in shown and path != "/v1/pipelines":
                assert begun.answer["stream_id"] in (shown["lead"], shown["deal"])
    deal = opened(manager)
    assert "location" not in manager.post(f"/v1/journeys/{deal}/touch", {"kind": "call"}).headers


def test_a_command_that_needs_no_field_needs_no_body(manager: Client) -> None:
    lead = manager.post("/v1/leads", {"pipeline": "loans"}).answer["stream_id"]
    manager.post("/v1/reps", {"rep": {"source": "crm", "key": "rep-01"}, "team": "north"}).done()
    for path in (f"/v1/leads/{lead}/qualify", "/v1/reps/rep-01/leave"):
        for content in (None, b""):
            manager.send("POST", path, content, {"Idempotency-Key": path}).done()
        assert manager.post(path, {}, idempotency_key=path).headers["idempotent-replayed"] == "true"
    missing = manager.send("POST", f"/v1/journeys/{lead}/touch", None, {"Idempotency-Key": "t"}).refused(422, "invalid")
    assert [each["field"] for each in missing["errors"]] == ["body.kind"]


def test_of_two_who_saw_the_same_one_is_first(manager: Client) -> None:
    deal = opened(manager)
    values = [{"amount_minor": amount, "currency": "EUR"} for amount in range(1, 9)]
    with ThreadPoolExecutor(8) as threads:
        replies = list(
            threads.map(
                lambda value: manager.post(f"/v1/deals/{deal}/change-value", {"value": value}, if_match='"1"'), values
            )
        )
    assert sorted(reply.status for reply in replies) == [200] + [412] * 7


def test_a_journey_takes_commands_before_and_after_it_became_a_deal(manager: Client) -> None:
    lead = manager.post("/v1/leads", {"pipeline": "loans", "title": "a car"}).answer["stream_id"]
    early = manager.post(f"/v1/journeys/{lead}/touch", {"kind": "call"}, idempotency_key="early").answer
    assert early["stream_id"] == lead
    manager.post(f"/v1/leads/{lead}/qualify").done()
    deal = manager.post(f"/v1/leads/{lead}/convert").answer["stream_id"]
    assert deal != lead
    late = manager.post(f"/v1/journeys/{lead}/touch", {"kind": "demo"}, idempotency_key="late").answer
    assert late["stream_id"] == deal
    assert manager.post(f"/v1/deals/{lead}/win", {"evidence": "signed"}).answer["stream_id"] == deal
    # Retries find their first answers, wherever they went.
    assert manager.post(f"/v1/journeys/{lead}/touch", {"kind": "call"}, idempotency_key="early").answer == early
    assert manager.post(f"/v1/journeys/{lead}/touch", {"kind": "demo"}, idempotency_key="late").answer == late
    standing = manager.get(f"/v1/journeys/{deal}").answer
    assert (standing["journey"], standing["lead"], standing["deal"]) == (lead, lead, deal)
    assert standing["state"]["stage"] == "won"
    assert standing["state"]["touches"] == 2
    assert standing["version"] == 3


def test_a_journey_is_found_by_its_key_in_the_source_system(manager: Client) -> None:
    for name in ("A-17", str(uuid4())):
        deal = opened(manager, record={"source": "crm", "key": name})
        assert manager.post(f"/v1/journeys/{name}/touch", {"kind": "call"}).answer["stream_id"] == deal
        assert manager.get(f"/v1/journeys/crm:{name}").answer["key"] == name
    manager.post(f"/v1/journeys/{uuid4()}/touch", {"kind": "call"}).refused(404, "not-found")
    manager.post("/v1/journeys/A-18/touch", {"kind": "call"}).refused(404, "not-found", "A-18")


def test_a_late_entry_takes_its_place_in_time(manager: Client) -> None:
    deal = opened(manager, occurred_at="2026-02-01T09:00:00Z")
    manager.post(f"/v1/journeys/{deal}/touch", {"kind": "call", "occurred_at": "2026-02-03T10:00:00+01:00"}).done()
    told = manager.get(f"/v1/journeys/{deal}/history").answer["events"]
    assert [event["occurred_at"] for event in told] == ["2026-02-01T09:00:00Z", "2026-02-03T09:00:00Z"]
    for moment, words in (("2126-01-01T00:00:00Z", "future"), ("2026-02-03T10:00:00", "time zone")):
        kind = "rejected" if words == "future" else "invalid"
        status = 409 if words == "future" else 422
        manager.post(f"/v1/journeys/{deal}/touch", {"kind": "call", "occurred_at": moment}).refused(status, kind, words)


def test_a_wrong_body_is_refused_field_by_field(manager: Client) -> None:
    deal = opened(manager)
    reply = manager.post(f"/v1/journeys/{deal}/touch", {"kind": "telepathy", "colour": "red"})
    problem = reply.refused(422, "invalid", "body.kind", "body.colour")
    given = {each["field"]: each["given"] for each in problem["errors"]}
    assert given == {"body.kind": '"telepathy"', "body.colour": '"red"'}
    money = {"value": {"amount_minor": 1, "currency": "EURO"}}
    manager.post(f"/v1/deals/{deal}/change-value", money, if_match="*").refused(422, "invalid", "currency")
    assert events(manager) == ["deal.opened.v1"]


def test_stages_are_drafted_and_published_by_version(manager: Client) -> None:
    stages = {
        "pipeline": "loans",
        "stages": [{"key": "contact", "kind": "open"}, {"key": "done", "kind": "won", "enter": {"event": "DealWon"}}],
    }
    seen = manager.get("/v1/pipelines/loans").etag
    publish = {"definition": stages, "reason": "simpler"}
    manager.post("/v1/pipelines/loans/publish", publish).refused(428, "version-needed")
    manager.post("/v1/pipelines/loans/draft", {"definition": stages}).done()
    manager.post("/v1/pipelines/loans/publish", publish, if_match=seen).refused(412, "changed")
    seen = manager.get("/v1/pipelines/loans").etag
    manager.post("/v1/pipelines/loans/publish", publish, if_match=seen).done()
    shown = manager.get("/v1/pipelines/loans").answer
    assert (shown["version"], shown["stages"]) == (2, ["contact", "done"])
    assert manager.get("/v1/pipelines/loans", definition=1).answer["stages"][1] == "qualified"
    assert [each["version"] for each in shown["versions"]] == [1, 2]
    manager.post("/v1/pipelines/Loans!/publish", publish, if_match="*").refused(422, "invalid", "pipeline")
    for version in ("*", '"3"'):
        tea = manager.post("/v1/pipelines/tea/publish", {**publish}, if_match=version)
        tea.refused(404, "not-found", "no pipeline 'tea'", "create it first")
    manager.post("/v1/deals", {"pipeline": "tea"}).refused(409, "rejected", "'tea'")


def test_the_roster_is_kept(manager: Client) -> None:
    rep = {"source": "crm", "key": "rep-01"}
    manager.post("/v1/reps", {"rep": rep, "team": "north"}).done()
    moved = manager.post("/v1/reps/crm:rep-01/move", {"team": "south", "region": "Iberia"}).answer
    assert moved["events"][0]["type"] == "roster.rep_moved.v1"
    manager.post("/v1/reps/crm:rep-01/leave").done()
    manager.post("/v1/reps/crm:rep-99/leave").refused(404, "not-found", "rep-99")


def test_an_erased_person_is_nowhere_and_no_number_changes(service: Service, manager: Client) -> None:
    customer = {"source": "crm", "key": "C-1", "name": "a name to forget"}
    deal = opened(manager, person=customer, title="a title to forget", value=EUR)
    # As of one moment: ages go on by the minute.
    board = manager.get("/v1/board", as_of="2100-01-01")
    person = next(each for each in manager.get("/v1/people").answer["people"] if each["name"])["person_id"]
    admin = service.client("admin")
    assert admin.send("DELETE", f"/v1/people/{person}").answer["rows"] == 2
    admin.send("DELETE", f"/v1/people/{person}").refused(404, "not-found")
    after = manager.get("/v1/board", {"If-None-Match": board.etag}, as_of="2100-01-01")
    assert after.status == 200
    assert after.answer["stages"] == board.answer["stages"]
    for path in ("/v1/board", f"/v1/journeys/{deal}/history", "/v1/people"):
        assert b"to forget" not in manager.get(path).content


def test_a_name_with_a_slash_stands_in_an_address_as_percent_2f(service: Service, manager: Client) -> None:
    record = {"source": "crm", "key": "2026/17 a%2Fb"}
    person = {"source": "crm", "key": "C/1"}
    lead = manager.post("/v1/leads", {"pipeline": "loans", "record": record, "person": person}).answer["stream_id"]
    for named in ("crm:2026%2F17%20a%252Fb", "2026%2f17%20a%252Fb"):
        assert manager.get(f"/v1/leads/{named}").answer["journey"] == lead
        assert manager.get(f"/v1/journeys/{named}/history").answer["journey"] == lead
        assert manager.post(f"/v1/journeys/{named}/touch", {"kind": "call"}).answer["stream_id"] == lead
    assert manager.get("/v1/people/crm:C%2F1").answer["key"] == "C/1"
    manager.get("/v1/leads/2026%2F18").refused(404, "not-found", "2026/18")
    # A slash that is written as one parts the address still; what stands in for the other can't be sent.
    manager.get("/v1/leads/2026/17%20a%252Fb").refused(404, "not-found", "nothing at this address")
    manager.get("/v1/leads/2026%EF%B7%9017").refused(400, "malformed", "U+FDD0")
    service.client("auditor").get("/v1/people/crm:C%2F1").done()
    with service.running.log.engine.connect() as connection:
        [path] = connection.execute(select(reads.c.path)).scalars()
    assert path == "/v1/people/crm:C%2F1"
