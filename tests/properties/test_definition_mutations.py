"""Small changes to good definitions: what comes out is an app that compiles or a list of problems, nothing else."""

import json
import os
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compiler import compile_app
from engine.definitions import Sources, read_sources, render_report, validate_sources
from engine.definitions.report import Report

ROOT = Path(__file__).parents[2]
APPS = {
    folder.name: read_sources(folder).files
    for folder in (ROOT / "app_definitions" / "crm", ROOT / "server" / "starter")
}
PLACES = [(app, name) for app, files in APPS.items() for name in files if not name.startswith("tests/")]
TOKEN = re.compile(r"[A-Za-z_$][\w$.]*|\d+|\s+|[^\w\s]")
MUTATIONS = int(os.environ.get("CASTWORK_MUTATIONS", "400"))
ODD = [
    "",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "'",
    '"',
    "-",
    "*",
    "&a ",
    "!x ",
    "#",
    "|",
    "\n",
    "\t",
    "null",
    "true",
    "1e9",
    "~",
]


def tokens_of(text):
    return TOKEN.findall(text)


WORDS = sorted(
    {token for files in APPS.values() for text in files.values() for token in tokens_of(text) if token.strip()}
)


def mutate(text, dice):
    tokens = tokens_of(text)
    place = dice.randrange(len(tokens))
    kind = dice.randrange(4)
    if kind == 0:
        del tokens[place]
    elif kind == 1:
        tokens.insert(place, tokens[place])
    elif kind == 2:
        tokens[place] = dice.choice(WORDS)
    else:
        tokens[place] = dice.choice(ODD)
    return "".join(tokens)


def check(files):
    checked = validate_sources(Sources("", files))
    assert checked.ok or checked.diagnostics
    for item in checked.diagnostics:
        assert item.at.file in files
        assert 1 <= item.at.line <= len(re.split("\r\n|\r|\n", files[item.at.file]))
        assert item.at.column >= 1
        assert item.hint
    for form in ("text", "json", "github", "sarif"):
        assert isinstance(render_report(Report(checked.diagnostics, files), form), str)
    if checked.ok:
        compiled = compile_app(Sources("", files))
        assert compiled.indexes is not None
        assert compiled.memberships is not None
    return checked


@pytest.mark.parametrize(("app", "name"), PLACES)
def test_one_changed_token_gives_an_app_or_problems(app, name):
    dice = random.Random(name)
    seen = set()
    for _ in range(max(20, -(-MUTATIONS // len(PLACES)))):
        text = mutate(APPS[app][name], dice)
        seen.add(check({**APPS[app], name: text}).ok)
    assert False in seen


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_gives_an_app_or_problems(text):
    check({"app.yaml": "name: crm\n", "entities/things.yaml": text, "groups/all.yaml": text, "hooks.py": text})


NAMES = st.sampled_from(
    ["fields", "type", "text", "nested", "relationship", "entity", "things", "label", "actions", "a"]
)
DATA = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), NAMES, st.text(max_size=5), st.sampled_from(["a == 1", "{a}", "=a"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)
KEYS = ["label", "recordLabel", "fields", "indexes", "validations", "actions", "listeners", "auditLogs", "extends"]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), DATA, max_size=6), DATA)
def test_any_data_gives_an_app_or_problems(entity, rights):
    check(
        {
            "app.json": '{"name": "crm"}',
            "entities/things.json": json.dumps(entity),
            "groups/all.json": json.dumps({"entities": {"things": rights}}),
        }
    )


FIELD_KEYS = ["type", "fields", "where", "copy", "options", "default", "calculated", "required", "display"]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELD_KEYS), DATA))
def test_any_field_gives_an_app_or_problems(field):
    check(
        {"app.yaml": "name: crm\n", "entities/things.json": json.dumps({"fields": {"a": field, "b": {"type": "text"}}})}
    )
