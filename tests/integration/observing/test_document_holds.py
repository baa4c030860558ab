"""Every sample app, held to its OpenAPI document by Schemathesis: what it says is accepted, refused and answered is.

The short run takes a minute; CASTWORK_EXAMPLES=500 sends so many requests to each operation, in all phases.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.definitions import find_apps
from tests.integration.http.conftest import ROOT, Serving

CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = int(os.environ.get("CASTWORK_EXAMPLES", "0"))
PHASES = "examples,coverage,fuzzing,stateful" if EXAMPLES else "examples,fuzzing,stateful"
CHECKS = {
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
    "valid_requests_are_done",
}
WARNED = {
    "validation_mismatch": {
        r"(DELETE|PUT) /data/[\w.]+(/\w+)?": "operations on the records of a query want a filter, or _all=true",
        r"PUT /status/jobs/{id}/(stop|forceStop|cancel|resume|undo)": "most jobs are over when they are asked to stop",
        r"PUT /data/\w+/{id}/\w+": "actions have preconditions",
        r"POST /data/[\w.]+/import": "files made by chance have no columns of the entity",
        r"POST /files": "parts made by chance are no files",
        r"POST /data/\w+": "records refer to others, made by chance",
        r"PUT /data/\w+/{id}": "records refer to others, made by chance",
        r"POST /auth/login": "nobody is called so",
        r"GET /data/[\w.]+/{id}/_access": "groups and users made by chance are not there",
        r"GET /data/[\w.]+": "filters are a language of their own",
    },
    "missing_test_data": {
        r"GET /data/[\w.]+/{id}/files/{file}": "no entity of the sample app has files",
        r"(GET|PUT) /files/.*": "few uploads made by chance are files",
        r"(GET|PUT) /status/jobs?/{id}.*": "few jobs are made",
        r"PUT /data/\w+/{id}/revert": "the trail goes back to versions that there were",
    },
}
"""Warnings that may be, by pattern of the operation, and why; any other is a failure."""


def st(*words, **environment):
    return subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", *words],
        cwd=ROOT,
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module", params=find_apps(ROOT / "app_definitions"), ids=lambda app: app.name)
def serving(request, tmp_path_factory):
    home = tmp_path_factory.mktemp("held") / request.param.name
    shutil.copytree(request.param, home, ignore=shutil.ignore_patterns(".castwork", "__pycache__"))
    server = Serving(home)
    yield server
    server.close()


def test_the_app_does_what_its_document_says(serving, tmp_path):
    document, report = tmp_path / "openapi.json", tmp_path / "report.json"
    answer = serving.client.get("/openapi.json")
    document.write_bytes(answer.content)
    done = st(
        *(str(document), "--url", serving.url, "--no-color", "--phases", PHASES),
        *("--checks", ",".join(sorted(CHECKS)), "--max-examples", str(EXAMPLES or 3)),
        *("--report-json-path", str(report)),
        CASTWORK_TOKEN=serving.client.auth.token,
    )
    assert report.exists(), done.stderr + done.stdout
    told = json.loads(report.read_text())
    assert not told["failures"], done.stdout
    assert not told["errors"], done.stdout
    assert done.returncode == 0, done.stderr
    assert told["operations"]["tested"] == told["operations"]["selected"] > 50
    assert told["test_cases"]["generated"] > 2 * told["operations"]["selected"]
    assert not told["warnings"]["missing_auth"]
    for warning, known in WARNED.items() if EXAMPLES else ():  # a few examples do not come far
        strange = [name for name in told["warnings"][warning] if not any(re.fullmatch(one, name) for one in known)]
        assert not strange, warning
