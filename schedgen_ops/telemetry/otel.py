"""The listener that hands a run's spans to OpenTelemetry once it is over. The SDK is slow to import: late."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from schedgen_ops.events import Event, RunFinished
from schedgen_ops.telemetry.spans import Span, Trace

DEADLINE = 5.0
"""Seconds that an endpoint has; a run that is over waits no longer for it."""

_PROTOCOLS = ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
_OURS = "http/protobuf"
_MISSING = "OpenTelemetry is not installed: pip install 'schedgen_ops[otel]'"


@dataclass(slots=True)
class Tracer:
    """Keeps what a run tells, and sends it as a trace.

    Attributes:
        now: nanoseconds since 1970.
        deadline: seconds that `close` waits at most.
    """

    environ: Mapping[str, str]
    now: Callable[[], int] = time.time_ns
    deadline: float = DEADLINE
    _trace: Trace = field(default_factory=Trace)
    _thread: threading.Thread | None = None
    _failure: str = ""

    def handle(self, event: Event) -> None:
        """Take an event; after the last one, send."""
        self._trace.take(event, self.now())
        if isinstance(event, RunFinished) and (run := self._trace.whole()):
            self._thread = threading.Thread(target=self._work, args=(run,), name="tracing", daemon=True)
            self._thread.start()

    def close(self) -> tuple[str, ...]:
        """Wait for what is on its way, no longer than the deadline; return what went wrong."""
        if self._thread is None:
            return ()
        self._thread.join(self.deadline)
        why = f"no answer within {self.deadline:g} seconds" if self._thread.is_alive() else self._failure
        return (f"The run's trace was not delivered: {why}",) if why else ()

    def _work(self, run: Span) -> None:
        asked = next(filter(None, map(self.environ.get, reversed(_PROTOCOLS))), _OURS)
        if asked != _OURS:
            self._failure = f"{asked} is a protocol that is not spoken here, {_OURS} is"
            return
        try:
            self._failure = _sent(run, self.environ, self.deadline)
        except ImportError:
            self._failure = _MISSING
        except Exception as error:
            # Its text could have a header in it.
            self._failure = f"unexpected {type(error).__name__}"


def _sent(run: Span, environ: Mapping[str, str], deadline: float) -> str:
    """Why the spans did not get there; "" where they did."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.propagate import extract
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    logger, said = logging.getLogger("opentelemetry"), _Said()
    logger.propagate = False
    logger.addHandler(said)
    try:
        named = {"service.name": "schedgen_ops"} if not environ.get("OTEL_SERVICE_NAME") else {}
        resource = Resource.create({**named, "service.version": version("schedgen_ops")})
        provider, kept = TracerProvider(resource=resource, shutdown_on_exit=False), InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(kept))
        # A CI job that is traced itself says so in TRACEPARENT.
        parent = extract({"traceparent": environ.get("TRACEPARENT", "")})
        _recorded(provider.get_tracer("schedgen_ops"), run, parent, outermost=True)
        exporter = OTLPSpanExporter(timeout=deadline)
        came = exporter.export(kept.get_finished_spans())
        return "" if came is SpanExportResult.SUCCESS else said.last or "the endpoint refused it"
    finally:
        logger.removeHandler(said)


def _recorded(tracer: Any, span: Span, parent: Any, *, outermost: bool = False) -> None:
    from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

    kind = SpanKind.SERVER if outermost else SpanKind.INTERNAL
    begun = tracer.start_span(span.name, parent, kind, dict(span.attributes), start_time=span.began)
    if span.error:
        begun.set_status(Status(StatusCode.ERROR, span.error))
    for inner in span.inner:
        _recorded(tracer, inner, set_span_in_context(begun))
    begun.end(span.ended)


class _Said(logging.Handler):
    """Keeps the last warning of the SDK, which says why; nothing of it goes to the terminal."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = " ".join(record.getMessage().split())[:300]
