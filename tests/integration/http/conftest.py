"""Real servers: `castwork serve` in a process of its own, with its own embedded database, on the loopback interface."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[3]
CRM = ROOT / "app_definitions" / "crm"
LISTENING = re.compile(r"http://[\d.]+:\d+\S*")
ADMIN = {"CASTWORK_ADMIN_EMAIL": "admin@example.com", "CASTWORK_ADMIN_PASSWORD": "a password for tests"}


class AsDeveloper(httpx.Auth):
    """Logs in before the first request that finds a database, and shows the token from then on."""

    requires_response_body = True

    def __init__(self, url):
        self.login = f"{url}/auth/login"
        self.token = None

    def auth_flow(self, request):
        if self.token is None:
            body = {"email": ADMIN["CASTWORK_ADMIN_EMAIL"], "password": ADMIN["CASTWORK_ADMIN_PASSWORD"]}
            answer = yield httpx.Request("POST", self.login, json=body)
            if answer.status_code == 200:
                self.token = answer.json()["token"]
        if self.token is not None:
            request.headers["token"] = self.token
        yield request


class Serving:
    """One running `castwork serve`; `url` is where its (first) API begins."""

    def __init__(self, path, *options, environment=None, start_seconds=30):
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the server
        self.process = subprocess.Popen(
            [sys.executable, "-m", "server", "serve", str(path), "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            cwd=ROOT,
            env={**os.environ, **ADMIN, **(environment or {})},
        )
        self.said = ""
        threading.Thread(target=self._listen, daemon=True).start()
        found = self.wait_for(LISTENING, start_seconds)
        self.url = found[0]
        self.root = httpx.URL(self.url).copy_with(path="/")
        self.client = httpx.Client(base_url=self.url, timeout=20, auth=AsDeveloper(self.url))

    @property
    def token(self):
        """A token of the developer."""
        self.client.get("/data/companies")
        return self.client.auth.token

    def _listen(self):
        for line in self.process.stdout:
            self.said += line

    def wait_for(self, pattern, seconds):
        """The match of a pattern in what the server prints."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            if found := re.search(pattern, self.said):
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.close()
        raise AssertionError(f"No {pattern} in what the server said: {self.said}\n{self.errors}")

    @property
    def errors(self):
        self.log.seek(0)
        return self.log.read()

    def get(self, path, **options):
        """Asks a path of the server's root, such as /readyz."""
        return httpx.get(self.root.join(path), timeout=20, **options)

    def send(self, sig):
        self.process.send_signal(sig)

    def wait(self, seconds=40):
        return self.process.wait(seconds)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def copy_crm(folder):
    return Path(shutil.copytree(CRM, folder / "crm", ignore=shutil.ignore_patterns(".castwork", "__pycache__")))


@pytest.fixture
def crm(tmp_path):
    """A copy of the sample app, to be changed at will."""
    return copy_crm(tmp_path)


@pytest.fixture
def serve():
    """Starts servers that end with the test."""
    started = []

    def start(path, *options, **more):
        started.append(Serving(path, *options, **more))
        return started[-1]

    yield start
    for serving in started:
        serving.close()


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A server of the sample app for tests that leave it as they found it."""
    serving = Serving(copy_crm(tmp_path_factory.mktemp("shared")))
    yield serving
    serving.close()
