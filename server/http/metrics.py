"""GET /metrics: in goes a request of somebody who may ask, out comes what all apps of the server count.

What the database knows of background jobs is asked at most once in some seconds, however many ask.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Iterable
from ipaddress import ip_address

from prometheus_client.core import GaugeMetricFamily
from starlette.types import Receive, Scope, Send

from engine.errors import Forbidden, MethodNotAllowed, Unauthorized
from server.http.exchange import exchange_of
from server.http.responses import Answer
from server.http.serving import Host, ServedApp
from server.metrics import CONTENT_TYPE, render_metrics
from server.runtime.jobs import Backlog, read_backlogs
from server.store import StoreError

PATH = "/metrics"
BELIEVED = 5.0
"""Seconds for which what the database said is told again."""
_FORWARDED = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via"})
"""Headers of requests that come through a proxy, from whoever asked the proxy."""
_BEARER = b"bearer "


class MetricsEndpoint:
    """Answers who shows the token of the settings or, where there is none, who asks from this very machine."""

    def __init__(self, host: Host, token: str | None) -> None:
        self._host = host
        self._token = None if token is None else token.encode()
        self._asked = {name: _Asked(app) for name, app in host.apps.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises MethodNotAllowed, Unauthorized, Forbidden."""
        exchange_of(scope).shape = PATH
        if scope["method"] not in ("GET", "HEAD"):
            raise MethodNotAllowed(("GET", "HEAD"))
        self._check(scope)
        answers = await asyncio.gather(*(asked.read() for asked in self._asked.values()))
        body = render_metrics(_families(dict(zip(self._asked, answers, strict=True))))
        length = str(len(body)).encode()
        await Answer(200, body, ((b"content-type", CONTENT_TYPE), (b"content-length", length)))(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if self._token is not None:
            shown = next((value for name, value in headers if name == b"authorization"), b"")
            known = shown[: len(_BEARER)].lower() == _BEARER
            if not (known and hmac.compare_digest(shown[len(_BEARER) :].strip(), self._token)):
                raise Unauthorized("Metrics are for who shows the token of CASTWORK_METRICS_TOKEN")
        elif not _is_local(scope) or any(name in _FORWARDED for name, _ in headers):
            raise Forbidden("Metrics are for this machine only: set CASTWORK_METRICS_TOKEN to ask from elsewhere")


def _is_local(scope: Scope) -> bool:
    peer = scope.get("client")
    try:
        return peer is not None and ip_address(peer[0]).is_loopback
    except ValueError:
        return False


class _Asked:
    """The last answer of one app's database; None while it is out of reach."""

    def __init__(self, app: ServedApp) -> None:
        self._app = app
        self._at = float("-inf")
        self._answer: list[Backlog] | None = None
        self._asking = asyncio.Lock()

    async def read(self) -> list[Backlog] | None:
        async with self._asking:
            running = self._app.edition.running
            if running is not None and time.monotonic() - self._at >= BELIEVED:
                try:
                    self._answer = await read_backlogs(running)
                except StoreError:
                    self._answer = None
                self._at = time.monotonic()
            return self._answer


def _families(found: dict[str, list[Backlog] | None]) -> Iterable[GaugeMetricFamily]:
    reached = GaugeMetricFamily("castwork_database_up", "Whether the app's database answers.", labels=["app"])
    jobs = GaugeMetricFamily(
        "castwork_jobs", "Background jobs that are not over yet.", labels=["app", "queue", "status"]
    )
    age = GaugeMetricFamily(
        "castwork_job_queue_age_seconds", "How long the oldest pending job waits.", labels=["app", "queue"]
    )
    for app, backlogs in found.items():
        reached.add_metric([app], float(backlogs is not None))
        for one in backlogs or ():
            for status, count in one.counts.items():
                jobs.add_metric([app, one.queue, status], count)
            age.add_metric([app, one.queue], one.age / 1000)
    return reached, jobs, age


__all__ = ["PATH", "MetricsEndpoint"]
