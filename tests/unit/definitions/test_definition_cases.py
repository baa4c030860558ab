"""Broken apps as data: exactly the expected problems, each at its place, and a case for every code."""

from engine.definitions import CODES, Sources, validate_sources
from engine.definitions.system import SYSTEM_ENTITIES
from tests.unit.definitions.broken_apps import broken_apps, every_broken_app

FROM_DISK = {"S108", "S116"}
"""Problems of reading files, which no text can have; the tests of sources provoke them."""


def fits(found, expected):
    return found.startswith(expected.removesuffix("…")) if expected.endswith("…") else found == expected


@every_broken_app
def test_problems_are_the_expected_ones(app):
    found = [(item.code, str(item.at), item.message) for item in app.checked.diagnostics]
    assert [item[:2] for item in found] == [tuple(item[:2]) for item in app.expected]
    for (_, _, message), (_, _, wanted) in zip(found, app.expected, strict=True):
        assert fits(message, wanted)


@every_broken_app
def test_every_problem_says_what_to_write(app):
    for item in app.checked.diagnostics:
        assert item.hint, item
        assert item.severity == CODES[item.code].severity


def test_every_code_has_a_case():
    provoked = {item[0] for app in broken_apps() for item in app.expected}
    assert provoked == set(CODES) - FROM_DISK


def test_the_entities_of_the_system_keep_the_laws():
    files = {f"entities/{name.replace('sys.', 'own')}.yaml": text for name, text in SYSTEM_ENTITIES.items()}
    hooks = "async def resetPassword(ctx): ...\n"  # in place of what the server does itself
    assert validate_sources(Sources("", {"app.yaml": "name: crm\n", "hooks.py": hooks, **files})).diagnostics == ()
