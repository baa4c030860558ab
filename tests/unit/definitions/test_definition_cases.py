"""Broken apps as data: exactly the expected problems, each at its place, and a case for every code."""

from pathlib import Path

import pytest
import yaml

from engine.definitions import CODES, Sources, validate_sources
from engine.definitions.system import SYSTEM_ENTITIES

CASES = sorted((Path(__file__).parents[2] / "cases" / "definitions").glob("*.yaml"))
FROM_DISK = {"S108", "S116"}
"""Problems of reading files, which no text can have; the tests of sources provoke them."""


def load(path):
    case = yaml.safe_load(path.read_text())
    files = {"app.yaml": "name: crm\n", **case["files"]}
    return validate_sources(Sources("", dict(sorted(files.items())))), case["problems"]


def fits(found, expected):
    return found.startswith(expected.removesuffix("…")) if expected.endswith("…") else found == expected


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_problems_are_the_expected_ones(path):
    checked, expected = load(path)
    found = [(item.code, str(item.at), item.message) for item in checked.diagnostics]
    assert [item[:2] for item in found] == [tuple(item[:2]) for item in expected]
    for (_, _, message), (_, _, wanted) in zip(found, expected, strict=True):
        assert fits(message, wanted)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_problem_says_what_to_write(path):
    checked, _ = load(path)
    for item in checked.diagnostics:
        assert item.hint, item
        assert item.severity == CODES[item.code].severity


def test_every_code_has_a_case():
    provoked = {item[0] for path in CASES for item in yaml.safe_load(path.read_text())["problems"]}
    assert provoked == set(CODES) - FROM_DISK


def test_the_entities_of_the_system_keep_the_laws():
    files = {f"entities/{name.replace('sys.', 'own')}.yaml": text for name, text in SYSTEM_ENTITIES.items()}
    assert validate_sources(Sources("", {"app.yaml": "name: crm\n", **files})).diagnostics == ()
