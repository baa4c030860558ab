"""Options of exports: read from a query string, and refused with the way out."""

import pytest

from engine.errors import BadRequest
from engine.records.export_options import ExportOptions, Form, parse_export


def test_without_options_a_file_of_csv_with_labels_is_meant():
    assert parse_export([])[0] == ExportOptions(Form.CSV, field_names=False, low_priority=False)


def test_options_are_taken_out_of_the_query():
    pairs = [("_useFieldNames", "true"), ("state", "open"), ("_lowPriority", "true"), ("_fields", "a,b")]
    options, query = parse_export(pairs)
    assert options == ExportOptions(Form.CSV, field_names=True, low_priority=True)
    assert (query.filter.path, query.fields, query.given) == ("state", ("a", "b"), ("_fields",))


def test_each_form_has_its_media_type():
    assert [parse_export([("_format", form)])[0].form.content_type for form in Form] == [
        *("text/csv; charset=utf-8", "application/json", "application/x-ndjson"),
    ]


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([("_format", "plainText")], "_format of an export takes csv, json, ndjson, not 'plainText'"),
        ([("_format", "csv"), ("_format", "csv")], "_format may be given only once"),
        ([("_useFieldNames", "1")], "_useFieldNames of an export takes true or false"),
        ([("_useFieldName", "true")], 'did you mean "_useFieldNames"'),
        ([("_total", "false")], "An export does not take _total, only _query, _size"),
        ([("_relationshipsToFetch", "a")], "name fields such as company.type in _fields"),
        ([("_format", "json"), ("_useFieldNames", "true")], "json has names only"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(pairs, told):
    with pytest.raises(BadRequest) as caught:
        parse_export(pairs)
    assert told in caught.value.message
