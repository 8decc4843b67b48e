"""Who may do what: every route and every role, one by one; nothing is open that is not said to be."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import text
from starlette.routing import BaseRoute, Match, Mount, Route

from engine.log import schema
from service.app import create_app
from service.auth import TRUSTED_SECONDS
from service.keys import ROLES, Role, create_key, owner_of_key, revoke_key
from service.routes import route as routed
from tests.service.http.conftest import publish
from tests.service.http.server import Client, Service, serving

OPEN = {"/livez", "/readyz", "/docs", "/openapi.json"}
"""what anybody may ask for; none of it tells of the business"""
ALL = set(ROLES)
SELLING = {"rep", "manager", "ops", "admin"}


def expected(method: str, path: str) -> set[str]:
    """The rules in other words than the program's."""
    if path.startswith("/v1/webhooks") and method != "GET":
        return {"ops", "admin"}
    if method == "DELETE":
        return {"admin"}
    if path == "/metrics" or path.startswith("/v1/webhooks"):
        return ALL - {"rep"}
    if path.startswith("/v1/people"):
        return ALL - {"rep"} if method == "GET" else SELLING - {"rep"}
    if method == "POST":
        return {"manager", "admin"} if path.startswith(("/v1/pipelines", "/v1/reps", "/v1/targets")) else SELLING
    if path in ("/v1/events", "/v1/stream", "/v1/policies/due"):
        return ALL - {"rep"}
    return ALL


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    url = f"sqlite:///{tmp_path_factory.mktemp('access') / 'log.db'}"
    schema.init(url)
    made = create_app(url)
    yield made
    made.state.running.close()


def every_route(app: FastAPI) -> list[tuple[str, str]]:
    found = []
    for route in flat(app.routes):
        if isinstance(route, Mount):
            assert route.path == "/docs/assets"
            continue
        assert isinstance(route, Route), route
        found += [(method, route.path) for method in sorted((route.methods or set()) - {"HEAD"})]
    return found


def flat(routes: list[BaseRoute]) -> Iterator[BaseRoute]:
    for route in routes:
        inner: Any = getattr(route, "original_router", None)
        if inner is not None:
            yield from flat(inner.routes)
        else:
            yield route


def test_every_route_says_who_may_use_it(app: FastAPI) -> None:
    routes = every_route(app)
    assert len(routes) > 50
    for method, path in routes:
        allowed = app.state.access.get((method, path))
        if path in OPEN:
            assert allowed is None, path
        else:
            assert allowed is not None, f"{method} {path} is open to everybody"
            assert set(allowed) == expected(method, path), f"{method} {path}"


def test_looking_at_both_ends_of_an_address_first_leaves_out_no_route(app: FastAPI) -> None:
    routes = [route for route in app.routes if isinstance(route, routed.Route)]
    assert len(routes) > 100
    addresses = {route.path for route in routes}
    addresses |= {f"{each}/" for each in addresses} | {f"/x{each}" for each in addresses} | {"", "/", "/v1/", "*"}
    found = 0
    for address in addresses:
        for route in routes:
            scope = {"type": "http", "method": "GET", "path": address, "root_path": ""}
            told = route.matches(dict(scope))
            assert told == APIRoute.matches(route, dict(scope)), (address, route.path)
            found += told[0] is not Match.NONE
    assert found >= len(routes)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    url = f"sqlite:///{tmp_path_factory.mktemp('walked') / 'log.db'}"
    schema.init(url)
    publish(url)
    with serving(url) as running:
        yield running


@pytest.mark.parametrize("role", ROLES)
def test_every_route_lets_in_and_keeps_out(role: Role, walked: Service, app: FastAPI) -> None:
    client = walked.client(role)
    for method, path in every_route(app):
        if path in OPEN:
            continue
        address = path.replace("{pipeline}", "loans")
        # A stream that is let in does not end by itself.
        address = (
            address.replace("/v1/stream", "/v1/stream?after=x")
            .replace("{rep}", "crm:x")
            .replace("{", "")
            .replace("}", "")
        )
        body, headers = (b"{}", {"Content-Type": "application/json"}) if method == "POST" else (None, {})
        let_in = role in expected(method, path)
        status = client.send(method, address, body, headers).status
        # Let in, it goes on to be answered, or refused for what is asked.
        assert (status in (200, 400, 404, 422)) if let_in else (status == 403), f"{role}: {method} {address} {status}"
        client.with_key(None).send(method, address, body, headers).refused(401, "unauthenticated")


def test_a_wrong_key_is_refused_like_none(walked: Service) -> None:
    client = walked.client("manager")
    assert client.key is not None
    for key in ("x", client.key[:-1], client.key + "x", client.key.upper(), "dt_" + "a" * 5000, ""):
        reply = client.with_key(key).get("/v1/board")
        reply.refused(401, "unauthenticated")
        assert reply.headers["www-authenticate"] == "Bearer"
    client.with_key(None).get("/v1/board", {"Authorization": f"Basic {client.key}"}).refused(401, "unauthenticated")
    client.with_key(None).get(f"/v1/board?api_key={client.key}").refused(401, "unauthenticated")


def test_a_key_that_ended_is_refused(walked: Service) -> None:
    log = walked.running.log
    now = datetime.now(UTC)
    someone = owner_of_key(log, "someone")
    expired, _ = create_key(log, someone, "admin", now=now - timedelta(days=2), expires_at=now - timedelta(seconds=1))
    Client(walked.port, expired).get("/v1/board").refused(401, "unauthenticated", "expired")
    shown, key = create_key(log, someone, "admin", now=now)
    client = Client(walked.port, shown)
    client.get("/v1/board").done()
    revoke_key(log, key.prefix, now)
    from time import sleep

    sleep(TRUSTED_SECONDS)
    client.get("/v1/board").refused(401, "unauthenticated", "revoked")


def test_what_an_auditor_reads_is_recorded_and_nobody_else_s(service: Service) -> None:
    auditor, manager = service.client("auditor"), service.client("manager")
    manager.get("/v1/board").done()
    auditor.get("/v1/board", by="owner").done()
    auditor.get("/v1/journeys/unknown").refused(404, "not-found")
    auditor.post("/v1/deals", {"pipeline": "loans"}).refused(403, "forbidden", "auditor")
    with service.running.log.engine.connect() as connection:
        rows = connection.execute(text("SELECT path, query FROM reads ORDER BY read_at")).all()
    assert [tuple(row) for row in rows] == [("/v1/board", "by=owner"), ("/v1/journeys/unknown", "")]


@pytest.fixture
def team(service: Service) -> dict[str, Client]:
    """Two reps in the north, one in the south, one in no team; and who leads them."""
    manager = service.client("manager")
    people = {"manager": manager}
    for rep, place in (("rep-01", "north"), ("rep-02", "north"), ("rep-03", "south")):
        people[rep] = service.client("rep", f"crm:{rep}")
        manager.post("/v1/reps", {"rep": {"source": "crm", "key": rep}, "team": place}).done()
    people["rep-04"] = service.client("rep", "crm:rep-04")
    return people


def test_what_a_rep_opens_is_the_rep_s_own(team: dict[str, Client]) -> None:
    own = team["rep-01"].post("/v1/leads", {"pipeline": "loans"}).answer["stream_id"]
    assert team["rep-01"].get(f"/v1/leads/{own}").answer["state"]["owner"]["key"] == "rep-01"
    of_another = {"pipeline": "loans", "owner": {"source": "crm", "key": "rep-02"}}
    team["rep-01"].post("/v1/leads", of_another).refused(403, "forbidden", "owner")
    named = {"pipeline": "loans", "owner": {"source": "crm", "key": "rep-01"}}
    team["rep-01"].post("/v1/deals", named).done()


def test_a_rep_reads_the_team_s_journeys_and_writes_the_own(team: dict[str, Client]) -> None:
    deal = team["rep-01"].post("/v1/deals", {"pipeline": "loans"}).answer["stream_id"]
    call = {"kind": "call"}
    team["rep-01"].post(f"/v1/journeys/{deal}/touch", call).done()
    team["rep-02"].get(f"/v1/journeys/{deal}/history").done()
    team["rep-02"].post(f"/v1/journeys/{deal}/touch", call).refused(403, "forbidden", "another rep's")
    for stranger in ("rep-03", "rep-04"):
        unknown = team[stranger].get(f"/v1/journeys/{uuid4()}").status
        for reply in (
            team[stranger].get(f"/v1/journeys/{deal}"),
            team[stranger].get(f"/v1/deals/{deal}"),
            team[stranger].get(f"/v1/journeys/{deal}/history"),
            team[stranger].post(f"/v1/journeys/{deal}/touch", call),
        ):
            reply.refused(404, "not-found")
            assert reply.status == unknown
    team["manager"].post(f"/v1/journeys/{deal}/touch", call).done()
    assert team["rep-01"].get(f"/v1/deals/{deal}").answer["state"]["touches"] == 2


def test_a_rep_who_left_the_roster_may_do_nothing(team: dict[str, Client], app: FastAPI) -> None:
    deal = team["rep-01"].post("/v1/deals", {"pipeline": "loans"}).answer["stream_id"]
    team["manager"].post("/v1/reps/crm:rep-01/leave").done()
    for method, path in every_route(app):
        if path not in OPEN and "rep" in expected(method, path):
            address = path.replace("{journey}", deal).replace("{deal}", deal).replace("{", "").replace("}", "")
            body, headers = (b"{}", {"Content-Type": "application/json"}) if method == "POST" else (None, None)
            reply = team["rep-01"].send(method, address, body, headers)
            reply.refused(403, "forbidden", "you have left the roster: ask a manager")
    team["rep-02"].post(f"/v1/journeys/{deal}/touch", {"kind": "call"}).refused(404, "not-found")
    team["manager"].post("/v1/reps", {"rep": {"source": "crm", "key": "rep-01"}, "team": "north"}).done()
    team["rep-01"].post(f"/v1/journeys/{deal}/touch", {"kind": "call"}).done()


def test_who_is_asked_ends_the_follow_up_on_another_s_journey(team: dict[str, Client]) -> None:
    deal = team["rep-01"].post("/v1/deals", {"pipeline": "loans"}).answer["stream_id"]
    step, own = str(uuid4()), str(uuid4())
    plan = {"kind": "call", "due_at": "2099-01-01T00:00:00Z"}
    for rep in ("rep-02", "rep-03"):
        of_rep = plan | {"follow_up_id": step if rep == "rep-02" else own, "owner": {"source": "crm", "key": rep}}
        team["rep-01"].post(f"/v1/journeys/{deal}/schedule-follow-up", of_rep).done()
    later = {"until": "2099-02-01T00:00:00Z", "reason": "on leave"}
    team["rep-02"].post(f"/v1/journeys/{deal}/snooze-follow-up", later | {"follow_up_id": step}).done()
    team["rep-02"].post(f"/v1/journeys/{deal}/complete-follow-up", {"follow_up_id": step, "outcome": "reached"}).done()
    done = {"follow_up_id": own, "outcome": "reached"}
    team["rep-02"].post(f"/v1/journeys/{deal}/complete-follow-up", done).refused(403, "forbidden", "another rep's")
    team["rep-04"].post(f"/v1/journeys/{deal}/complete-follow-up", done).refused(404, "not-found")
    team["rep-03"].post(f"/v1/journeys/{deal}/complete-follow-up", done).done()


def test_a_rep_cannot_tell_another_team_s_journey_from_none(team: dict[str, Client]) -> None:
    record = {"source": "crm", "key": "K-1"}
    deal = team["rep-03"].post("/v1/deals", {"pipeline": "loans", "record": record}).answer["stream_id"]
    for there, missing in (("K-1", "K-2"), ("crm:K-1", "crm:K-2"), (deal, str(uuid4()))):
        for path, body in (
            ("/v1/journeys/NAME", None),
            ("/v1/journeys/NAME/history", None),
            ("/v1/journeys/NAME/touch", {"kind": "call"}),
            ("/v1/deals/NAME/win", {"evidence": "signed"}),
        ):
            replies = [
                team["rep-01"].get(path.replace("NAME", name))
                if body is None
                else team["rep-01"].post(path.replace("NAME", name), body)
                for name in (there, missing)
            ]
            hidden, none = (reply.refused(404, "not-found") for reply in replies)
            assert hidden["detail"].replace(there, "NAME") == none["detail"].replace(missing, "NAME")
            assert deal == there or deal not in hidden["detail"]


def test_a_rep_s_answers_are_about_the_team(team: dict[str, Client]) -> None:
    for rep in ("rep-01", "rep-02", "rep-03", "rep-04"):
        team[rep].post("/v1/deals", {"pipeline": "loans"}).done()
    for answer in ("board", "conversion", "stalled"):
        counts = {name: client.get(f"/v1/{answer}").answer["n"] for name, client in team.items()}
        assert counts == {"manager": 4, "rep-01": 2, "rep-02": 2, "rep-03": 1, "rep-04": 1}
    groups = team["rep-01"].get("/v1/board", by="owner").answer["groups"]
    assert [group["key"] for group in groups] == ["rep-01", "rep-02"]
    team["rep-01"].get("/v1/board", team="north").done()
    team["rep-01"].get("/v1/board", team="south").refused(403, "forbidden", "north")
    assert team["rep-01"].get("/v1/board", owner="rep-02").answer["n"] == 1
    team["rep-04"].get("/v1/board", owner="crm:rep-01").refused(403, "forbidden", "owner")


def test_refusals_tell_a_rep_nothing_of_other_teams(team: dict[str, Client]) -> None:
    manager = team["manager"]
    own_of = {"rep-01": ("north", "first", "size"), "rep-03": ("south", "second", "colour")}
    for rep, (place, region, attribute) in own_of.items():
        moved = {"team": place, "region": region, "manager": {"source": "crm", "key": f"leads-{place}"}}
        manager.post(f"/v1/reps/{rep}/move", moved).done()
        told = {"attributes": [{"name": attribute, "value": place}], "source": f"{place} fair"}
        team[rep].post("/v1/deals", {"pipeline": "loans", **told}).done()
    rep = team["rep-01"]
    asked = [
        ("/v1/board?owner={}", "crm:rep-03", "rep-98"),
        ("/v1/board?owner={}", "the-manager", "rep-98"),
        ("/v1/follow-ups?owner={}", "rep-04", "rep-98"),
        ("/v1/board?manager={}", "leads-south", "rep-98"),
        ("/v1/conversion?region={}", "second", "nowhere"),
        ("/v1/board?attr={}=1", "colour", "nothing"),
        ("/v1/board?attr=size={}", "south", "nothing"),
        ("/v1/board?source={}+fair", "south", "nothing"),
        ("/v1/win-rate?by=attr:{}", "colour", "nothing"),
        ("/v1/pipelines/loans/compare?attr={}=1", "colour", "nothing"),
    ]
    for path, hidden, missing in asked:
        told = [rep.get(path.format(name)).refused(422, "invalid", name)["detail"] for name in (hidden, missing)]
        assert told[0].replace(hidden, "NAME") == told[1].replace(missing, "NAME")
        for others in ("south", "second", "colour", "rep-03"):
            assert others not in told[1]
    told = [rep.get(f"/v1/reps/{name}").refused(404, "not-found", name)["detail"] for name in ("rep-03", "rep-99")]
    assert told[0].replace("rep-03", "NAME") == told[1].replace("rep-99", "NAME")
    rep.get("/v1/board?attr=x=1").refused(422, "invalid", "known are size")
    rep.get("/v1/board?source=x").refused(422, "invalid", "known are north fair")
    rep.get("/v1/board?region=x").refused(422, "invalid", "known are first")
    for own in (
        "owner=rep-01",
        "owner=crm:rep-02",
        "manager=leads-north",
        "region=first",
        "attr=size=north",
        "source=north+fair",
        "by=attr:size",
    ):
        rep.get(f"/v1/board?{own}").done()
    assert rep.get("/v1/board?owner=rep-01&attr=size=north&region=first&manager=leads-north").answer["n"] == 1
    rep.get("/v1/board?as_of=2026-02-01").refused(422, "invalid", "'north' had nobody yet")
    team["rep-04"].get("/v1/board?attr=size=1").refused(422, "invalid", "known are none")
    assert manager.get("/v1/board?owner=rep-04").answer["n"] == 0


def test_one_rep_s_answer_is_not_taken_for_another_s(team: dict[str, Client]) -> None:
    team["rep-03"].post("/v1/deals", {"pipeline": "loans"}).done()
    seen = team["rep-03"].get("/v1/board", as_of="2100-01-01")
    other = team["rep-01"].get("/v1/board", {"If-None-Match": seen.etag}, as_of="2100-01-01")
    assert other.status == 200
    assert other.answer["n"] == 0


def test_a_journey_that_is_handed_over_changes_hands(team: dict[str, Client]) -> None:
    deal = team["rep-01"].post("/v1/deals", {"pipeline": "loans"}).answer["stream_id"]
    hand_over = {"owner": {"source": "crm", "key": "rep-03"}}
    first = team["rep-01"].post(f"/v1/journeys/{deal}/assign-owner", hand_over, idempotency_key="mine")
    first.done()
    team["rep-01"].post(f"/v1/journeys/{deal}/touch", {"kind": "call"}).refused(404, "not-found")
    team["rep-03"].post(f"/v1/journeys/{deal}/touch", {"kind": "call"}).done()
    retried = team["rep-01"].post(f"/v1/journeys/{deal}/assign-owner", hand_over, idempotency_key="mine")
    assert retried.answer == first.answer


def test_a_converted_lead_belongs_to_the_deal_s_owner(team: dict[str, Client]) -> None:
    lead = team["rep-01"].post("/v1/leads", {"pipeline": "loans"}).answer["stream_id"]
    team["rep-01"].post(f"/v1/leads/{lead}/convert", {"owner": {"source": "crm", "key": "rep-03"}}).done()
    team["rep-01"].post(f"/v1/journeys/{lead}/touch", {"kind": "call"}).refused(404, "not-found")
    team["rep-03"].post(f"/v1/journeys/{lead}/touch", {"kind": "call"}).done()


def test_a_journey_that_is_void_and_nobody_s_is_no_rep_s(team: dict[str, Client]) -> None:
    captured = team["manager"].post("/v1/leads", {"pipeline": "loans"}).answer
    lead, event = captured["stream_id"], captured["events"][0]["event_id"]
    team["manager"].post(f"/v1/leads/{lead}/convert").done()
    team["manager"].post(f"/v1/journeys/{lead}/retract-entry", {"event_id": event, "reason": "no such lead"}).done()
    team["rep-01"].get(f"/v1/journeys/{lead}").refused(404, "not-found")
    team["rep-01"].post(f"/v1/journeys/{lead}/touch", {"kind": "call"}).refused(404, "not-found")


def test_the_key_of_an_erased_person_is_revoked(service: Service) -> None:
    rep = service.client("rep", "crm:rep-09")
    admin = service.client("admin")
    person = next(each for each in admin.get("/v1/people").answer["people"] if each["key"] == "rep-09")
    admin.send("DELETE", f"/v1/people/{person['person_id']}").done()
    rep.get("/v1/board").refused(401, "unauthenticated")


def test_nothing_is_read_that_could_not_be_recorded(sqlite_url: str, tmp_path: Path) -> None:
    publish(sqlite_url)
    with serving(sqlite_url) as service:
        auditor = service.client("auditor")
        with service.running.log.engine.connect() as connection:
            connection.exec_driver_sql("DROP TABLE reads")
        auditor.get("/v1/board").refused(503, "unreachable")
