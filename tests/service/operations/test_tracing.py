"""OpenTelemetry, switched on, to a collector on loopback; and switched off."""

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from engine.errors import Rejected
from service import tracing
from service.settings import Serving
from tests.service.http.conftest import publish
from tests.service.http.server import serving

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    def __init__(self) -> None:
        self.received: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.received.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def spans(self) -> dict[str, Any]:
        """By name."""
        found = {}
        for body in self.received:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                attributes = {each.key: each.value.string_value for each in resource.resource.attributes}
                assert attributes["service.name"] == "dealtrail"
                for scope in resource.scope_spans:
                    found |= {span.name: span for span in scope.spans}
        return found


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    made = Collector()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{made.server.server_port}")
    # A compressed body is another test than ours.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(10)


def test_a_command_is_traced_from_the_caller_to_the_append_and_nothing_private_goes_along(
    collector: Collector, sqlite_url: str
) -> None:
    publish(sqlite_url)
    with serving(sqlite_url, Serving(telemetry="otlp")) as service:
        manager = service.client("manager")
        parent = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        opening = {
            "pipeline": "loans",
            "title": "Secret title",
            "person": {"source": "crm", "key": "k", "name": "Anna"},
        }
        deal = manager.post("/v1/deals", opening, headers=parent).answer["stream_id"]
        assert manager.get("/v1/board?owner=crm:anna").status < 500
        manager.post(f"/v1/deals/{deal}/win", {"evidence": None}).refused(409, "rejected")
        manager.get("/livez").done()
    spans = collector.spans
    request, command, append = spans["POST /v1/deals"], spans["OpenDeal"], spans["append"]
    assert request.trace_id.hex() == command.trace_id.hex() == append.trace_id.hex() == TRACE
    assert request.parent_span_id.hex() == PARENT
    assert command.parent_span_id == request.span_id
    assert append.parent_span_id == command.span_id
    assert {"GET /v1/board", "POST /v1/deals/{deal}/win"} <= set(spans)
    assert not [name for name in spans if "livez" in name]
    told = b"".join(collector.received)
    for private in (b"Secret title", b"Anna", b"anna", b"signed document", (manager.key or "").encode()):
        assert private not in told


def test_switched_off_nothing_leaves(collector: Collector, sqlite_url: str) -> None:
    publish(sqlite_url)
    with serving(sqlite_url) as service:
        service.client("manager").post("/v1/deals", {"pipeline": "loans"}).done()
    assert collector.received == []


def test_switched_on_without_its_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(Rejected, match=r"dealtrail\[telemetry\]"):
        tracing.Tracing(Serving(telemetry="otlp"))
    tracing.Tracing(Serving())


def test_a_collector_that_does_not_answer_holds_up_no_stop(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    traced, answered = tracing.Tracing(Serving(telemetry="otlp")), threading.Event()
    assert traced.provider is not None
    shutdown = traced.provider.shutdown
    monkeypatch.setattr(traced.provider, "shutdown", answered.wait)
    monkeypatch.setattr(tracing, "LEFT_SECONDS", 0.01)
    traced.close()
    said = [record.message for record in caplog.records if record.name == "service.tracing"]
    assert said == ["the collector does not answer: the last traces are lost"]
    answered.set()
    shutdown()


def test_another_word_than_off_or_otlp_is_refused() -> None:
    with pytest.raises(Rejected, match="off, otlp"):
        Serving.from_environment({"DEALTRAIL_TELEMETRY": "on"})
