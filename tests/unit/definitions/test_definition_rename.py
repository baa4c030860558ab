"""Renaming fields: every reference follows, nothing else changes, and what would mean something else is refused."""

import re
from functools import cache

import pytest

from engine.definitions import Sources, resolve_app
from engine.definitions.load import load_definitions
from engine.definitions.mentions import mentions
from engine.definitions.rename import CannotRename, plan_rename
from engine.definitions.resolve import resolve_definitions
from engine.definitions.rules.context import Context
from engine.definitions.words import in_words
from tests.every import every
from tests.unit.definitions.meaning import meaning_of

APP = {
    "app.yaml": """
name: shop
schedules: {nightly: {cron: 0 3 * * *, entity: things, action: tidy, params: {place: {code: x}}}}
""",
    "entities/base.yaml": """
abstract: true
fields:
  code: {type: text, required: true, unique: true, lookup: true}  # the code
  shape:
    # a comment
    type: choice
    options: [round, flat]
validations:
  - {check: len(code) > 1, field: code}
""",
    "entities/things.yaml": """
extends: base
# the label
recordLabel: "{code}: {size + 1} in {rows[0].city} {'code'}"
auditLogs: {ignore: [size, rows], keep: 30d}
fields:
  size: {type: integer, aliases: [length]}
  rows:
    type: nested
    many: true
    recordLabel: "{city} of {parent.size}"
    fields:
      city: {type: text, required: "parent.size > 3"}
      zip:
        type: text
        aliases:
          - postcode
  total: {type: integer, calculated: "sum([row.zip == '' and 1 or size for row in rows if row.city != code])"}
  kind: {type: choice, options: [{name: a, when: size > 1}, {name: b, when: {shape: round}}]}
  place: {type: relationship, entity: places, copy: [code, town], where: {town: $record.code},
          default: {code: main}}
  many: {type: integer, calculated: {aggregate: {entity: places, where: {town: "equals($record.code,other)"},
         operation: sum, field: height}}}
  note: {type: text, defaultExpression: "place.town + record.code", read: {rows: {city: x, zip: [a, b]}},
         validations: [{check: value != record.code, field: note}]}
indexes:
  - [-size, code]
  - {name: words, type: text, fields: [note, rows.city]}
validations:
  - {check: "size != 3 or old.size == size or 'size' == code", field: size}
actions:
  grow:
    precondition: {_or: [{size: 1}, {_and: [{code: a}, {shape: flat}]}]}
    parameters: {size: {type: integer}, place: {type: relationship, entity: places}}
    steps:
      - {when: "params.size > size", set: {size: "=size + params.size", place: {code: "{code}"}}}
      - append: {rows: {city: "{code}", zip: "=note"}}
      - remove: {rows: {city: x}}
      - create: {entity: places, values: {code: "{code}", town: "size"}}
      - update: {entity: places, where: {code: $record.code, height: greater(2)}, set: {town: "{note}"}}
      - delete: {entity: places, where: {town: $record.note}}
      - action: {name: other, params: {place: {code: y}}}
      - log: {message: "size {size} {{size}} of {code}"}
    respond: "{'size': size, 'rows': [row.city for row in rows]}"
  other: {parameters: {place: {type: relationship, entity: places}}, respond: params.place.label}
  tidy: {type: global, parameters: {place: {type: relationship, entity: places}}, run: tidy}
listeners:
  told: {on: [conditionMet], when: {size: greater(3), rows: 'equals({"city": "size", "zip": "x"})'}, run: tidy}
""",
    "entities/places.json": """
{"extends": "base", "recordLabel": "{code} {town}",
 "fields": {"town": {"type": "text"}, "height": {"type": "integer", "aliases": []}}}
""",
    "groups/sales.yaml": """
entities:
  things:
    read: {size: greater(1), place.code: a, owner: x}
    fields: {size: none, rows.city: readOnly, "place.town": {read: always, write: {code: b}}}
  places: {read: {town: $user.lastName}}
""".replace(", owner: x", ""),
    "hooks.py": "async def tidy(ctx):\n    return ctx.record['size'] + ctx.record['resize']\n",
    "tests/things.yaml": """
permissions:
  - {as: sales, on: things, record: {size: 1, rows: [{city: x}], place: {code: size}}, becomes: {size: 2},
     can: {read: true, fields: {size: none, rows.city: readOnly}}}
requests:
  - {method: GET, path: "/data/things?size=3&_fields=size,rows.city&_sortField=-size", status: 200,
     response: {total: 1, items: [{size: 3, place: {label: x, town: y}}]}}
  - {method: POST, path: /data/things, body: {size: 3, rows: [{zip: size}]}, response: {errors: [{field: size}]}}
  - {method: PUT, path: /data/things/1/grow, body: {size: 3}}
""",
}
DATA = {
    "data/things.json": '[{"code": "size", "size": 1, "rows": [{"city": "x", "zip": "y"}]},\n {"size": 2, "place": {"code": "c"}}]',
    "data/places.csv": 'code,town,"height"\nsize,code,1\n',
    "data/things.csv": 'size,rows[0].city,"rows[1].zip",place.code\n1,size,x,y\n',
    "data/other.json": '{"size": 1}',
}
SOURCES = Sources("", dict(sorted(APP.items())))
FIELDS = ["base.code", "base.shape", "things.code", "things.size", "things.rows", "things.rows.city", "things.rows.zip",
          "things.total", "things.kind", "things.place", "things.many", "things.note", "places.town", "places.height"]  # fmt: skip


def context_of(files):
    written = load_definitions(Sources("", dict(sorted(files.items()))))
    return Context(written, resolve_definitions(written))


def renamed(path, new, files=APP, data=DATA):
    sources = Sources("", dict(sorted(files.items())))
    done = plan_rename(sources, data, path, new)
    return {**files, **data, **done.files}, done


@cache
def meaning():
    return meaning_of(resolve_app(SOURCES))


@cache
def to_new_name(path):
    """The sample app with one field under another name, made once for all that is asked of it."""
    return renamed(path, "zzq")


def without_alias(text, old):
    """The texts that this one may have been before an alias was added, however it is written."""
    quoted = old if f"[{old}]" in text or f", {old}]" in text or f"- {old}" in text else f'"{old}"'
    for more, less in (
        (f", aliases: [{quoted}]", ""),
        (f', "aliases": [{quoted}]', ""),
        (f", {quoted}]", "]"),
        (f"[{quoted}]", "[]"),
        (f"\n    aliases: [{quoted}]", ""),
        (f"\n          - {quoted}", ""),
    ):
        if more in text:
            yield text.replace(more, less, 1)
    yield text


@every("path", FIELDS)
def test_only_names_and_an_alias_change(path):
    old = path.rpartition(".")[2]
    after, done = to_new_name(path)
    for name, text in {**APP, **DATA}.items():
        assert text in [before.replace("zzq", old) for before in without_alias(after[name], old)]
        assert (name in done.files) == (after[name] != text)
        if name in done.places:
            assert done.places[name] > 0


@every("path", FIELDS)
def test_no_reference_keeps_the_old_name(path):
    old = path.rpartition(".")[2]
    after, _ = to_new_name(path)
    left = [item for item in mentions(context_of(after)) if item.name == old and "zzq" in (item.field.name)]
    assert any(item.name == old for item in mentions(context_of(APP)))
    assert left == []


@every("path", FIELDS)
def test_the_app_means_the_same_under_the_new_name(path):
    old = path.rpartition(".")[2]
    after, _ = to_new_name(path)
    app = resolve_app(Sources("", dict(sorted((name, text) for name, text in after.items() if name in APP))))

    def back(part):
        if isinstance(part, str):
            return part.replace("zzq", old).replace("Zzq", in_words(old))
        if isinstance(part, dict):
            return {back(key): back(value) for key, value in part.items() if key != "aliases"}
        return [back(item) for item in part] if isinstance(part, list | tuple) else part

    def plain(part):
        if isinstance(part, dict):
            return {key: plain(value) for key, value in part.items() if key != "aliases"}
        return [plain(item) for item in part] if isinstance(part, list | tuple) else part

    assert back(meaning_of(app)) == plain(meaning())


@every("path", FIELDS)
def test_renaming_back_leaves_the_other_name_as_alias(path):
    old = path.rpartition(".")[2]
    after, _ = to_new_name(path)
    there = {name: text for name, text in after.items() if name in APP}
    data = {name: text for name, text in after.items() if name in DATA}
    back, _ = renamed(f"{path.rpartition('.')[0]}.zzq", old, there, data)
    for name, text in {**APP, **DATA}.items():
        assert text in without_alias(back[name], "zzq")


def test_references_of_every_kind_follow():
    after, done = renamed("things.size", "length2")
    things = after["entities/things.yaml"]
    assert "length2: {type: integer, aliases: [length, size]}" in things
    for part in (
        "{length2 + 1}",
        "ignore: [length2, rows]",
        "parent.length2 > 3",
        "or length2 for row in rows",
        "when: length2 > 1",
        "[-length2, code]",
        "length2 != 3 or old.length2 == length2 or 'size' == code\", field: length2",
        "{_or: [{length2: 1}",
        'params.size > length2", set: {length2: "=length2 + params.size"',
        'town: "size"',
        "size {length2} {{size}} of",
        "{'size': length2,",
        'when: {length2: greater(3), rows: \'equals({"city": "size"',
    ):
        assert part in things
    assert "read: {length2: greater(1)" in after["groups/sales.yaml"]
    assert "fields: {length2: none" in after["groups/sales.yaml"]
    assert '"code": "size", "length2": 1' in after["data/things.json"]
    assert after["data/things.csv"].startswith("length2,rows[0].city")
    assert after["data/other.json"] == DATA["data/other.json"]
    examples = after["tests/things.yaml"]
    assert "?length2=3&_fields=length2,rows.city&_sortField=-length2" in examples
    assert "record: {length2: 1, rows: [{city: x}], place: {code: size}}" in examples
    assert "errors: [{field: length2}]" in examples
    assert "grow, body: {size: 3}" in examples
    assert done.notes == ("hooks.py:2 says size: Python is not changed, look at it",)


def test_inner_fields_follow_in_groups_comprehensions_and_headers():
    after, _ = renamed("things.rows.city", "town")
    things = after["entities/things.yaml"]
    assert 'recordLabel: "{town} of {parent.size}"' in things
    assert "{rows[0].town}" in things
    assert "if row.town != code" in things
    assert "[row.town for row in rows]" in things
    assert "read: {rows: {town: x" in things
    assert 'equals({"town": "size"' in things
    assert "append: {rows: {town:" in things
    assert "remove: {rows: {town: x}}" in things
    assert "rows.town: readOnly" in after["groups/sales.yaml"]
    assert "rows[0].town" in after["data/things.csv"]
    assert '{"town": "x", "zip": "y"}' in after["data/things.json"]


def test_copies_and_lookups_follow_in_other_entities():
    after, _ = renamed("places.town", "city")
    things = after["entities/things.yaml"]
    assert "copy: [code, city], where: {city: $record.code}" in things
    assert "place.city + record.code" in things
    assert '"place.city": {read' in after["groups/sales.yaml"]
    assert '"city": {"type": "text", "aliases": ["town"]}' in after["entities/places.json"]
    assert "place: {label: x, city: y}" in after["tests/things.yaml"]


def test_what_is_inherited_follows_in_the_whole_family():
    after, _ = renamed("places.code", "key")
    assert (
        "key: {type: text, required: true, unique: true, aliases: [code], lookup: true}  # the code"
        in after["entities/base.yaml"]
    )
    assert "default: {key: main}" in after["entities/things.yaml"]
    assert "params: {place: {key: x}}" in after["app.yaml"]
    assert '"{key} {town}"' in after["entities/places.json"]
    assert '"size": 2, "place": {"key": "c"}' in after["data/things.json"]


def test_an_alias_goes_below_the_keys_of_a_block():
    after, _ = renamed("base.shape", "form")
    assert "    options: [round, flat]\n    aliases: [shape]\n" in after["entities/base.yaml"]
    after, _ = renamed("things.rows", "lines")
    assert re.search(
        r"many: true\n    recordLabel: .*\n    aliases: \[rows\]\n    fields:", after["entities/things.yaml"]
    )


def test_overridden_fields_are_one_field():
    files = {
        "app.yaml": "name: a\n",
        "entities/a.yaml": "abstract: true\nrecordLabel: name\nfields: {name: {type: text, required: true}}\n",
        "entities/b.yaml": "extends: a\nfields: {name: {type: text, required: true, label: B}}\n",
        "entities/c.yaml": "extends: b\nindexes: [[name]]\n",
    }
    for path in ("a.name", "b.name", "c.name"):
        after, _ = renamed(path, "title", files, {})
        assert [text.count("title") for text in after.values()] == [0, 2, 1, 1]


def test_a_file_in_the_house_layout_stays_in_it():
    files = {"app.yaml": "name: a\n", "entities/a.yaml": "fields:\n  name:  {type: text}\n  other: {type: text}\n"}
    after, _ = renamed("a.other", "x", files, {})
    assert after["entities/a.yaml"] == "fields:\n  name: {type: text}\n  x:    {type: text, aliases: [other]}\n"


def test_names_that_look_like_booleans_are_quoted():
    files = {"app.yaml": "name: a\n", "entities/a.yaml": "fields: {no: {type: text}}\n"}
    after, _ = renamed("a.no", "number", files, {})
    assert after["entities/a.yaml"] == 'fields: {number: {type: text, aliases: ["no"]}}\n'


@every(
    ("path", "new", "reason"),
    [
        ("things.size", "size", 'called "size" already'),
        ("things.size", "Size", "is not a name"),
        ("things.size", "label", "is reserved"),
        ("things.size", "note", 'things has a field "note" already'),
        ("things.rows.city", "zip", 'things has a field "zip" already'),
        ("things.rows.city", "postcode", 'the former name "postcode" of zip'),
        ("base.code", "note", 'things has a field "note" already'),
        ("things.place.town", "x", "follows places.town: rename that"),
        ("things.place.label", "x", "follows places.label"),
        ("things.label", "x", "comes with every record"),
        ("things.rows.id", "x", "comes with every record"),
        ("things.siz", "x", 'has no field "siz": did you mean "size"?'),
        ("thing.size", "x", 'did you mean "things"?'),
        ("size", "x", "write entity.field"),
        ("sys.users.email", "x", "belongs to the system"),
        ("things.size", "row", "would mean another field"),
        ("things.size", "record", "would mean another field|has another meaning|would not be right"),
        ("things.note", "params", "would mean another field|would not be right|another meaning"),
    ],
)
def test_refusals_say_why(path, new, reason):
    with pytest.raises(CannotRename, match=reason):
        plan_rename(SOURCES, DATA, path, new)


def test_an_app_with_errors_is_not_touched():
    with pytest.raises(CannotRename, match="the app has 1 error; castwork validate"):
        plan_rename(Sources("", {**APP, "entities/more.yaml": "lable: x\n"}), {}, "things.size", "x")


def test_a_new_name_that_a_variable_hides_is_refused():
    files = {
        "app.yaml": "name: a\n",
        "entities/a.yaml": "fields:\n  size: {type: integer}\n  tags: {type: text, many: true}\n"
        '  n: {type: integer, calculated: "sum([size for x in tags])"}\n',
    }
    with pytest.raises(CannotRename, match="choose another name"):
        renamed("a.size", "x", files, {})


def test_shared_and_escaped_forms_are_refused_in_words():
    files = {"app.yaml": "name: a\n", "entities/a.yaml": "fields:\n  a: &x {type: text}\n  b: *x\n"}
    with pytest.raises(CannotRename, match=r"write it plainly first|would not be right"):
        renamed("a.b", "c", files, {})
    files["entities/a.yaml"] = 'fields:\n  name: {type: text}\nindexes: [["n\\x61me"]]\n'
    with pytest.raises(CannotRename, match=r"a.yaml:3:13: .*unusual way"):
        renamed("a.name", "c", files, {})


def test_places_behind_pairs_of_surrogates_are_not_guessed():
    text = '{"label": "\\ud83d\\ude00", "fields": {"size": {"type": "text"}}}'
    with pytest.raises(CannotRename, match="write it plainly first"):
        renamed("a.size", "x", {"app.yaml": "name: a\n", "entities/a.json": text}, {})


def test_an_alias_that_is_the_new_name_changes_places():
    after, _ = renamed("things.size", "length")
    assert "length: {type: integer, aliases: [size]}" in after["entities/things.yaml"]
    after, _ = renamed("things.rows.zip", "postcode")
    assert "      postcode:\n        type: text\n        aliases:\n          - zip\n" in after["entities/things.yaml"]
