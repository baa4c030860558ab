"""The page of problems says what the code does: it is the generator's output, and its examples are what they claim."""

from pathlib import Path

from engine.definitions import CODES, Sources, validate_sources
from engine.definitions.codes import CODE_GROUPS
from engine.definitions.page import render_page
from tests.every import every

PAGE = Path(__file__).parents[2] / "app_definitions" / "DIAGNOSTICS.md"
AROUND = {
    "app.yaml": "name: crm\n",
    "entities/people.yaml": "fields:\n  name: {type: text}\n  email: {type: email}\n"
    "actions:\n  tidy: {type: global, parameters: {days: {type: integer}}, run: tidy}\n",
    "entities/companies.yaml": "fields:\n  name: {type: text}\n",
    "groups/sales.yaml": "label: Sales\n",
    "hooks.py": "async def tidy(ctx): ...\n",
}
"""What stands around an example; the example takes the place of its file."""

WITH_TEXT = [code for code in CODES.values() if code.file]


def codes_of(code, text):
    files = {**AROUND, code.file: text}
    if code.file == "hooks.py":
        files["entities/people.yaml"] = "fields:\n  name: {type: text}\n"
    return [item.code for item in validate_sources(Sources("", dict(sorted(files.items())))).diagnostics]


def test_the_page_is_what_the_codes_say():
    command = "python -m engine.definitions.page > app_definitions/DIAGNOSTICS.md"
    assert PAGE.read_text() == render_page(), f"run: {command}"


@every("code", WITH_TEXT, ids=lambda code: code.code)
def test_the_wrong_example_has_the_problem(code):
    assert code.code in codes_of(code, code.wrong)


@every("code", WITH_TEXT, ids=lambda code: code.code)
def test_the_right_example_has_no_problem(code):
    assert codes_of(code, code.right) == []


def test_codes_are_grouped_by_their_letter_and_explained():
    assert sum(len(group.codes) for group in CODE_GROUPS) == len(CODES)
    for group in CODE_GROUPS:
        assert len({code.code[0] for code in group.codes}) == 1
    for name, code in CODES.items():
        assert name == code.code
        assert code.title[0].isupper() or code.title.startswith("hooks.py")
        assert code.explanation.endswith((".", "…"))
        assert code.wrong
        assert code.right
        assert code.wrong != code.right
