"""Webhooks over HTTP: the same changes as on the command line, each safe to repeat by its Idempotency-Key."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import Path, Query, Request, Response

from engine.errors import Conflict
from engine.log.application import Log
from engine.values import Value
from service.auth import OPERATORS, WHOLE, caller_of
from service.background import Background
from service.http_errors import key_reused
from service.notices import parked, webhooks
from service.notices.changes import Change, new_change
from service.notices.trying import try_out
from service.routes.commands import IdempotencyKey
from service.routes.routing import Routes, running_of
from service.routes.tags import BEGUN, REPLAYED, told
from service.routes.webhook_bodies import (
    Kept,
    NewWebhook,
    Nothing,
    ParkedNotices,
    ParkedQuestion,
    Pause,
    Removed,
    Replay,
    Retry,
    Rotate,
    Tried,
    Webhooks,
    WithSecret,
)

ONE = "/v1/webhooks/{webhook}"
Id = Annotated[UUID, Path(description="Its id")]
NOTHING, ROTATE, RETRY = Nothing(), Rotate(), Retry()
"""of requests without a body"""


def add_webhooks(routes: Routes) -> None:
    for method, path, endpoint, name, summary, answers, status in (
        ("GET", "/v1/webhooks", list_endpoint, "list_webhooks", "All webhooks, and how they are doing", Webhooks, 200),
        ("GET", ONE, one_endpoint, "get_webhook", "One webhook", Kept, 200),
        ("GET", f"{ONE}/parked", parked_endpoint, "list_parked", "Notices that were given up", ParkedNotices, 200),
        ("POST", "/v1/webhooks", add_endpoint, "add_webhook", "Tell somebody of events", WithSecret, 201),
        ("POST", f"{ONE}/rotate", rotate_endpoint, "rotate_webhook", "A new secret", WithSecret, 200),
        ("POST", f"{ONE}/pause", pause_endpoint, "pause_webhook", "Send nothing until it is resumed", Kept, 200),
        ("POST", f"{ONE}/resume", resume_endpoint, "resume_webhook", "Go on where it was", Kept, 200),
        ("POST", f"{ONE}/retry", retry_endpoint, "retry_parked", "Try again what was given up", Kept, 200),
        ("POST", f"{ONE}/replay", replay_endpoint, "replay_webhook", "Send again from a position on", Kept, 200),
        ("POST", f"{ONE}/test", try_endpoint, "test_webhook", "One test delivery, at once", Tried, 200),
        ("DELETE", ONE, remove_endpoint, "remove_webhook", "With all it had still to be told", Removed, 200),
    ):
        routes.add(
            method,
            path,
            endpoint,
            name=name,
            summary=summary,
            tag="webhooks",
            allow=WHOLE if method == "GET" else OPERATORS,
            refusals=refusals_of(method, path),
            answers=answers,
            status=status,
            queries=name == "list_parked",
            headers=headers_of(method, name, status),
        )


def refusals_of(method: str, path: str) -> tuple[str, ...]:
    missing = ("not-found",) if "{" in path else ()
    if method != "POST":
        return missing
    return (*missing, "idempotency-key-missing", "rejected", "changed", "too-large", "not-json", "too-slow")


def headers_of(method: str, name: str, status: int) -> dict[str, Any]:
    replayed = REPLAYED if method == "POST" and name != "test_webhook" else {}
    return replayed | (BEGUN if status == 201 else {})


async def list_endpoint(request: Request) -> Response:
    running = running_of(request)

    def work() -> Response:
        found = [Kept.model_validate(each) for each in webhooks.every(running.log)]
        return told(Webhooks(webhooks=found, position=running.log.position()))

    return await running.reading.run(work)


async def one_endpoint(request: Request, webhook: Id) -> Response:
    running = running_of(request)
    return await running.reading.run(lambda: told(Kept.model_validate(webhooks.get(running.log, webhook))))


async def parked_endpoint(request: Request, webhook: Id, question: Annotated[ParkedQuestion, Query()]) -> Response:
    running = running_of(request)

    def work() -> Response:
        listed = parked.parked(running.log, webhook, after=question.after, limit=question.limit)
        more = listed[-1].position if len(listed) == question.limit else None
        return told(ParkedNotices(parked=listed, next=more))

    return await running.reading.run(work)


async def add_endpoint(request: Request, body: NewWebhook, idempotency_key: IdempotencyKey) -> Response:
    background: Background = request.app.state.background

    def work(log: Log, change: Change) -> Kept:
        inside = background.sending.poster.inside
        made, secret = webhooks.add(log, change, body.url, body.wanted, after=body.after, inside=inside)
        return WithSecret.model_validate({**vars(Kept.model_validate(made)), "secret": secret})

    return await changed(request, body, idempotency_key, work, begins=True)


async def rotate_endpoint(
    request: Request, webhook: Id, idempotency_key: IdempotencyKey, body: Rotate = ROTATE
) -> Response:
    def work(log: Log, change: Change) -> Kept:
        found, secret = webhooks.rotate(log, change, webhook, hours=body.hours)
        return WithSecret.model_validate({**vars(Kept.model_validate(found)), "secret": secret})

    return await changed(request, body, idempotency_key, work)


async def pause_endpoint(request: Request, webhook: Id, body: Pause, idempotency_key: IdempotencyKey) -> Response:
    return await changed(
        request, body, idempotency_key, lambda log, change: kept(webhooks.pause(log, change, webhook, body.reason))
    )


async def resume_endpoint(
    request: Request, webhook: Id, idempotency_key: IdempotencyKey, body: Nothing = NOTHING
) -> Response:
    return await changed(
        request, body, idempotency_key, lambda log, change: kept(webhooks.resume(log, change, webhook))
    )


async def retry_endpoint(
    request: Request, webhook: Id, idempotency_key: IdempotencyKey, body: Retry = RETRY
) -> Response:
    return await changed(
        request, body, idempotency_key, lambda log, change: kept(parked.retry(log, change, webhook, body.position))
    )


async def replay_endpoint(request: Request, webhook: Id, body: Replay, idempotency_key: IdempotencyKey) -> Response:
    return await changed(
        request, body, idempotency_key, lambda log, change: kept(parked.replay(log, change, webhook, body.after))
    )


async def try_endpoint(
    request: Request,
    webhook: Id,
    idempotency_key: IdempotencyKey,  # noqa: ARG001 (every POST has both)
    body: Nothing = NOTHING,  # noqa: ARG001
) -> Response:
    background: Background = request.app.state.background
    answer = await try_out(running_of(request).log, background.sending.poster, webhook)
    return told(Tried(accepted=answer.accepted, status=answer.status, problem=answer.problem, seconds=answer.seconds))


async def remove_endpoint(request: Request, webhook: Id) -> Response:
    running, caller = running_of(request), caller_of(request)

    def work() -> Response:
        webhooks.remove(running.log, new_change(caller.person_id), webhook)
        return told(Removed(webhook_id=webhook))

    return await running.changing.run(work)


def kept(webhook: webhooks.Webhook) -> Kept:
    return Kept.model_validate(webhook)


async def changed(
    request: Request, body: Value, key: str, work: Callable[[Log, Change], Kept], *, begins: bool = False
) -> Response:
    """One change, the same for every retry of it."""
    running, caller = running_of(request), caller_of(request)
    asked = f"{request.method} {request.url.path} {body.model_dump_json()}"
    change = Change(caller.person_id, uuid5(caller.person_id, key), asked)

    def done() -> Response:
        repeated = running.log.command(change.command_id) is not None
        try:
            webhook = work(running.log, change)
        except Conflict as error:
            if running.log.command(change.command_id) is None:
                raise
            raise key_reused() from error
        answer = told(webhook)
        if begins:
            answer.status_code = 201
            answer.headers["Location"] = f"{request.url.path}/{webhook.webhook_id}"
        if repeated:
            answer.headers["Idempotent-Replayed"] = "true"
        return answer

    return await running.changing.run(done)
