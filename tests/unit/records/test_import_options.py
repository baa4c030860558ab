"""Options of imports: what is said, what it means for the writes, and who may say it."""

import pytest

from engine.errors import BadRequest
from engine.records.import_options import OPTIONS, ImportOptions, load_import_options, parse_import_options

DEVELOPERS = [name for name, option in OPTIONS.items() if option.developers]


def test_all_documented_options_are_known_and_usual_where_nothing_is_said():
    assert set(OPTIONS) - {"preview", "encoding"} == {
        "lowPriority",
        "updateCalculatedFields",
        "updateRelationships",
        "performValidations",
        "filterByAccessRules",
        "performSecurityChecks",
        "triggerEvents",
        "setDefaultValues",
        "supportTransientFields",
        "cascadeOperations",
        "skipRecordsWithInvalidFields",
    }
    usual = parse_import_options([])
    assert usual == ImportOptions()
    assert (usual.given(), usual.for_developers) == ({}, [])
    assert usual.flags == {"trigger_events": True, "cascade": True, "relabel": True}
    assert parse_import_options([(name, "true") for name in DEVELOPERS]) == usual


@pytest.mark.parametrize("name", DEVELOPERS)
def test_turning_a_step_off_is_for_developers_and_survives_being_stored(name):
    options = parse_import_options([(name, "false")])
    assert options.for_developers == [name]
    assert options.given() == {name: False}
    assert load_import_options(options.given()) == options


def test_options_for_everybody():
    options = parse_import_options([("preview", "true"), ("lowPriority", "true"), ("encoding", "Windows_1252")])
    assert (options.preview, options.low_priority, options.encoding, options.for_developers) == (
        True,
        True,
        "windows-1252",
        [],
    )
    assert load_import_options(options.given()) == options
    assert load_import_options({"someday": 1}) == ImportOptions()


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("updateCalculatedFields", "calculate"),
        ("performValidations", "validate"),
        ("filterByAccessRules", "conditions"),
        ("setDefaultValues", "defaults"),
        ("skipRecordsWithInvalidFields", "refuse"),
    ],
)
def test_each_option_leaves_out_one_step_of_the_writes(name, attribute):
    usual, changed = ImportOptions().writing(), parse_import_options([(name, "false")]).writing()
    differing = [item for item in usual.__slots__ if getattr(usual, item) != getattr(changed, item)]
    assert differing == [attribute]
    assert parse_import_options([("preview", "true")]).writing().save is False


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([("lowPriorty", "true")], 'did you mean "lowPriority"'),
        ([("_triggerEvents", "false")], 'did you mean "triggerEvents"'),
        ([("zzz", "false")], "known are preview"),
        ([("triggerEvents", "no")], "triggerEvents takes true or false, not 'no'"),
        ([("triggerEvents", "true"), ("triggerEvents", "false")], "given twice"),
        ([("encoding", "klingon")], "encoding names no encoding"),
    ],
)
def test_what_is_no_option_or_no_value_is_refused_with_the_way_out(pairs, told):
    with pytest.raises(BadRequest) as caught:
        parse_import_options(pairs)
    assert told in caught.value.message
