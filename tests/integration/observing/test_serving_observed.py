"""Real servers: what they say outlives them, is the same for all workers, and reaches a collector of traces."""

import json
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
import yaml

from tests.integration.http.conftest import ADMIN, ROOT

LOGIN = {"email": ADMIN["CASTWORK_ADMIN_EMAIL"], "password": ADMIN["CASTWORK_ADMIN_PASSWORD"]}


def created(client):
    return client.get("/status/logs?message=POST /api/data/companies").json()["total"]


def test_lines_are_written_before_a_server_ends(serve, crm):
    first = serve(crm)
    for number in range(5):
        assert first.client.post("/data/companies", json={"name": f"n{number}"}).status_code == 200
    first.send(signal.SIGTERM)
    assert first.wait() == 0
    assert created(serve(crm).client) == 5


def test_workers_tell_of_each_other(serve, crm):
    serving = serve(crm, "--workers", "2")
    token = httpx.post(f"{serving.url}/auth/login", json=LOGIN, timeout=30).json()["token"]
    headers = {"token": token, "connection": "close"}
    for number in range(12):
        body = {"name": f"n{number}"}
        assert httpx.post(f"{serving.url}/data/companies", json=body, headers=headers, timeout=30).status_code == 200
    give_up = time.monotonic() + 15
    while created(httpx.Client(base_url=serving.url, headers=headers, timeout=30)) < 12:
        assert time.monotonic() < give_up
        time.sleep(0.2)


class Collector(BaseHTTPRequestHandler):
    """Takes what exporters send."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.taken.append((self.path, body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def collector():
    server = HTTPServer(("127.0.0.1", 0), Collector)
    server.taken = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_spans_reach_a_collector(serve, crm, collector):
    endpoint = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "OTEL_SERVICE_NAME": "books",
    }
    serving = serve(crm, environment=endpoint)
    serving.client.get("/data/companies?name=canary")
    serving.send(signal.SIGTERM)
    assert serving.wait() == 0
    assert {path for path, _ in collector.taken} == {"/v1/traces"}
    sent = b"".join(body for _, body in collector.taken)
    assert b"GET /data/{entity}" in sent
    assert b"books" in sent
    assert b"canary" not in sent


def castwork(*arguments):
    command = [sys.executable, "-m", "server", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)


def test_the_document_is_printed_as_json_and_as_yaml(serve, crm):
    as_json, as_yaml = castwork("openapi", crm), castwork("openapi", crm, "--format", "yaml")
    assert (as_json.returncode, as_yaml.returncode) == (0, 0)
    document = json.loads(as_json.stdout)
    assert document == yaml.safe_load(as_yaml.stdout)
    assert document == serve(crm).client.get("/openapi.json").json()


def test_the_document_is_of_one_app(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.yaml").write_text(f"name: {name}\nlabel: {name}\n")
    several = castwork("openapi", tmp_path)
    assert several.returncode == 1
    assert "several apps (a, b)" in several.stderr
    assert castwork("openapi", tmp_path / "nothing").returncode == 2
