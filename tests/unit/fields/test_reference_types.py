"""relationship, group, file, id: the written forms, and ids between text and storage."""

import base64
from decimal import Decimal

import pytest
from bson import ObjectId

from engine.errors import InvalidValue
from engine.fields import FIELD_TYPES, Ask, IdType, Locale, Upload
from engine.fields.reference import Home, group_id
from tests.every import every

HEX = "57fd2d64e4b0b2f2a4f7a1c3"


def kind(name, **options):
    return FIELD_TYPES[name].configure(options)


@every(
    ("written", "ask"),
    [
        ({"id": HEX}, Ask(id=HEX)),
        ({"id": HEX.upper()}, Ask(id=HEX)),
        (HEX, Ask(text=HEX)),
        ({"label": "Fivechat"}, Ask(by=("label", "Fivechat"))),
        ("Fivechat", Ask(text="Fivechat")),
        ({"code": 7}, Ask(by=("code", 7))),
        ({"code": "x"}, Ask(by=("code", "x"))),
        ({"code": Decimal("1.5")}, Ask(by=("code", Decimal("1.5")))),
        ({"id": HEX, "label": "Fivechat", "type": "c"}, Ask(id=HEX)),
        ({"id": None, "label": "Fivechat", "type": "c"}, Ask(by=("label", "Fivechat"))),
        ({"id": None, "label": None, "code": "x"}, Ask(by=("code", "x"))),
        ({"label": HEX}, Ask(by=("label", HEX))),
    ],
)
@every("name", ["relationship", "group"])
def test_written_forms(name, written, ask):
    assert kind(name).parse_json(written) == ask


@every(
    "value",
    [
        5,
        True,
        [],
        [HEX],
        {},
        {"id": 5},
        {"id": {"$ne": 1}},
        {"id": None},
        {"label": ""},
        {"label": 5},
        {"label": ["x"]},
        {"code": {"$ne": 1}},
        {"code": [1]},
        {"a": 1, "b": 2},
        {"\ud800": 1},
        {"code": "\ud800"},
        {"label": "\ud800"},
        "\ud800",
        "",
    ],
)
def test_what_points_to_nothing(value):
    with pytest.raises(InvalidValue, match="Expected a record"):
        kind("relationship").parse_json(value)


@pytest.mark.parametrize(("name", "title"), [("relationship", "label"), ("group", "label"), ("file", "name")])
def test_stored_ids(name, title):
    reference = kind(name)
    value = {"id": HEX, title: "X", "type": "c"}
    stored = reference.to_stored(value)
    assert stored == {"id": ObjectId(HEX), title: "X", "type": "c"}
    assert reference.from_stored(stored) == reference.render_stored(stored) == value
    assert value["id"] == HEX
    assert reference.query_part == title
    assert reference.query_value(value) == reference.csv_out(value) == reference.plain_text(value, {}, Locale()) == "X"
    assert reference.parse_text("X") == "X"


def test_a_reference_without_label_has_an_empty_cell():
    assert kind("relationship").csv_out({"id": HEX, "label": None}) == ""


def test_cells_name_a_target():
    assert kind("relationship").csv_in("Fivechat") == Ask(text="Fivechat")


def test_computed_references():
    value = {"id": HEX, "label": "Fivechat"}
    assert kind("relationship").fit(value) is value
    assert kind("relationship").fit("Fivechat") == Ask(text="Fivechat")
    assert kind("relationship").fit({"id": HEX}) == Ask(id=HEX)
    with pytest.raises(InvalidValue):
        kind("relationship").fit(5)


def test_surrogates_are_no_query():
    with pytest.raises(InvalidValue):
        kind("relationship").parse_text("\ud800")


def test_each_reference_has_its_home():
    assert [kind(name).home for name in ("relationship", "group", "file")] == [Home.RECORDS, Home.GROUPS, Home.FILES]


def test_group_ids_are_made_of_names():
    assert group_id("sales") == group_id("sales") != group_id("readers")
    assert ObjectId(group_id("sales"))


def test_only_listed_groups():
    group = kind("group", groups=["sales", "readers"])
    group.check({"id": group_id("sales"), "label": "Sales"})
    group.check(Ask(text="sales"))
    kind("group").check({"id": group_id("other"), "label": "Other"})
    with pytest.raises(InvalidValue) as refused:
        group.check({"id": group_id("other"), "label": "Other"})
    assert (refused.value.rule, refused.value.limit) == ("groups", ["sales", "readers"])


def test_files_are_named_by_id_only():
    file = kind("file")
    assert file.parse_json(HEX) == file.parse_json({"id": HEX.upper(), "name": "logo.png (4kB)"}) == Ask(id=HEX)
    for value in ({"name": "logo.png"}, {"label": "x"}, {}, 5, ["x"], {"id": 5, "content": "eA=="}):
        with pytest.raises(InvalidValue, match="Expected a file") as refused:
            file.parse_json(value)
        assert refused.value.code == "invalid"


@pytest.mark.parametrize("name", ["relationship", "group", "file"])
def test_text_that_is_no_id_is_the_id_of_nothing(name):
    for value in ({"id": "x"}, {"id": ""}, {"id": HEX + "0", "label": "x", "name": "x"}):
        with pytest.raises(InvalidValue, match=f"Expected {kind(name).expected[:8]}") as refused:
            kind(name).parse_json(value)
        assert (refused.value.code, refused.value.info) == ("notFound", {"rejectedValue": value})


def test_files_can_be_sent_along():
    content = b"\x00\xffhello"
    written = {
        "name": "a.bin",
        "contentType": "application/octet-stream",
        "content": base64.b64encode(content).decode(),
    }
    assert kind("file").parse_json(written) == Ask(upload=Upload("a.bin", "application/octet-stream", content))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"contentType": None}, "Content type is required when uploading a file and must be a string"),
        ({"contentType": 5}, "Content type is required when uploading a file and must be a string"),
        ({"name": None}, "A name is required when uploading a file and must be a string"),
        ({"content": 5}, "Expected the file's content in base64"),
        ({"content": "%%%"}, "Expected the file's content in base64"),
        ({"content": "YQ"}, "Expected the file's content in base64"),
        ({"content": "é"}, "Expected the file's content in base64"),
    ],
)
def test_uploads_are_complete(part, message):
    with pytest.raises(InvalidValue) as refused:
        kind("file").parse_json({"name": "a", "contentType": "text/plain", "content": "YQ==", **part})
    assert refused.value.message == message


def test_ids():
    assert IdType().parse_json(HEX.upper()) == HEX
    assert IdType().to_stored(HEX) == ObjectId(HEX)
    assert IdType().from_stored(ObjectId(HEX)) == HEX
    for value in ("x", HEX + "0", HEX[:-1], HEX + "\n", 5, ObjectId(HEX), {"$ne": 1}):
        with pytest.raises(InvalidValue):
            IdType().parse_json(value)
