"""Query strings of the jobs API to filters, and refusals."""

import pytest
from bson import ObjectId

from engine.errors import BadRequest
from engine.jobs import parse_job_query, parse_log_query, to_job_filter, to_log_filter
from engine.query import Clock
from engine.query.spans import parse_span
from tests.every import every

NOW = 1_700_000_000_000
CLOCK = Clock(NOW, "UTC")


def job_filter(*pairs, user=None):
    return to_job_filter(parse_job_query(pairs), user)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], {}),
        ([("status", "FINISHED")], {"status": "FINISHED"}),
        ([("status", "CANCELING,CANCELED")], {"status": {"$in": ["CANCELING", "CANCELED"]}}),
        ([("type", "DELETE_RECORDS, IMPORT_RECORDS")], {"type": {"$in": ["DELETE_RECORDS", "IMPORT_RECORDS"]}}),
        ([("hasErrors", "false")], {"hasErrors": False}),
        ([("startFrom", "5"), ("startTo", "7")], {"startDate": {"$gte": 5, "$lte": 7}}),
        ([("endTo", "7"), ("createFrom", "0")], {"endDate": {"$lte": 7}, "createDate": {"$gte": 0}}),
    ],
)
def test_filters(pairs, expected):
    assert job_filter(*pairs) == expected


def test_others_see_only_their_own_jobs():
    assert job_filter(("status", "FINISHED"), user="u1") == {"starter.user": "u1", "status": "FINISHED"}


@every(
    "pair",
    [
        ("state", "FINISHED"),
        ("status", "DONE"),
        ("status", "FINISHED,"),
        ("type", "SWEEP"),
        ("hasErrors", "yes"),
        ("startFrom", "yesterday"),
        ("startFrom", "-1"),
        ("endTo", "1e9"),
        ("createTo", "9" * 16),
        ("createTo", "٣"),
        ("_size", "0"),
        ("_size", "1001"),
        ("_size", "x"),
        ("_offset", "3"),
        ("_offset", "z" * 24),
        ("_sortField", "id"),
    ],
)
def test_what_a_list_does_not_take_is_refused_by_name(pair):
    with pytest.raises(BadRequest, match=pair[0].removeprefix("_")):
        parse_job_query([pair])


def test_a_near_miss_is_told():
    with pytest.raises(BadRequest, match='did you mean "hasErrors"'):
        parse_job_query([("haserrors", "true")])


def test_twice_is_once_too_often():
    with pytest.raises(BadRequest, match="only once"):
        parse_job_query([("status", "RUNNING"), ("status", "STOPPED")])


def test_sizes_and_offsets():
    assert parse_job_query([]).size == 20
    assert parse_log_query([], CLOCK).size == 200
    last = ObjectId()
    assert parse_job_query([("_offset", str(last)), ("_size", "3")]).after == last


@pytest.mark.parametrize(
    ("pairs", "bounds"),
    [
        ([], (None, None)),
        ([("from", "3"), ("to", "9")], (3, 9)),
        ([("period", "3h 30m")], (NOW - 12_600_000, None)),
        ([("period", "2d"), ("from", "3"), ("to", "9")], (NOW - 172_800_000, None)),
        ([("period", "today")], (1_699_920_000_000, 1_700_006_399_999)),
        ([("period", "yesterday")], (1_699_833_600_000, 1_699_919_999_999)),
    ],
)
def test_periods_of_logs(pairs, bounds):
    assert parse_log_query(pairs, CLOCK).bounds == bounds


@pytest.mark.parametrize("pair", [("period", "a while"), ("level", "DEBUG"), ("user", "x"), ("message", "x" * 300)])
def test_what_logs_do_not_take_is_refused(pair):
    with pytest.raises(BadRequest):
        parse_log_query([pair], CLOCK)


def test_the_text_of_a_message_is_looked_for_literally():
    job = ObjectId()
    wanted = to_log_filter(parse_log_query([("message", "a.*b$"), ("level", "INFO,ERROR")], CLOCK), job)
    assert wanted["job"] == job
    assert wanted["level"] == {"$in": ["INFO", "ERROR"]}
    search = wanted["message"].try_compile().search
    assert search("xx A.*B$ yy")
    assert not search("aXXb")


@every(
    ("text", "milliseconds"),
    [
        ("3h 30m", 12_600_000),
        ("30m3h", 12_600_000),
        ("1M", 30 * 86_400_000),
        ("2 months 1 day", 61 * 86_400_000),
        ("1d2H3min4sec", 93_784_000),
        ("1 hour and 5 seconds", 3_605_000),
        ("5s 5s", 10_000),
        ("1  h", None),
        ("5x", None),
        ("", None),
        ("hour", None),
        ("0s", 0),
    ],
)
def test_spans(text, milliseconds):
    assert parse_span(text) == milliseconds
