"""Laying files out: doing it twice is doing it once, and neither meaning, comments nor problems change."""

import random
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.definitions import Sources, read_sources, validate_sources
from engine.definitions.format import CannotFormat, format_text
from engine.definitions.text import load_text
from tests.unit.definitions.meaning import meaning_of

ROOT = Path(__file__).parents[2]
CASES = sorted((ROOT / "tests" / "cases" / "definitions").glob("*.yaml"))
CRM = read_sources(ROOT / "app_definitions" / "crm").files
STARTER = read_sources(ROOT / "server" / "starter").files


def definitions(files):
    return {
        name: text
        for name, text in files.items()
        if name.endswith((".yaml", ".json")) and not name.startswith("tests/")
    }


def told(files):
    """The problems of an app without their places, and the app itself where it has none."""
    checked = validate_sources(Sources("", files))
    app = meaning_of(checked.app) if checked.ok else None
    return sorted((item.code, re.sub(r"\d+:\d+", "", item.message)) for item in checked.diagnostics), app


def format_all(files):
    done = dict(files)
    for name, text in definitions(files).items():
        try:
            done[name] = format_text(name, text)
        except CannotFormat as reason:
            assert str(reason).startswith("left as it is: ")  # noqa: PT017 - most files are expected to be laid out
            continue
        assert format_text(name, done[name]) == done[name]
    return done


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_cases_keep_their_meaning_and_problems(path):
    files = {"app.yaml": "name: crm\n", **yaml.safe_load(path.read_text())["files"]}
    files = dict(sorted(files.items()))
    assert told(format_all(files)) == told(files)


def test_most_cases_are_laid_out():
    texts = [
        (name, text) for path in CASES for name, text in definitions(yaml.safe_load(path.read_text())["files"]).items()
    ]
    readable = [(name, text) for name, text in texts if not load_text(name, text)[1]]
    refused = []
    for name, text in readable:
        try:
            format_text(name, text)
        except CannotFormat as reason:
            refused.append(str(reason))
    assert len(readable) > 200
    assert len(refused) <= 2, refused


@pytest.mark.parametrize("files", [CRM, STARTER], ids=["crm", "starter"])
def test_sample_apps_are_laid_out_already(files):
    for name, text in definitions(files).items():
        assert format_text(name, text) == text, name


def unsettle(text, dice):
    """The text with comments and blank lines anywhere, and blocks indented otherwise."""
    lines = []
    wide = dice.random() < 0.5
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip(" "))
        if dice.random() < 0.25:
            lines.append(dice.choice(["", "", " " * dice.choice([0, indent, indent + 2, 4]) + f"# {dice.random()}"]))
        if line.strip() and dice.random() < 0.2 and not line.rstrip().endswith(("|", ">")):
            line += "  " * dice.randrange(1, 3) + f"# {dice.random()}"
        lines.append(" " * (indent if wide else 0) + line)
    return "\n".join(lines)


@pytest.mark.parametrize("name", [name for name in CRM if name.startswith(("entities/", "groups/"))])
def test_comments_and_blank_lines_anywhere_stay(name):
    dice = random.Random(name)
    kept = 0
    for _ in range(30):
        files = {**CRM, name: unsettle(CRM[name], dice)}
        if load_text(name, files[name])[1]:
            continue
        done = format_all(files)
        assert told(done) == told(files)
        for comment in re.findall(r"# 0\.\d+", files[name]):
            assert done[name].count(comment) == 1
        kept += done[name] != files[name]
    assert kept > 10


WORDS = st.sampled_from(
    ["a", "'b c'", '"d # e"', "1", "true", "x, y", "[a, {b: c}]", "{d: e, f: g}", "|\n  text", "''"]
)
KEYS = ["label", "description", "recordLabel", "fields", "actions", "queries", "auditLogs", "odd"]
COMMENTS = st.sampled_from(["", "", "  # c", " #"])


@st.composite
def blocks(draw, indent=0, depth=0):
    pad = " " * indent
    lines = []
    for key in draw(st.lists(st.sampled_from(KEYS), unique=True, min_size=1, max_size=4)):
        lines += draw(
            st.lists(st.sampled_from(["", f"{pad}# own line", f"{pad}  # deeper", "# at the margin"]), max_size=1)
        )
        if depth < 3 and draw(st.booleans()):
            step = draw(st.sampled_from([1, 2, 4]))
            inner = draw(blocks(indent + step, depth + 1))
            if draw(st.booleans()):
                first, *rest = inner.split("\n")
                dash = f"{' ' * (indent + step)}- "
                inner = "\n".join([dash + first.strip(), *("  " + line if line else "" for line in rest)])
            lines += [f"{pad}{key}:{draw(COMMENTS)}", inner]
        else:
            word = draw(WORDS).replace("\n", f"\n{pad}")
            lines.append(f"{pad}{key}:{draw(st.sampled_from([' ', '   ']))}{word}{draw(COMMENTS)}")
    return "\n".join(lines)


@settings(max_examples=200, deadline=None)
@given(blocks())
def test_any_block_is_laid_out_for_good_or_left_alone(text):
    if not load_text("entities/a.yaml", text)[1]:
        files = {"app.yaml": "name: a\n", "entities/a.yaml": text}
        assert told(format_all(files)) == told(files)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab:{}[],-#|>'\" \n&*?", max_size=60))
def test_any_text_is_laid_out_or_refused_in_words(text):
    try:
        done = format_text("entities/a.yaml", text)
    except CannotFormat:
        return
    assert format_text("entities/a.yaml", done) == done
