"""Every refusal of the product becomes one shape of body: clients parse errors in one way."""

import inspect
import json

import pytest

from engine import errors
from engine.errors import FieldProblem, RequestError
from server.http.problems import handle_error
from server.log import REQUEST_ID
from tests.every import every

ARGUMENTS = {
    "ValidationErrors": ([FieldProblem("name", "Name", "required", "This field is required")],),
    "MethodNotAllowed": (["GET"],),
    "OptimisticLocking": (3,),
    "RangeNotSatisfiable": (3,),
}
EXTRA = {"OptimisticLocking": {"currentVersion"}, "ValidationErrors": {"errors"}}
WITH_HEADER = {
    "InProgress": "retry-after",
    "MethodNotAllowed": "allow",
    "RangeNotSatisfiable": "content-range",
    "TooManyRequests": "retry-after",
    "Unauthorized": "www-authenticate",
    "Unavailable": "retry-after",
}

REFUSALS = [
    kind
    for name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, RequestError) and kind is not RequestError and not name.startswith("_")
]


@pytest.fixture(autouse=True)
def request_id():
    token = REQUEST_ID.set("request-1")
    yield
    REQUEST_ID.reset(token)


def told(kind):
    answer = handle_error(kind(*ARGUMENTS.get(kind.__name__, ("What is wrong and what to do",))))
    return answer, json.loads(answer.body), {name.decode() for name, _ in answer.headers}


@every("kind", REFUSALS)
def test_a_refusal_has_the_shape(kind):
    answer, body, _ = told(kind)
    assert set(body) == {"code", "message", "requestId"} | EXTRA.get(kind.__name__, set())
    assert body["code"] == kind.code
    assert body["requestId"] == "request-1"
    assert isinstance(body["message"], str)
    assert body["message"]
    assert answer.status == kind.status
    assert 400 <= answer.status < 600


@every("kind", REFUSALS)
def test_headers_that_belong_to_a_status_are_there(kind):
    _, _, headers = told(kind)
    wanted = WITH_HEADER.get(kind.__name__)
    assert headers == {"content-type", "content-length"} | ({wanted} if wanted else set())


def test_one_code_has_one_status():
    statuses = {}
    for kind in REFUSALS:
        assert statuses.setdefault(kind.code, kind.status) == kind.status


def test_the_errors_name_their_codes_in_their_tree():
    """The docstring of the module is the page that people read."""
    for kind in REFUSALS:
        line = next(line for line in errors.__doc__.splitlines() if f" {kind.__name__} " in line)
        assert f"{kind.status} {kind.code}" in line


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("y"), RecursionError(), MemoryError(), UnicodeError("z")])
def test_what_nobody_foresaw_has_the_shape_too(error):
    answer = handle_error(error)
    assert json.loads(answer.body).keys() == {"code", "message", "requestId"}
    assert answer.status == 500
