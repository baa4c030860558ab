"""Fields that point to stored files: the written forms, whose files may be pointed to, and what records show of them."""

import base64

import pytest
from bson import ObjectId

from engine.permissions import FULL_ACCESS
from engine.records import FILES, Asker, Uploader
from engine.records.files import file_paths, files_at

MINE, THEIRS, NOBODYS = ObjectId("a" * 24), ObjectId("b" * 24), ObjectId("c" * 24)
ADA = "1" * 24


def stored(key, user, *, held=False, name="logo.png", length=41_523):
    meta = {"purpose": "upload", "whole": True, "held": held, "user": user}
    return {"_id": key, "filename": name, "length": length, "metadata": meta}


@pytest.fixture
def things(bench):
    found = bench("""
fields:
  logo:  {type: file}
  scans: {type: file, many: true}
  parts: {type: nested, many: true, fields: {photo: {type: file}}}
  other: {type: file}
""")
    found.others[FILES] = [stored(MINE, ADA), stored(THEIRS, "2" * 24), stored(NOBODYS, None)]
    found.asker = Asker(lambda name: FULL_ACCESS, Uploader(ADA))
    return found


@pytest.mark.parametrize(
    "written", [{"id": str(MINE)}, str(MINE), str(MINE).upper(), {"id": str(MINE), "name": "wrong"}]
)
def test_an_upload_is_pointed_to_by_its_id_and_shown_with_its_size(things, written):
    document = things.create({"logo": written}).document
    assert document["logo"] == {"id": MINE, "name": "logo.png (41.5kB)"}
    assert things.shown(document)["logo"] == {"id": str(MINE), "name": "logo.png (41.5kB)"}


def test_a_file_that_comes_with_the_body_waits_in_the_draft_under_the_id_that_it_will_have(things):
    upload = {"name": "../a\u202eb.txt", "contentType": "text/plain", "content": base64.b64encode(b"x" * 12).decode()}
    draft = things._draft({"logo": upload}, FULL_ACCESS, new=True)
    ((key, waiting),) = draft.uploads.items()
    assert (waiting.name, waiting.content_type, waiting.content) == ("ab.txt", "text/plain", b"x" * 12)
    assert draft.root.sent["logo"] == {"id": key, "name": "ab.txt (12B)"}
    assert draft.linked == set()


def test_linked_files_are_noted(things):
    draft = things._draft({"logo": str(MINE), "scans": [str(MINE), str(THEIRS), "f" * 24]}, FULL_ACCESS, new=True)
    assert draft.linked == {str(MINE), str(THEIRS)}


def test_one_question_asks_for_whole_uploads_only(things):
    draft = things.entity.rules.parse({"scans": [str(MINE), str(THEIRS)]}, FULL_ACCESS, new=True)
    ((_, lookup),) = things.entity.references.plan_lookups(draft, things.asker)
    assert lookup.filter == {"_id": {"$in": [MINE, THEIRS]}, "metadata.purpose": "upload", "metadata.whole": True}


@pytest.mark.parametrize("written", [THEIRS, NOBODYS, ObjectId("f" * 24)])
def test_what_somebody_else_uploaded_is_as_good_as_missing(things, written):
    problem = ("logo", "notFound")
    assert things.problems({"logo": str(written)}) == [problem]
    document = things.create({}).document
    assert things.problems({"logo": str(written)}, document) == [problem]
    assert things.problems({"parts": [{"photo": str(written)}]}) == [("parts[0].photo", "notFound")]


def test_developers_may_point_to_any_upload(things):
    things.asker = Asker(lambda name: FULL_ACCESS, Uploader(anybody=True))
    assert things.create({"scans": [str(MINE), str(THEIRS), str(NOBODYS)]}).document["scans"][1]["id"] == THEIRS


def test_the_unknown_may_point_to_what_the_unknown_uploaded_once(things):
    things.asker = Asker(lambda name: FULL_ACCESS, Uploader(None))
    assert things.problems({"logo": str(MINE)}) == [("logo", "notFound")]
    assert things.create({"logo": str(NOBODYS)}).document["logo"]["id"] == NOBODYS
    things.others[FILES] = [stored(NOBODYS, None, held=True)]
    assert things.problems({"logo": str(NOBODYS)}) == [("logo", "notFound")]


def test_what_a_record_points_to_stays_whoever_writes_it_but_only_there(things):
    mine = things.asker
    things.asker = Asker(lambda name: FULL_ACCESS, Uploader(anybody=True))
    body = {"logo": str(THEIRS), "scans": [str(THEIRS)], "parts": [{"photo": str(THEIRS)}]}
    document = things.create(body).document
    things.asker = mine
    same = things.shown(dict(document))
    sent = {name: same[name] for name in ("logo", "scans", "parts")}
    assert things.update(document, sent).values is None
    assert things.problems({"other": str(THEIRS)}, document) == [("other", "notFound")]
    moved = {"parts": [{"photo": str(THEIRS)}, {"photo": str(MINE)}], "scans": [str(MINE), str(THEIRS)]}
    assert [one["id"] for one in things.change(document, moved)["scans"]] == [MINE, THEIRS]


def test_paths_of_files_include_those_in_groups(things):
    assert [path.name for path in file_paths(things.entity.entity)] == ["logo", "scans", "parts.photo", "other"]
    one, two = {"id": "1", "name": "a"}, {"id": "2", "name": "b"}
    record = {"logo": None, "scans": [one, two], "parts": [{"photo": one}, {"photo": None}, {}]}
    assert list(files_at(record, ("scans",))) == [one, two]
    assert list(files_at(record, ("parts", "photo"))) == [one]
    assert list(files_at(record, ("logo",))) == list(files_at(record, ("gone",))) == []
