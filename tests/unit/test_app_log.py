"""Lines of the app's log: which requests are told and how, what clients may post, and how lines are ordered."""

import pytest
from bson import ObjectId

from engine.errors import ValidationErrors
from engine.logs import (
    Event,
    Line,
    Origin,
    Speaker,
    event_of,
    level_of,
    make_id,
    plan_line,
    render_line,
    tells_of,
    to_stored,
)
from engine.query import Clock
from engine.query.lines import Level, parse_log_query, to_log_filter
from engine.routes import build_route_table
from engine.schema import Action, App, Entity
from tests.every import every

NOW = 1_700_000_000_000
APP = App(
    "crm", "CRM", entities={"companies": Entity("companies", "Companies", (), actions={"win": Action("win", "Win")})}
)
ROUTES = {(route.method, route.path): route for route in build_route_table(APP)}
RECORD = "/data/companies/{id}"


@every(
    ("method", "path", "event"),
    [
        ("POST", "/auth/login", Event.LOGIN),
        ("POST", "/data/companies", Event.CREATED),
        ("GET", "/data/companies", Event.READ),
        ("GET", RECORD, Event.READ),
        ("PUT", "/data/companies/aggregate", Event.READ),
        ("PUT", RECORD, Event.UPDATED),
        ("DELETE", RECORD, Event.DELETED),
        ("DELETE", "/data/companies", Event.DELETED),
        ("PUT", f"{RECORD}/win", Event.ACTION),
        ("POST", "/auth/logout", None),
    ],
)
def test_an_event_is_what_a_route_does(method, path, event):
    assert event_of(ROUTES[method, path]) == event


@every(
    ("method", "path", "status", "known", "reads", "told"),
    [
        ("POST", "/data/companies", 200, True, False, True),
        ("GET", "/data/companies", 200, True, False, False),
        ("GET", "/data/companies", 200, True, True, True),
        ("PUT", "/data/companies/aggregate", 200, True, False, False),
        ("GET", "/healthz", 200, False, True, False),
        ("POST", "/data/companies", 400, True, False, True),
        ("POST", "/data/companies", 401, False, False, False),
        ("GET", "/data/companies", 403, True, False, True),
        ("POST", "/auth/login", 200, True, False, True),
        ("POST", "/auth/login", 401, False, False, True),
        ("POST", "/auth/login", 403, False, False, True),
        ("PUT", "/auth/password", 401, False, False, True),
        ("POST", "/auth/login", 400, False, False, False),
        ("POST", "/auth/login", 429, False, False, False),
        ("GET", "/readyz", 503, False, True, False),
        ("GET", "/data/companies", 500, False, False, True),
        ("POST", "/status/logs", 200, True, False, False),
        ("POST", "/status/logs", 403, True, False, True),
    ],
)
def test_what_is_told(method, path, status, known, reads, told):
    assert tells_of(ROUTES[method, path], status, known=known, reads=reads) is told


@every(
    ("status", "level"),
    [(200, Level.INFO), (304, Level.INFO), (400, Level.WARN), (499, Level.WARN), (500, Level.ERROR)],
)
def test_levels(status, level):
    assert level_of(status) is level


def test_ids_stand_in_the_order_of_time_and_then_of_saying():
    first, second = b"\xff\xff\xff", b"\x00\x00\x00"
    keys = [
        make_id(NOW, first, 1),
        make_id(NOW, first, 2),
        make_id(NOW + 1, second, 0),
        make_id(NOW + 999, second, 0),
        make_id(NOW + 1000, first, 0),
    ]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


def test_a_line_is_shown_as_documented():
    line = Line(
        Level.WARN, "hello", Speaker("a@example.com", "b@example.com", "::ffff:1.2.3.4"), Event.SCRIPT, info={"a": 1}
    )
    key = make_id(NOW, b"abc", 1)
    assert list(render_line(to_stored(line, key, NOW)).items()) == [
        ("id", key),
        ("type", "APP"),
        ("subType", "SCRIPT"),
        ("level", "WARN"),
        ("message", "hello"),
        ("userEmail", "a@example.com"),
        ("adminUserEmail", "b@example.com"),
        ("timestamp", NOW),
        ("ip", "::ffff:1.2.3.4"),
        ("additionalInfo", {"a": 1}),
    ]
    assert "additionalInfo" not in render_line(to_stored(Line(Level.INFO, "x"), key, NOW))


@every(("said", "kept"), [("a" * 20_000, "a" * 10_000), ("\ud800", "?"), ("two\r\nlines", "two\r\nlines")])
def test_whatever_is_said_can_be_stored(said, kept):
    assert to_stored(Line(Level.INFO, said), ObjectId(), NOW)["message"] == kept


def test_a_posted_line_is_from_outside():
    by = Speaker("a@example.com")
    assert plan_line({"level": "ERROR", "message": "m", "additionalInfo": {"x": [1]}}, by) == Line(
        Level.ERROR, "m", by, origin=Origin.EXTERNAL, info={"x": [1]}
    )
    assert plan_line({"level": "INFO", "message": "m", "additionalInfo": None}, by).info is None


@every(
    ("body", "problems"),
    [
        ({}, [("level", "required"), ("message", "required")]),
        ({"level": "INFO", "message": ""}, [("message", "required")]),
        ({"level": "DEBUG", "message": "m"}, [("level", "invalid")]),
        ({"level": ["INFO"], "message": "m"}, [("level", "invalid")]),
        ({"level": "INFO", "message": 5}, [("message", "invalid")]),
        ({"level": "INFO", "message": "m" * 10_001}, [("message", "invalid")]),
        ({"level": "INFO", "message": "m", "additionalInfo": [1]}, [("additionalInfo", "invalid")]),
        ({"level": "INFO", "message": "m", "additionalInfo": {"x": "y" * 70_000}}, [("additionalInfo", "invalid")]),
        ({"level": "INFO", "message": "m", "type": "APP"}, [("type", "invalidStructure")]),
    ],
)
def test_what_cannot_be_posted(body, problems):
    with pytest.raises(ValidationErrors) as caught:
        plan_line(body, Speaker())
    assert [(one.field, one.code) for one in caught.value.problems] == problems


def test_a_part_of_an_address_and_of_a_message_is_looked_for_without_case():
    query = parse_log_query([("userEmail", "a.b"), ("message", "x")], Clock(NOW), ("userEmail",))
    wanted = to_log_filter(query)
    assert set(wanted) == {"userEmail", "message"}
    assert wanted["userEmail"].try_compile().search("me@A.B.example.com")
    assert not wanted["userEmail"].try_compile().search("me@aXb.example.com")
