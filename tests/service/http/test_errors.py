"""Refusals over HTTP: always a problem that says what would be right, and the service goes on unharmed."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from gzip import compress

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from engine.aggregates.inputs import PersonRef
from engine.aggregates.pipeline.commands import CreatePipeline
from engine.handle import handle
from engine.log.application import Log
from engine.log.history import OtherHistory
from engine.log.locked import Busy, append_lock
from service.http_errors import refusal
from service.routes.routing import REPEATED
from service.settings import Serving
from tests.service.http.conftest import publish
from tests.service.http.server import Client, Reply, Service, serving


def raw(client: Client, head: str, body: bytes = b"", timeout: float = 30) -> bytes:
    """What the service answers to these bytes."""
    with socket.create_connection(("127.0.0.1", client.port), timeout) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
            if b"\r\n\r\n" in answer and b"content-length" in answer.lower():
                length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                if len(answer.split(b"\r\n\r\n", 1)[1]) >= length:
                    break
        return answer


def command(client: Client, content: bytes, **headers: str) -> Reply:
    sent = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return client.send("POST", "/v1/deals", content, {name: value for name, value in sent.items() if value})


def test_an_address_or_a_method_that_is_not_there(unheard: Client) -> None:
    unheard.get("/v1/tea").refused(404, "not-found", "/docs")
    unheard.get("/v1/board/").refused(404, "not-found")
    unheard.send("PUT", "/v1/board").refused(405, "method-not-allowed", "/docs")
    unheard.get("/v1/journeys/%00").refused(400, "malformed", "NUL")
    unheard.get("/v1/board?owner=%00").refused(400, "malformed", "NUL")


@pytest.mark.parametrize(
    ("content", "status", "kind"),
    [
        (b"", 422, "invalid"),
        (b"{", 400, "malformed"),
        (b"\xff\xfe\xfd", 400, "malformed"),
        (b'"\xc3("', 400, "malformed"),
        (b"[" * 100_000, 400, "malformed"),
        (b'{"a":' * 100_000, 400, "malformed"),
        (b"[]", 422, "invalid"),
        (b"null", 422, "invalid"),
        (b'{"pipeline": 7}', 422, "invalid"),
        (b'{"pipeline": "loans", "title": ""}', 422, "invalid"),
        (b'{"pipeline": "loans", "title": "' + b"x" * 20_001 + b'"}', 422, "invalid"),
        (b'{"pipeline": "loans", "value": {"amount_minor": 1e400, "currency": "EUR"}}', 422, "invalid"),
        (b'{"pipeline": "loans", "value": {"amount_minor": NaN, "currency": "EUR"}}', 422, "invalid"),
        (b'{"pipeline": "loans", "value": {"amount_minor": ' + b"9" * 5_000 + b'}}', 400, "malformed"),
        (b'{"pipeline": "loans", "title": "\\u0000"}', 422, "invalid"),
        (b'{"pipeline": "loans", "record": {"source": "\\u0000", "key": "1"}}', 422, "invalid"),
        (b'{"pipeline": "loans", "title": "\\ud800"}', 400, "malformed"),
        (b'{"pipeline": "loans", "record": {"source": "\\ud800", "key": "1"}}', 400, "malformed"),
    ],
)  # fmt: skip
def test_a_body_that_makes_no_sense(content: bytes, status: int, kind: str, unheard: Client) -> None:
    reply = command(unheard, content)
    reply.refused(status, kind)
    assert len(reply.content) < 4_000


def test_a_body_must_be_json(manager: Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        command(manager, b'{"pipeline": "loans"}', Content_Type=kind).refused(415, "not-json", "application/json")
    command(manager, b'{"pipeline": "loans"}', Content_Type="application/json; charset=utf-8").done()


def test_a_command_needs_its_key(unheard: Client) -> None:
    command(unheard, b'{"pipeline": "loans"}', Idempotency_Key="").refused(400, "idempotency-key-missing", "UUID")
    for wrong in ("x" * 256, "two words", "\xe9"):
        command(unheard, b'{"pipeline": "loans"}', Idempotency_Key=wrong).refused(422, "invalid", "Idempotency-Key")


def test_a_command_takes_no_query(unheard: Client) -> None:
    sent = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    reply = unheard.send("POST", "/v1/deals?dry_run=true", b'{"pipeline": "loans"}', sent)
    assert reply.refused(422, "invalid", "dry_run")["errors"][0]["field"] == "query.dry_run"


def test_a_body_is_sent_as_it_is(manager: Client) -> None:
    for content in (compress(b'{"pipeline": "loans"}'), b'{"pipeline": "loans"}'):
        command(manager, content, Content_Encoding="gzip").refused(415, "not-json", "Content-Encoding")
    command(manager, b'{"pipeline": "loans"}', Content_Encoding="identity").done()


def test_a_query_parameter_is_sent_once_unless_it_is_a_list(unheard: Client) -> None:
    problem = unheard.get("/v1/board?limit=1&limit=2&as_of=2026-01-05").refused(422, "invalid", "limit")
    assert [each["field"] for each in problem["errors"]] == ["query.limit"]
    unheard.get("/v1/events?type=deal.won.v1&type=deal.lost.v1").done()


def test_the_parameters_that_may_be_repeated_are_the_lists_of_the_document(unheard: Client) -> None:
    document = unheard.get("/openapi.json").answer
    lists = {
        parameter["name"]
        for methods in document["paths"].values()
        for operation in methods.values()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query" and parameter["schema"].get("type") == "array"
    }
    assert lists == REPEATED


def test_thousands_of_mistakes_are_answered_in_a_few_words(unheard: Client) -> None:
    reply = unheard.get("/v1/board?" + "&".join(f"x{number}=1" for number in range(5_000)))
    reply.refused(422, "invalid")
    assert len(reply.content) < 10_000


def test_a_header_is_sent_once(manager: Client) -> None:
    head = f"POST /v1/deals HTTP/1.1\nHost: x\nAuthorization: Bearer {manager.key}\nContent-Type: application/json"
    body = b'{"pipeline": "loans"}'
    doubled = f"{head}\nContent-Length: {len(body)}\nIdempotency-Key: a\nIdempotency-Key: b"
    assert b"urn:dealtrail:problem:malformed" in raw(manager, doubled, body)
    smuggled = f"{head}\nContent-Length: {len(body)}\nTransfer-Encoding: chunked\nIdempotency-Key: a"
    assert raw(manager, smuggled, body).startswith(b"HTTP/1.1 400")
    two_lengths = f"{head}\nContent-Length: {len(body)}\nContent-Length: 4\nIdempotency-Key: a"
    assert raw(manager, two_lengths, body).startswith(b"HTTP/1.1 400")
    assert manager.get("/v1/events", after=2).answer["events"] == []


def test_fifty_megabytes_are_refused_before_they_are_read(unheard: Client) -> None:
    head = f"POST /v1/deals HTTP/1.1\nHost: x\nAuthorization: Bearer {unheard.key}\nContent-Type: application/json"
    told = raw(unheard, f"{head}\nIdempotency-Key: a\nContent-Length: {50 * 2**20}", b"x" * 1000)
    assert told.startswith(b"HTTP/1.1 413")
    assert b"urn:dealtrail:problem:too-large" in told
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    told = raw(unheard, f"{head}\nIdempotency-Key: a\nTransfer-Encoding: chunked", chunk * 20)
    assert told.startswith(b"HTTP/1.1 413")
    unheard.get("/v1/board").done()


@contextmanager
def configured(url: str, settings: Serving) -> Iterator[Service]:
    publish(url)
    with serving(url, settings) as service:
        yield service


def test_a_client_that_is_too_slow_is_let_go(sqlite_url: str) -> None:
    with configured(sqlite_url, Serving(body_seconds=0.3)) as service:
        manager = service.client("manager")
        head = f"POST /v1/deals HTTP/1.1\nHost: x\nAuthorization: Bearer {manager.key}\nContent-Type: application/json"
        told = raw(manager, f"{head}\nIdempotency-Key: a\nContent-Length: 1000", b"{")
        assert told.startswith(b"HTTP/1.1 408")
        assert b"urn:dealtrail:problem:too-slow" in told
        manager.get("/v1/board").done()


def test_a_client_that_goes_away_harms_nobody(manager: Client) -> None:
    head = (
        f"POST /v1/deals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {manager.key}\r\nContent-Length: 1000\r\n\r\n{{"
    )
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", manager.port)) as connection:
            connection.sendall(head.encode())
    manager.post("/v1/deals", {"pipeline": "loans"}).done()


def test_an_overload_is_said_at_once(sqlite_url: str) -> None:
    settings = Serving(writers=1, waiting=2, patience_seconds=10)
    with configured(sqlite_url, settings) as service:
        manager = service.client("manager")
        manager.post("/v1/deals", {"pipeline": "loans"}).done()
        other = Log(sqlite_url)
        with ThreadPoolExecutor(8) as threads:
            with append_lock(other.engine):
                sent = [threads.submit(manager.post, "/v1/deals", {"pipeline": "loans"}) for _ in range(8)]
                deadline = time.monotonic() + 4
                while sum(each.done() for each in sent) < 5 and time.monotonic() < deadline:
                    time.sleep(0.01)
                refused = [each.result() for each in sent if each.done()]
                # Questions go on meanwhile.
                manager.get("/v1/board").done()
            replies = [each.result() for each in sent]
        other.close()
        assert len(refused) == 5
        for reply in refused:
            reply.refused(503, "busy")
            assert int(reply.headers["retry-after"]) >= 1
        assert sorted(reply.status for reply in replies) == [201] * 3 + [503] * 5
        assert manager.get("/v1/board").answer["n"] == 4


def test_who_waits_too_long_is_told(sqlite_url: str) -> None:
    settings = Serving(writers=1, waiting=9, patience_seconds=0.2)
    with configured(sqlite_url, settings) as service:
        manager = service.client("manager")
        manager.get("/v1/board").done()
        other = Log(sqlite_url)
        with ThreadPoolExecutor(3) as threads:
            with append_lock(other.engine):
                sent = [threads.submit(manager.post, "/v1/deals", {"pipeline": "loans"}) for _ in range(3)]
                time.sleep(0.6)
            statuses = sorted(each.result().status for each in sent)
        other.close()
        assert statuses == [201, 503, 503]


def failing(error: Exception) -> Callable[..., object]:
    def fail(*_: object, **__: object) -> object:
        raise error

    return fail


def test_a_busy_log_and_a_database_that_is_gone_are_said(
    service: Service, manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.running.log, "write_all", failing(Busy("the log is busy: try again")))
    reply = manager.post("/v1/deals", {"pipeline": "loans"})
    reply.refused(503, "busy", "try again")
    assert reply.headers["retry-after"] == "1"
    gone = OperationalError("SELECT secret", {}, Exception("no route to the host named db"))
    monkeypatch.setattr(service.running.log, "write_all", failing(gone))
    reply = manager.post("/v1/deals", {"pipeline": "loans"})
    reply.refused(503, "unreachable")
    assert b"secret" not in reply.content
    assert b"named db" not in reply.content


def test_a_bug_is_told_to_the_log_and_not_to_the_client(
    service: Service, manager: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service.running.log, "write_all", failing(KeyError("a secret")))
    with caplog.at_level(logging.ERROR):
        reply = manager.post("/v1/deals", {"pipeline": "loans"}, headers={"X-Request-ID": "number-7"})
    problem = reply.refused(500, "bug", "number-7")
    assert problem["request_id"] == "number-7"
    assert b"secret" not in reply.content
    assert any(record.exc_info is not None and "a secret" in str(record.exc_info[1]) for record in caplog.records)
    monkeypatch.undo()
    manager.post("/v1/deals", {"pipeline": "loans"}).done()


def test_a_request_id_that_could_forge_a_log_is_replaced(unheard: Client) -> None:
    assert unheard.get("/livez", {"X-Request-ID": "fine-1"}).headers["x-request-id"] == "fine-1"
    for wrong in ('x"} {"level": "error', "x" * 65, "a b"):
        assert unheard.get("/livez", {"X-Request-ID": wrong}).headers["x-request-id"] != wrong


def test_what_is_in_flight_is_finished_when_the_service_stops(sqlite_url: str) -> None:
    publish(sqlite_url)
    other = Log(sqlite_url)
    replies: list[Reply] = []
    with serving(sqlite_url) as service:
        manager = service.client("manager")
        manager.get("/v1/board").done()
        held = threading.Event()

        def hold() -> None:
            with append_lock(other.engine):
                held.set()
                time.sleep(0.5)

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait()
        sender = threading.Thread(target=lambda: replies.append(manager.post("/v1/deals", {"pipeline": "loans"})))
        sender.start()
        time.sleep(0.2)
    holder.join()
    sender.join()
    assert [reply.status for reply in replies] == [201]
    assert other.position() == 3
    other.close()


def test_settings_are_read_from_the_environment_or_refused_by_name() -> None:
    from engine.errors import Rejected

    assert Serving.from_environment({}) == Serving()
    told = {"DEALTRAIL_PORT": "9000", "DEALTRAIL_PATIENCE_SECONDS": "2.5", "DEALTRAIL_HOST": "::1"}
    assert Serving.from_environment(told) == replace(Serving(), port=9000, patience_seconds=2.5, host="::1")
    for name, value in (
        ("PORT", "http"),
        ("READERS", "0"),
        ("READERS", "17"),
        ("BODY_BYTES", "-1"),
        ("LOG_LEVEL", "loud"),
    ):
        with pytest.raises(Rejected, match=f"DEALTRAIL_{name}"):
            Serving.from_environment({f"DEALTRAIL_{name}": value})


def test_the_log_is_json_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    from service.http_errors import request_id
    from service.logs import JsonLines

    token = request_id.set("number-8")
    record = logging.makeLogRecord({"name": "x", "levelname": "INFO", "msg": 'a "line"\nor two', "status": 200})
    line = JsonLines().format(record)
    request_id.reset(token)
    told = json.loads(line)
    assert "\n" not in line
    assert (told["message"], told["status"], told["request_id"]) == ('a "line"\nor two', 200, "number-8")


def test_a_standby_that_takes_no_writes_and_a_log_that_is_another_are_told_apart(postgres_url: str) -> None:
    standby = make_url(postgres_url).update_query_dict({"options": "-c default_transaction_read_only=on"})
    log = Log(standby.render_as_string(hide_password=False))
    with pytest.raises(DBAPIError) as read_only:
        handle(log, CreatePipeline(pipeline="loans", name="Loans"), actor=PersonRef(source="a", key="b"), origin="api")
    log.close()
    for error, told in ((read_only.value, "read-only"), (OtherHistory("event 7 is there no more"), "begins anew")):
        refused = refusal(error, question=False)
        assert refused is not None
        assert refused.kind == "unreachable"
        assert told in refused.detail
