"""Spans: requests, the commands that they send, and jobs; none of them holds a value."""

import asyncio
import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from server.runtime.jobs import JOB_KINDS, Timing, Worker
from server.tracing import Tracing, configure_tracing, tracing, use_tracing

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def spans():
    """Has spans made while the test runs, and gives those that ended so far."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    use_tracing(Tracing(provider))
    yield exporter.get_finished_spans
    use_tracing(None)


async def test_a_request_and_its_commands_are_one_trace(spans, open_house):
    house = await open_house()
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    answer = await house.ask("GET", "/data/cards?name=canary", who="dev", headers=headers)
    (request,) = [span for span in spans() if span.name == "GET /data/{entity}"]
    assert request.kind is SpanKind.SERVER
    assert f"{request.context.trace_id:032x}" == TRACE
    assert f"{request.parent.span_id:016x}" == PARENT
    assert dict(request.attributes) == {
        "http.route": "/data/{entity}",
        "http.response.status_code": 200,
        "castwork.app": "crm",
        "castwork.entity": "cards",
        "castwork.request.id": answer.headers["x-request-id"],
    }
    inside = [span for span in spans() if span.parent and span.parent.span_id == request.context.span_id]
    assert "find cards" in {span.name for span in inside} or "aggregate cards" in {span.name for span in inside}
    for span in inside:
        assert span.kind is SpanKind.CLIENT
        assert span.attributes["db.system.name"] == "mongodb"
        assert span.attributes["db.namespace"] == house.running.store._database.name
    assert "canary" not in str([span.to_json() for span in spans()])


async def test_requests_at_once_keep_their_commands_apart(spans, open_house):
    house = await open_house()
    await asyncio.gather(*(house.ask("POST", "/data/cards", {"name": f"n{n}"}, who="dev") for n in range(8)))
    requests = [span for span in spans() if span.name == "POST /data/{entity}"]
    assert len({span.context.trace_id for span in requests}) == 8
    for request in requests:
        written = [
            span
            for span in spans()
            if span.context.trace_id == request.context.trace_id and span.name == "insert cards"
        ]
        assert len(written) == 1


async def test_failures_are_marked(spans, open_house):
    house = await open_house()
    card = (await house.ask("POST", "/data/cards", {"name": "a"}, who="dev")).json()["id"]
    await house.ask("PUT", f"/data/cards/{card}/crash", {}, who="dev")
    await house.ask("GET", f"/data/cards/{'0' * 24}", who="dev")
    by_name = {span.name: span for span in spans()}
    assert by_name["PUT /data/{entity}/{id}/{action}"].status.status_code is StatusCode.ERROR
    assert by_name["GET /data/{entity}/{id}"].status.status_code is StatusCode.UNSET
    assert "canary-inside" not in str([span.to_json() for span in spans()])


async def test_a_job_is_a_span_around_its_commands(spans, open_house):
    house = await open_house()
    card = (await house.ask("POST", "/data/cards", {"name": "a"}, who="dev")).json()["id"]
    answer = await house.ask("PUT", f"/data/cards/{card}/tell?_async=true", {}, who="dev")
    worker = asyncio.create_task(Worker(lambda: house.running, JOB_KINDS, Timing(lease=3, first_poll=0.01)).run())
    try:
        async with asyncio.timeout(20):
            while not [span for span in spans() if span.name == "job EXECUTE_ACTION"]:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    (job,) = [span for span in spans() if span.name == "job EXECUTE_ACTION"]
    assert job.attributes["castwork.job.id"] == answer.json()["jobId"]
    inside = {span.name for span in spans() if span.parent and span.parent.span_id == job.context.span_id}
    assert {"insert sys.jobLogs", "update sys.jobs"} <= inside


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_SERVICE_NAME": "x"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nothing_is_traced_unless_somebody_asks(environment):
    configure_tracing(environment)
    assert tracing() is None


def test_a_server_without_traces_imports_nothing_of_them():
    program = "import sys, server.serve; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "[]"
