"""The server's log: one line of JSON for each record, whatever is in it."""

import json
import logging

import pytest

from server.log import REQUEST_ID, JsonLines


def line(message, *arguments, error=None):
    record = logging.LogRecord("castwork", logging.WARNING, __file__, 1, message, arguments, error)
    return JsonLines().format(record)


@pytest.mark.parametrize(
    "text", ["plain", "two\nlines", 'a "quote"', "\r\n{}", "\u2028 é \U0001f600", "\x00\x1b[31m", "\ud800"]
)
def test_a_record_is_one_line_of_json(text):
    written = line("said: %s", text)
    assert "\n" not in written
    assert "\r" not in written
    assert json.loads(written)["message"] == f"said: {text}"


def test_the_request_is_named_where_there_is_one():
    assert "requestId" not in json.loads(line("x"))
    token = REQUEST_ID.set("request-1")
    try:
        assert json.loads(line("x"))["requestId"] == "request-1"
    finally:
        REQUEST_ID.reset(token)


def test_an_error_brings_its_traceback():
    try:
        raise ValueError("reason")
    except ValueError as error:
        told = json.loads(line("failed", error=(type(error), error, error.__traceback__)))
    assert "ValueError: reason" in told["error"]
    assert told["level"] == "WARNING"
