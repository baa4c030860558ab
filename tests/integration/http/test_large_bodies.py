"""Bodies as large as they may be: whoever sends one waits for it alone."""

import threading
import time

import httpx
import pytest

USUAL = 0.01
"""Seconds between two questions of the others."""


class Others:
    """Somebody else, who asks the server for a sign of life all the time."""

    def __init__(self, serving):
        self._url = f"{serving.root}healthz"
        self._stopped = threading.Event()
        self.waits = []

    def __enter__(self):
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *raised):
        self._stopped.set()
        self._thread.join()

    def _ask(self):
        with httpx.Client() as client:
            while not self._stopped.wait(USUAL):
                began = time.monotonic()
                assert client.get(self._url, timeout=60).status_code == 200
                self.waits.append(time.monotonic() - began)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"name": "Many", "addresses": [{"city": "x"}] * 40_000}, 200, id="many parts"),
        pytest.param(
            {"name": "Wrong", "addresses": [{"city": [index]} for index in range(40_000)]}, 400, id="many problems"
        ),
        pytest.param({f"a{index}": 1 for index in range(60_000)}, 400, id="many unknown names"),
    ],
)
def test_others_are_served_while_a_large_body_is_worked_on(crm, serve, body, status):
    serving = serve(crm)
    serving.client.get("/data/companies")
    with Others(serving) as others:
        began = time.monotonic()
        answer = serving.client.post("/data/companies", json=body, timeout=120)
        took = time.monotonic() - began
    assert answer.status_code == status
    assert len(others.waits) > 10
    assert max(others.waits) < took / 3, (max(others.waits), took)
