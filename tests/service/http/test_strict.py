"""JSON is taken as it is written: "5" is no number, 1 is not true, true is not 1; a moment is text, and has a zone."""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import uuid4

import pytest
from pydantic import BaseModel, Strict

from engine.log import schema
from service.routes.bodies import body_of
from service.routes.table import GIVEN
from service.routes.webhook_bodies import NewWebhook, Pause, Replay, Retry, Rotate
from tests.service.http.conftest import publish
from tests.service.http.server import Client, serving


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    url = f"sqlite:///{tmp_path_factory.mktemp('strict') / 'log.db'}"
    schema.init(url)
    publish(url)
    with serving(url) as service:
        yield service.client("manager")


@pytest.fixture(scope="module")
def deal(manager: Client) -> str:
    stream: str = manager.post("/v1/deals", {"pipeline": "loans"}).answer["stream_id"]
    return stream


@pytest.mark.parametrize(
    ("path", "body", "field", "words"),
    [
        ("deals/DEAL/record-satisfaction", {"score": "5"}, "body.score", "whole number"),
        ("deals/DEAL/record-satisfaction", {"score": True}, "body.score", "whole number"),
        ("deals/DEAL/record-satisfaction", {"score": 5.5}, "body.score", "whole number"),
        ("journeys/DEAL/touch", {"kind": "call", "automated": 1}, "body.automated", "true or false"),
        ("journeys/DEAL/touch", {"kind": "call", "automated": "true"}, "body.automated", "true or false"),
        (
            "deals/DEAL/change-expected-close",
            {"expected_close": "2026-03-01T00:00:00Z"},
            "body.expected_close",
            "a day",
        ),
        (
            "deals/DEAL/change-value",
            {"value": {"amount_minor": "500", "currency": "EUR"}},
            "body.value.amount_minor",
            "whole number",
        ),
        ("journeys/DEAL/add-note", {"note": 5}, "body.note", "text, in quotes"),
        ("journeys/DEAL/add-note", {"note": "a\0b"}, "body.note", "NUL"),
        ("journeys/DEAL/assign-owner", {"owner": {"source": "c\0", "key": "a"}}, "body.owner.source", "NUL"),
        ("journeys/DEAL/assign-owner", {"owner": 5}, "body.owner", '{"source": "crm"'),
        ("journeys/DEAL/assign-owner", {"owner": None}, "body.owner", '{"source": "crm"'),
        ("journeys/DEAL/assign-owner", {"owner": "rep-03"}, "body.owner", '{"source": "crm"'),
        ("journeys/DEAL/assign-owner", {"owner": {"source": "crm"}}, "body.owner.key", "is missing"),
        ("journeys/DEAL/assign-owner", {"owner": {"source": 1, "key": "a"}}, "body.owner.source", "text, in quotes"),
        ("journeys/DEAL/retract-entry", {"event_id": 5}, "body.event_id", "write an id"),
        (
            "pipelines/loans/preview",
            {"definition": {"pipeline": "\ud800", "stages": [{"key": "a", "kind": "open"}]}},
            "body.definition.pipeline",
            "whole characters",
        ),
        ("journeys/DEAL/touch", {"kind": "call", "occurred_at": 1767603600}, "body.occurred_at", "2026-01-05"),
        ("journeys/DEAL/touch", {"kind": "call", "occurred_at": "1767603600"}, "body.occurred_at", "2026-01-05"),
        ("journeys/DEAL/touch", {"kind": "call", "occurred_at": "2026-01-05T09:00:00"}, "body.occurred_at", "Z"),
        (
            "pipelines/loans/draft",
            {"definition": {"pipeline": "loans", "stages": [{"key": "a", "kind": "open", "probability": "0.5"}]}},
            "body.definition.stages.0.probability",
            "a number",
        ),
        (
            "pipelines/loans/preview",
            {"definition": {"pipeline": "loans", "stages": [{"key": "a", "kind": "open", "probability": "0.5"}]}},
            "body.definition.stages.0.probability",
            "a number",
        ),
    ],
)
def test_what_is_of_another_type_is_refused_by_name(
    path: str, body: dict[str, Any], field: str, words: str, manager: Client, deal: str
) -> None:
    before = manager.get("/v1/events").answer["position"]
    problem = manager.post(f"/v1/{path.replace('DEAL', deal)}", body, if_match="*").refused(422, "invalid")
    assert [each["field"] for each in problem["errors"]] == [field]
    assert words in problem["errors"][0]["problem"]
    assert manager.get("/v1/events").answer["position"] == before


@pytest.mark.parametrize(
    ("path", "content", "field"),
    [
        ("journeys/DEAL/touch", b'{"kind": "call", "kind": "email"}', "body.kind"),
        (
            "deals/DEAL/change-value",
            b'{"value": {"amount_minor": 5, "currency": "EUR", "amount_minor": 6}}',
            "body.amount_minor",
        ),
    ],
)
def test_a_member_that_is_there_twice_is_refused(
    path: str, content: bytes, field: str, manager: Client, deal: str
) -> None:
    sent = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4()), "If-Match": "*"}
    problem = manager.send("POST", f"/v1/{path.replace('DEAL', deal)}", content, sent).refused(422, "invalid")
    told = [(each["field"], each["problem"], each["given"]) for each in problem["errors"]]
    assert told == [(field, "is there twice: send it once", None)]


def test_moments_and_days_are_taken_as_text(manager: Client, deal: str) -> None:
    touch = {"kind": "call", "automated": False, "occurred_at": "2026-02-01T09:00:00+01:00"}
    position = manager.post(f"/v1/journeys/{deal}/touch", touch).answer["position"]
    told = manager.get("/v1/events", after=position - 1).answer["events"][0]
    assert told["occurred_at"] == "2026-02-01T08:00:00Z"
    manager.post(f"/v1/deals/{deal}/change-expected-close", {"expected_close": "2099-01-05"}, if_match="*").done()
    manager.post(f"/v1/deals/{deal}/record-satisfaction", {"score": 5}).done()


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_that_no_year_of_utc_holds_is_refused(moment: str, manager: Client, deal: str) -> None:
    late = manager.post(f"/v1/journeys/{deal}/touch", {"kind": "call", "occurred_at": moment})
    assert late.refused(422, "invalid", "9999")["errors"][0]["field"] == "body.occurred_at"


def test_a_year_that_nobody_means_is_refused(manager: Client, deal: str) -> None:
    dated: dict[str, tuple[str, dict[str, Any]]] = {
        "deals/DEAL/change-expected-close": ("expected_close", {"expected_close": "YEAR-06-01"}),
        "journeys/DEAL/schedule-follow-up": ("due_at", {"kind": "call", "due_at": "YEAR-06-01T09:00:00Z"}),
        "deals/DEAL/send-proposal": ("expires_at", {"options": [], "expires_at": "YEAR-06-01T09:00:00Z"}),
    }
    for path, (field, body) in dated.items():
        for year in ("0001", "1899", "3000", "9999"):
            sent = {**body, field: body[field].replace("YEAR", year)}
            reply = manager.post(f"/v1/{path.replace('DEAL', deal)}", sent, if_match="*")
            problem = reply.refused(422, "invalid", "1900 to 2999")
            assert f"body.{field}" in [each["field"] for each in problem["errors"]]
    for year in ("1900", "2999"):
        change = {"expected_close": f"{year}-06-01"}
        manager.post(f"/v1/deals/{deal}/change-expected-close", change, if_match="*").done()


BODIES = [body_of(given.command, given.path) for given in GIVEN] + [NewWebhook, Pause, Replay, Retry, Rotate]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_no_number_or_flag_of_a_body_is_read_from_something_else(body: type[BaseModel]) -> None:
    assert list(lax(body, set())) == []


def lax(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[str]:
    """The fields, nested ones too, that would take "5" for 5 or 1 for true."""
    if model in seen:
        return
    seen.add(model)
    for name, field in model.model_fields.items():
        for leaf, strict in leaves(field.annotation, any(isinstance(each, Strict) for each in field.metadata)):
            if leaf in (int, float, bool) and not strict:
                yield f"{model.__name__}.{name}"
            elif isinstance(leaf, type) and issubclass(leaf, BaseModel):
                yield from lax(leaf, seen)


def leaves(annotation: Any, strict: bool) -> Iterator[tuple[Any, bool]]:
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        yield from leaves(inner, strict or any(isinstance(each, Strict) for each in metadata))
    elif get_origin(annotation) in (Union, types.UnionType, tuple, list, dict):
        for part in get_args(annotation):
            yield from leaves(part, strict)
    else:
        yield annotation, strict
