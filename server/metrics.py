"""What the server counts, for Prometheus: in go events of this process, out comes the text of /metrics.

Workers of one server count together, in files of a folder that their parent names in PROMETHEUS_MULTIPROC_DIR:
whichever of them is asked tells of all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which the library itself finds the folder of counts that processes share."""
CONTENT_TYPE = b"text/plain; version=1.0.0; charset=utf-8"

_own = CollectorRegistry()
disable_created_metrics()  # type: ignore[no-untyped-call]  # one more series for each counter, which nobody reads

REQUESTS = Counter(
    "castwork_http_requests",
    "Requests by the shape of their path.",
    ("app", "route", "method", "status"),
    registry=_own,
)
SECONDS = Histogram(
    "castwork_http_request_seconds",
    "Time from a request's head to the end of its answer.",
    ("route", "method"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=_own,
)
CONNECTIONS = Gauge(
    "castwork_database_connections",
    "Connections to the database: open ones, and how many of them are in use.",
    ("state",),
    multiprocess_mode="livesum",
    registry=_own,
)
CHECKOUTS_FAILED = Counter(
    "castwork_database_checkouts_failed",
    "How often no connection to the database was to be had.",
    ("reason",),
    registry=_own,
)
LOG_LINES_DROPPED = Counter(
    "castwork_log_lines_dropped", "Lines of the apps' logs that never reached the database.", registry=_own
)
LEASES_LOST = Counter(
    "castwork_job_leases_lost", "Background jobs that were taken from a worker that was gone.", registry=_own
)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
_requests: dict[tuple[str, str, str, int], Counter] = {}
_seconds: dict[tuple[str, str], Histogram] = {}


def count_request(app: str, route: str, method: str, status: int, seconds: float) -> None:
    """Counts one answered request. `route` must be a shape, so that the number of series is bounded."""
    if method not in METHODS:
        method = "other"
    key = (app, route, method, status)
    counter = _requests.get(key)
    if counter is None:
        counter = _requests[key] = REQUESTS.labels(app, route, method, str(status))
    counter.inc()
    histogram = _seconds.get((route, method))
    if histogram is None:
        histogram = _seconds[route, method] = SECONDS.labels(route, method)
    histogram.observe(seconds)


def forget_counts(folder: str, pid: int) -> None:
    """Takes back what a process that ended said of the present; what it counted stays."""
    mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]  # as the library has it


def render_metrics(asked: Iterable[Metric] = ()) -> bytes:
    """All counts of the server, and what was `asked` for this very answer."""
    return generate_latest(_Given([*_counted(), *_processes(), *asked]))


class _Given(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _counted() -> Iterable[Metric]:
    if FOLDER not in os.environ:
        return _own.collect()
    return MultiProcessCollector(None).collect()  # type: ignore[no-untyped-call,no-any-return]  # as the library has it


def _processes() -> Iterator[Metric]:
    """Memory, processor time and files of each living process of the server, told apart by their ids."""
    found: dict[str, Metric] = {}
    for pid in _living():
        for metric in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]
            whole = found.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
            for sample in metric.samples:
                whole.add_sample(sample.name, {**sample.labels, "pid": str(pid)}, sample.value)
    yield from found.values()


def _living() -> list[int]:
    folder = os.environ.get(FOLDER)
    if folder is None:
        return [os.getpid()]
    pids = {int(found[1]) for file in Path(folder).glob("*.db") if (found := re.search(r"_(\d+)\.db$", file.name))}
    return sorted(pid for pid in pids if Path(f"/proc/{pid}").exists())


__all__ = [
    "CHECKOUTS_FAILED",
    "CONNECTIONS",
    "CONTENT_TYPE",
    "FOLDER",
    "LEASES_LOST",
    "LOG_LINES_DROPPED",
    "REQUESTS",
    "SECONDS",
    "count_request",
    "forget_counts",
    "render_metrics",
]
