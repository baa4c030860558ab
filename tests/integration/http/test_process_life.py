"""The life of a server: start, readiness, changed definitions, workers, and an orderly end."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from server.settings import Settings
from tests.integration.http.conftest import ROOT, copy_crm


def castwork(*arguments, seconds=30):
    """Runs a command that ends by itself."""
    command = [sys.executable, "-m", "server", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=seconds, check=False)


def processor_seconds_of_children():
    """What ended commands have worked so far: a busy machine makes them wait, but does not give them more to do."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def slow_request(serving, start=None):
    """A request that is under way: its head and half of its body are sent, or `start` in place of both the body's
    length and its half. Returns the socket and the other half."""
    body = b'{"name": "Started before the end"}'
    head = (
        f"POST {httpx.URL(serving.url).path}/data/companies HTTP/1.1\r\nhost: x\r\ntoken: {serving.token}\r\n"
        "content-type: application/json\r\n"
    )
    line = socket.create_connection((serving.root.host, serving.root.port), timeout=20)
    line.sendall(head.encode() + (start or b"content-length: %d\r\n\r\n" % len(body) + body[:10]))
    time.sleep(0.2)
    return line, body[10:]


def received(line):
    parts = []
    while part := line.recv(65536):
        parts.append(part)
    return b"".join(parts)


def eventually(check, seconds=10.0):
    """Waits until `check` is true; returns how long it took."""
    started = time.monotonic()
    while not check():
        assert time.monotonic() - started < seconds, "it did not happen in time"
        time.sleep(0.05)
    return time.monotonic() - started


def children(pid):
    """The processes that a process started (Linux)."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")


def test_a_stopped_server_says_so_and_finishes_what_it_began(crm, serve):
    serving = serve(crm)
    assert serving.get("/readyz").status_code == 200
    line, rest = slow_request(serving)
    serving.send(signal.SIGTERM)
    stopped = time.monotonic()
    time.sleep(0.1)
    assert serving.get("/readyz").status_code == 503
    assert serving.get("/healthz").status_code == 200
    assert serving.client.get("/data/companies").status_code == 200
    time.sleep(2)
    assert serving.process.poll() is None
    line.sendall(rest)
    answer = received(line)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"Started before the end" in answer
    assert serving.wait() == 0
    assert time.monotonic() - stopped < 10
    again = serve(crm)
    assert again.client.get("/data/companies?name=Started before the end").json()["total"] == 1


def test_a_stopped_server_refuses_new_connections_in_the_end(crm, serve):
    serving = serve(crm)
    line, rest = slow_request(serving)
    serving.send(signal.SIGTERM)
    time.sleep(2)
    with pytest.raises(httpx.ConnectError):
        serving.get("/readyz")
    line.sendall(rest)
    assert received(line).startswith(b"HTTP/1.1 200")
    assert serving.wait() == 0


def test_an_interrupt_ends_an_idle_server_at_once(crm, serve):
    serving = serve(crm)
    started = time.monotonic()
    serving.send(signal.SIGINT)
    assert serving.wait() == 0
    assert time.monotonic() - started < 5


def test_requests_that_never_end_are_cut(crm, serve):
    serving = serve(crm, environment={"CASTWORK_STOP_TIMEOUT": "1", "CASTWORK_DRAIN": "0"})
    line, _ = slow_request(serving)
    serving.send(signal.SIGTERM)
    assert serving.wait(10) == 0
    line.close()


def test_several_apps_are_served_side_by_side(tmp_path, serve):
    copy_crm(tmp_path)
    assert castwork("new", tmp_path / "shop").returncode == 0
    serving = serve(tmp_path)
    for app in ("crm", "shop"):
        assert serving.get(f"/{app}/api/readyz").json() == {"status": "ready"}
    assert serving.get("/api/readyz").status_code == 404
    assert serving.get("/readyz").status_code == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_an_app_has_its_data_in_its_own_folder_alone_or_beside_others(tmp_path, serve, workers):
    crm = copy_crm(tmp_path)
    assert castwork("new", tmp_path / "shop").returncode == 0
    (tmp_path / "companies.json").write_text('[{"name": "Loaded before"}]')
    assert castwork("load", crm, tmp_path / "companies.json").returncode == 0
    serving = serve(tmp_path, "--workers", str(workers))
    eventually(lambda: serving.get("/crm/api/readyz").status_code == 200, 30)
    (tmp_path / "companies.json").write_text('[{"name": "Loaded beside"}]')
    assert castwork("load", crm, tmp_path / "companies.json").returncode == 0
    names = {one["name"] for one in serving.client.get("/data/companies").json()["items"]}
    assert names == {"Loaded before", "Loaded beside"}
    assert not (tmp_path / ".castwork").exists()


def test_the_base_path_is_free(crm, serve):
    serving = serve(crm, "--base-path", "/dev/runtime/api")
    assert serving.url.endswith("/dev/runtime/api")
    assert serving.client.get("/data/companies").status_code == 200
    assert serving.get("/api/readyz").status_code == 404


def test_memory_keeps_nothing(crm, serve):
    serving = serve(crm, "--db", "memory:")
    assert serving.client.post("/data/companies", json={"name": "x"}).status_code == 200
    assert serving.client.get("/data/companies").json()["total"] == 1
    assert not (crm / ".castwork").exists()


def test_changed_definitions_are_taken_over_and_broken_ones_are_not(crm, serve):
    serving = serve(crm, "--reload")
    entity = crm / "entities" / "notes.yaml"
    assert serving.client.get("/data/notes").status_code == 404
    entity.write_text("fields:\n  text: {type: text}\n")
    serving.wait_for("serves its changed definitions", 10)
    assert serving.client.get("/data/notes").status_code == 200
    entity.write_text("fields:\n  text: {type: texx}\n")
    serving.wait_for("last good definitions", 10)
    assert "notes.yaml:2:16" in serving.said
    assert serving.client.get("/data/notes").status_code == 200
    entity.unlink()
    eventually(lambda: serving.client.get("/data/notes").status_code == 404)


def test_broken_definitions_are_told_whole_and_soon(crm):
    (crm / "entities" / "one.yaml").write_text("fields:\n  a: {type: nope}\n")
    (crm / "entities" / "two.yaml").write_text("fields:\n  b: {type: text, colour: red}\n")
    before = processor_seconds_of_children()
    ended = castwork("serve", crm, "--port", "0")
    assert ended.returncode == 1
    assert "one.yaml:2:13" in ended.stderr
    assert "two.yaml:2:19" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert processor_seconds_of_children() - before < 5
    assert not (crm / ".castwork").exists()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--workers", "0"], 1, "expected 1 or more"),
        (["--workers", "2", "--reload"], 1, "--reload works with one worker"),
        (["--workers", "2", "--db", "memory:"], 1, "cannot share"),
        (["--base-path", "api"], 1, "base path"),
        (["--port", "70000"], 1, "port"),
        (["--host", "203.0.113.1"], 1, "Cannot listen on 203.0.113.1"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_traceback(crm, options, code, words):
    ended = castwork("serve", crm, *(["--port", "0"] if "--port" not in options else []), *options)
    assert (ended.returncode, words in ended.stderr) == (code, True), ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_path_without_an_app_is_exit_code_2(tmp_path):
    for command in ("serve", "routes", "validate"):
        assert castwork(command, tmp_path).returncode == 2


def test_a_port_in_use_is_said(crm):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = castwork("serve", crm, "--port", taken.getsockname()[1])
    assert (ended.returncode, "Address already in use" in ended.stderr) == (1, True)


def test_two_servers_do_not_share_an_embedded_database(crm, serve):
    serving = serve(crm)
    ended = castwork("serve", crm, "--port", "0")
    assert ended.returncode == 1
    assert str(serving.process.pid) in ended.stderr
    assert serving.client.get("/data/companies").status_code == 200


@on_linux
def test_workers_share_the_data_and_are_replaced(crm, serve):
    serving = serve(crm, "--workers", "2")
    eventually(lambda: serving.get("/readyz").status_code == 200, 30)
    made = serving.client.post("/data/companies", json={"name": "Shared"}).json()
    for _ in range(20):  # new connections, so that both workers are asked
        answer = httpx.get(f"{serving.url}/data/companies/{made['id']}", auth=serving.client.auth)
        assert answer.json() == made
    workers = [pid for pid in children(serving.process.pid) if "--listener" in Path(f"/proc/{pid}/cmdline").read_text()]
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)

    def replaced():
        now = [pid for pid in children(serving.process.pid) if "--listener" in Path(f"/proc/{pid}/cmdline").read_text()]
        return len(now) == 2 and workers[0] not in now

    eventually(replaced)
    assert httpx.get(f"{serving.url}/data/companies/{made['id']}", auth=serving.client.auth).json() == made
    line, rest = slow_request(serving)
    serving.send(signal.SIGTERM)
    time.sleep(1.5)
    line.sendall(rest)
    assert received(line).startswith(b"HTTP/1.1 200")
    assert serving.wait() == 0


@on_linux
def test_nothing_outlives_a_killed_parent(crm, serve):
    serving = serve(crm, "--workers", "2")
    eventually(lambda: serving.get("/readyz").status_code == 200, 30)
    family = children(serving.process.pid)
    assert len(family) >= 3
    serving.process.kill()
    serving.wait()
    eventually(lambda: not any(map(alive, family)), 15)


def test_answers_of_the_server_itself_are_in_the_error_shape(shared):
    """What never reaches the app: malformed HTTP, no host or two of them, heads over the limit."""
    for head, status in (
        (b"GET /healthz HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\nHost: y\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1 nonsense\r\n\r\n", b"400"),
        (b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nhost: x\r\n" + b"x-pad: " + b"a" * 70_000 + b"\r\n\r\n", b"431"),
    ):
        with socket.create_connection((shared.root.host, shared.root.port), timeout=10) as line:
            line.sendall(head)
            answer = received(line)
        assert answer.startswith(b"HTTP/1.1 " + status), (head[:60], answer[:200])
        assert b'"code"' in answer
        assert b"nosniff" in answer


def test_before_http_1_1_no_host_is_needed(shared):
    with socket.create_connection((shared.root.host, shared.root.port), timeout=10) as line:
        line.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert received(line).startswith(b"HTTP/1.1 200")


def test_a_head_that_never_ends_is_cut(crm, serve):
    serving = serve(crm, environment={"CASTWORK_HEADER_TIMEOUT": "1"})
    with socket.create_connection((serving.root.host, serving.root.port), timeout=10) as line:
        line.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n")
        started = time.monotonic()
        assert received(line) == b""
        assert 0.5 < time.monotonic() - started < Settings().header_timeout


def test_a_body_that_stops_coming_is_cut(crm, serve):
    serving = serve(crm, environment={"CASTWORK_BODY_TIMEOUT": "1"})
    for start in (b"content-length: 1000\r\n\r\n{", b"transfer-encoding: chunked\r\n\r\n5\r\n{"):
        line, _ = slow_request(serving, start)
        started = time.monotonic()
        assert received(line) == b""
        assert 0.5 < time.monotonic() - started < 10


def test_a_body_that_was_refused_and_still_stops_coming_is_cut(crm, serve):
    serving = serve(crm, environment={"CASTWORK_BODY_TIMEOUT": "1"})
    line, _ = slow_request(serving, b"content-length: 2000000\r\n\r\n{")
    started = time.monotonic()
    assert received(line).startswith(b"HTTP/1.1 413")
    assert time.monotonic() - started < 10


def test_a_slow_body_that_goes_on_coming_is_taken(crm, serve):
    serving = serve(crm, environment={"CASTWORK_BODY_TIMEOUT": "1"})
    line, rest = slow_request(serving)
    started = time.monotonic()
    for position in range(len(rest)):
        time.sleep(0.15)
        line.sendall(rest[position : position + 1])
    assert time.monotonic() - started > 2
    assert line.recv(100).startswith(b"HTTP/1.1 200")
