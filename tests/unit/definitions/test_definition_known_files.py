"""Files that have not changed are not loaded again, and the app is the same as if they were."""

from engine.compiler import compile_app
from engine.definitions import KnownFiles, Sources, validate_sources
from engine.definitions.load import load_definitions
from tests.unit.definitions.meaning import meaning_of

FILES = {
    "app.yaml": "name: shop\n",
    "entities/a.yaml": "fields: {name: {type: text}, b: {type: relationship, entity: b}}\n",
    "entities/b.yaml": "fields: {name: {type: txt}}\n",
    "groups/all.yaml": "entities: {a: {read: always}}\n",
    "tests/a.yaml": "requests: []\n",
}


def test_unchanged_files_keep_their_trees():
    known = KnownFiles()
    first = load_definitions(Sources("", FILES), known)
    changed = {**FILES, "entities/a.yaml": "fields: {title: {type: text}}\n"}
    second = load_definitions(Sources("", changed), known)
    for name in FILES:
        assert (second.trees[name] is first.trees[name]) == (name != "entities/a.yaml")
    assert "title" in second.entities["a"].fields.entries


def test_the_problems_of_unchanged_files_are_told_again():
    known = KnownFiles()
    files = {**FILES, "entities/b.yaml": "lable: B\n", "entities/c.yaml": "a: ["}
    assert validate_sources(Sources("", files), known) == validate_sources(Sources("", files), known)
    assert {item.code for item in validate_sources(Sources("", files), known).diagnostics} == {"S100", "S111"}


def test_changes_give_what_a_fresh_look_gives():
    known = KnownFiles()
    editions = [
        FILES,
        {**FILES, "entities/b.yaml": "fields: {name: {type: text}}\n"},
        {name: text for name, text in FILES.items() if name != "entities/b.yaml"},
        {**FILES, "entities/b.json": '{"label": "B"}'},
        FILES,
    ]
    for files in editions:
        sources = Sources("", dict(sorted(files.items())))
        remembered, fresh = validate_sources(sources, known), validate_sources(sources)
        assert remembered.diagnostics == fresh.diagnostics
        assert meaning_of(remembered.app) == meaning_of(fresh.app)


def test_files_that_are_gone_are_forgotten():
    known = KnownFiles()
    known.load(FILES)
    known.load({"app.yaml": FILES["app.yaml"]})
    assert list(known.load({"app.yaml": FILES["app.yaml"]})) == ["app.yaml"]


def test_an_app_compiles_from_known_files():
    known = KnownFiles()
    files = {**FILES, "entities/b.yaml": "fields: {name: {type: text}}\n"}
    for _ in range(2):
        assert set(compile_app(Sources("", files), known).entities) == {"a", "b", "sys.users"}
