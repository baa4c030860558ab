"""Traces for OpenTelemetry: in go requests, commands to the database and jobs, out come spans, where somebody asks for
them. Without a configured exporter nothing of OpenTelemetry is imported and nothing is done."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanKind, TracerProvider

logger = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""One of these switches traces on; OpenTelemetry's own variables say the rest (OTEL_SERVICE_NAME, samplers, …)."""

Headers = list[tuple[bytes, bytes]]
Attributes = Mapping[str, Any]


class Tracing:
    """Makes spans. What is begun inside a span is its child."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._kinds = trace.SpanKind
        self._failed = trace.StatusCode.ERROR
        self._tracer = provider.get_tracer("castwork")
        self._inside = trace.set_span_in_context
        self._use = trace.use_span
        self._context_of = TraceContextTextMapPropagator().extract

    @contextlib.contextmanager
    def request(self, method: str, headers: Headers) -> Iterator[Span]:
        """While it is entered, a request is served; the span belongs to the trace that the client's `traceparent`
        names, if there is one."""
        carried = {name.decode(): value.decode("latin-1") for name, value in headers if name in _CARRIERS}
        span = self._tracer.start_span(method, self._context_of(carried), self._kinds.SERVER)
        with self._use(span, end_on_exit=True, record_exception=False):
            yield span

    def end_request(self, span: Span, name: str, status: int, attributes: Attributes) -> None:
        """Says what the request turned out to be."""
        span.update_name(name)
        span.set_attributes({**attributes, "http.response.status_code": status})
        if status >= 500:
            span.set_status(self._failed)

    def work(self, name: str, attributes: Attributes) -> AbstractContextManager[Span]:
        """While it is entered, a background job runs."""
        return self._tracer.start_as_current_span(name, kind=self._kinds.CONSUMER, attributes=attributes)

    def begin_command(self, name: str, collection: str | None, database: str) -> Span:
        """A command to the database; `end_command` ends it."""
        attributes = {"db.system.name": "mongodb", "db.operation.name": name, "db.namespace": database}
        if collection is not None:
            attributes["db.collection.name"] = collection
        kind: SpanKind = self._kinds.CLIENT
        return self._tracer.start_span(f"{name} {collection or database}", kind=kind, attributes=attributes)

    def end_command(self, span: Span, failed: bool) -> None:
        """The command was answered, or failed."""
        if failed:
            span.set_status(self._failed)
        span.end()


_CARRIERS = frozenset({b"traceparent", b"tracestate"})
_present: Tracing | None = None


def tracing() -> Tracing | None:
    """What makes spans in this process; None where nobody wants any."""
    return _present


def use_tracing(present: Tracing | None) -> None:
    """Has spans made from now on, or no more; databases that are opened later tell of their commands."""
    global _present  # noqa: PLW0603 - spans are the process's own, as log records are
    _present = present


def configure_tracing(environment: Mapping[str, str]) -> None:
    """Has spans sent by OTLP over HTTP where the environment names a place for them."""
    wanted = any(environment.get(name) for name in ENDPOINTS) and environment.get("OTEL_TRACES_EXPORTER") != "none"
    if not wanted or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider as Provider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        logger.warning("There are no traces: pip install 'castwork[telemetry]', or unset %s", ENDPOINTS[1])
        return
    name = environment.get("OTEL_SERVICE_NAME") or "castwork"
    provider = Provider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    use_tracing(Tracing(provider))


@contextlib.contextmanager
def working(name: str, attributes: Attributes) -> Iterator[None]:
    """While it is entered, a background job runs, in a span of its own where there are spans."""
    present = tracing()
    with contextlib.nullcontext() if present is None else present.work(name, attributes):
        yield


__all__ = ["ENDPOINTS", "Tracing", "configure_tracing", "tracing", "use_tracing", "working"]
