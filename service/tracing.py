"""OpenTelemetry traces, where DEALTRAIL_TELEMETRY=otlp switches them on: a span for each request, command and append.

FastAPI makes the span of a request by itself; where it goes is said here and by OpenTelemetry's own variables
(OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, ...). A trace leaves the house: it holds no query,
which may hold a name somebody looks for, no body, and no message of an error. Switched off, nothing of it is loaded.
"""

import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from engine.errors import Rejected
from engine.log.application import Wanted
from engine.log.dialogue import Dialogue
from service.settings import Serving

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig
    from opentelemetry.sdk.trace import TracerProvider

T = TypeVar("T")
LEFT_SECONDS = 3.0
"""at a stop, for what is not sent yet; the library would try for ten"""
QUIET = ("/livez", "/readyz", "/metrics")
"""what machines ask all the time"""
OFF: "TelemetryConfig" = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
NO_SPAN = nullcontext()


class Tracing:
    """Of one process."""

    def __init__(self, serving: Serving) -> None:
        """Rejected where it is switched on and its packages are not there."""
        self.provider: TracerProvider | None = None
        self._tracer: Any = None
        if serving.telemetry == "otlp":
            self.provider = provider()
            self._tracer = self.provider.get_tracer("dealtrail")

    @property
    def config(self) -> "TelemetryConfig":
        """What FastAPI is told: numbers go to Prometheus, errors to the log, and only traces from here."""
        if self.provider is None:
            return OFF
        traced: TelemetryConfig = {"tracing": True, "tracer_provider": self.provider, "operation_spans": False}
        return {**OFF, **traced, "exclude": lambda scope: scope.get("path") in QUIET}

    def span(self, name: str) -> AbstractContextManager[object]:
        """Around a piece of work, below the span of the request it belongs to."""
        if self._tracer is None:
            return NO_SPAN
        span: AbstractContextManager[object] = self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False
        )
        return span

    def appending(self, dialogue: Dialogue[T]) -> Dialogue[T]:
        """The same with a span around all that it wants written, until that is on the disk."""
        return dialogue if self._tracer is None else self._spanned(dialogue)

    def _spanned(self, dialogue: Dialogue[T]) -> Dialogue[T]:
        step: Callable[[], Wanted] = partial(next, dialogue)
        while True:
            try:
                wanted = step()
            except StopIteration as end:
                result: T = end.value
                return result
            with self.span("append"):
                try:
                    step = partial(dialogue.send, (yield wanted))
                except Exception as refused:
                    step = partial(dialogue.throw, refused)

    def close(self) -> None:
        """Sends what is left; a collector that is away is waited for LEFT_SECONDS, and then not told."""
        if self.provider is None:
            return
        # A daemon: the process does not wait for it either.
        sending = Thread(target=self.provider.shutdown, name="last traces", daemon=True)
        sending.start()
        sending.join(LEFT_SECONDS)
        if sending.is_alive():
            logging.getLogger(__name__).warning("the collector does not answer: the last traces are lost")


def provider() -> "TracerProvider":
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise Rejected(
            f"DEALTRAIL_TELEMETRY=otlp needs the packages of dealtrail[telemetry] ({error}): install them"
        ) from error

    class Private(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:  # noqa: ARG002 (the library's name)
            if "url.query" in span.attributes:
                span.set_attribute("url.query", "left out")

    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "dealtrail"}
    made = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    made.add_span_processor(Private())
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return made


def current() -> dict[str, str]:
    """The ids of the trace that is under way, for the log; none where there is none."""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
