"""Options of imports: what may be asked, what is for developers, and what it means for the writes."""

import pytest

from engine.errors import BadRequest
from engine.records.import_options import OPTIONS, ImportOptions, load_import_options, parse_import_options
from engine.records.options import USUAL, WriteOptions
from tests.every import every

TURNED_OFF = [name for name, option in OPTIONS.items() if option.developers]


def test_nothing_said_is_an_import_as_usual():
    assert parse_import_options([]) == ImportOptions()
    assert ImportOptions().writing() == USUAL
    assert ImportOptions().flags == {"trigger_events": True, "cascade": True, "relabel": True}
    assert ImportOptions().for_developers == []


@every("name", list(OPTIONS))
def test_every_option_is_read_and_remembered_under_its_public_name(name):
    text = "windows-1252" if name == "encoding" else "true" if name in ("preview", "lowPriority") else "false"
    options = parse_import_options([(name, text)])
    assert list(options.given()) == [name]
    assert load_import_options(options.given()) == options
    assert options.for_developers == ([name] if name in TURNED_OFF else [])


def test_turning_a_step_off_is_for_developers_and_leaving_it_on_is_not():
    assert len(TURNED_OFF) == 10
    assert parse_import_options([(name, "true") for name in TURNED_OFF]).for_developers == []
    assert parse_import_options([(name, "false") for name in TURNED_OFF]).for_developers == TURNED_OFF


def test_options_say_how_records_are_written_and_what_follows():
    off = parse_import_options([(name, "false") for name in TURNED_OFF] + [("preview", "true")])
    assert off.writing("1" * 24, "m") == WriteOptions(
        calculate=False,
        validate=False,
        conditions=False,
        defaults=False,
        refuse=False,
        save=False,
        new_id="1" * 24,
        mark="m",
    )
    assert off.flags == {"trigger_events": False, "cascade": False, "relabel": False}


@every(
    ("pairs", "message"),
    [
        ([("preveiw", "true")], 'Imports have no option preveiw; did you mean "preview"?'),
        ([("x", "true")], "Imports have no option x; known are preview, encoding,"),
        ([("preview", "yes")], "preview takes true or false, not 'yes'"),
        ([("preview", "")], "preview takes true or false, not ''"),
        ([("preview", "true"), ("preview", "false")], "The option preview is given twice, with different values"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(pairs, message):
    with pytest.raises(BadRequest) as caught:
        parse_import_options(pairs)
    assert caught.value.message.startswith(message)


def test_the_same_said_twice_is_said():
    assert parse_import_options([("preview", "true"), ("preview", "true")]).preview


def test_an_encoding_that_nobody_knows_is_refused():
    with pytest.raises(BadRequest):
        parse_import_options([("encoding", "klingon")])


def test_names_that_are_no_options_any_more_count_for_nothing():
    assert load_import_options({"preview": True, "gone": False}) == ImportOptions(preview=True)
