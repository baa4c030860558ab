"""The reference API's own samples, replayed against the sample app: every answer has the sample's shape and values."""

from __future__ import annotations

import re
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

CASES = Path(__file__).parents[2] / "cases" / "seeds"

MATCHERS = {
    "<id>": lambda value: isinstance(value, str) and re.fullmatch("[0-9a-f]{24}", value) is not None,
    "<ms>": lambda value: type(value) is int and value > 1_400_000_000_000,
    "<number>": lambda value: type(value) in (int, float),
    "<text>": lambda value: isinstance(value, str) and value != "",
}


def differences(expected: Any, found: Any, kept: dict[str, str], where: str = "answer") -> list[str]:
    """Where an answer is not what the sample shows; keys must be the same, their order is free."""
    if isinstance(expected, str) and expected in MATCHERS:
        return [] if MATCHERS[expected](found) else [f"{where}: {found!r} is no {expected}"]
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return [f"{where}: {found!r} is no object"]
        named = {key.format(**kept): value for key, value in expected.items()}
        missing = [f"{where}.{key} is missing" for key in named.keys() - found.keys()]
        added = [f"{where}.{key} is not in the sample" for key in found.keys() - named.keys()]
        inner = [
            one
            for key in named.keys() & found.keys()
            for one in differences(named[key], found[key], kept, f"{where}.{key}")
        ]
        return missing + added + inner
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return [f"{where}: {found!r} has not {len(expected)} items"]
        pairs = enumerate(zip(expected, found, strict=True))
        return [one for index, (want, got) in pairs for one in differences(want, got, kept, f"{where}[{index}]")]
    return [] if expected == found and type(expected) is type(found) else [f"{where}: {found!r} is not {expected!r}"]


def at(answer: Any, path: str) -> Any:
    """What stands at a dotted path."""
    for key in path.split("."):
        answer = answer[key]
    return answer


@pytest.mark.parametrize("file", sorted(CASES.glob("*.yaml")), ids=lambda file: file.stem)
def test_samples_replay(file, serve, crm):
    serving = serve(crm)
    filler = [{"name": f"Filler {number}", "state": "pending", "type": "b"} for number in range(3)]
    for body in filler:
        assert serving.client.post("/data/companies", json=body).status_code == 200
    kept: dict[str, str] = {}
    for step in yaml.safe_load(file.read_text()):
        request = step["request"]
        path = request["path"].format(**kept)
        files = [("file", (name, content)) for name, content in request.get("upload", {}).items()] or None
        asking = partial(serving.client.request, request["method"], path, json=request.get("body"), files=files)
        answer = asking()
        give_up = time.monotonic() + 30
        while any(answer.json()[key] != value for key, value in step.get("until", {}).items()):
            assert time.monotonic() < give_up, step["sample"]
            time.sleep(0.05)
            answer = asking()
        assert answer.status_code == step["status"], f"{step['sample']}: {answer.text}"
        assert answer.headers.items() >= step.get("headers", {}).items(), step["sample"]
        if "content" in step:
            assert answer.text == step["content"], step["sample"]
            continue
        assert not differences(step["response"], answer.json(), kept), step["sample"]
        kept.update({name: at(answer.json(), path) for name, path in step.get("keep", {}).items()})
