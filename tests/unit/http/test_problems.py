"""Errors: one shape, the right status and headers, nothing that was not meant for the client."""

import logging

import pytest

from engine.errors import (
    BadRequest,
    Conflict,
    FieldProblem,
    Forbidden,
    NotFound,
    OptimisticLocking,
    TooManyRequests,
    Unauthorized,
    ValidationErrors,
)
from server.runtime import lists
from server.store import (
    DocumentTooLarge,
    MemoryExceeded,
    NotStorable,
    NotSupported,
    StoreError,
    StoreUnavailable,
    TimedOut,
    WriteConflict,
)
from tests.every import every

LIST = ("GET", "/api/data/companies")


@pytest.fixture
def failing(face, monkeypatch):
    async def ask(error):
        async def fail(*arguments):
            raise error

        monkeypatch.setattr(lists, "list_records", fail)
        return await face.ask(*LIST, headers={"x-request-id": "abc-1"})

    return ask


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (BadRequest("m"), 400, "badRequest"),
        (Unauthorized("m"), 401, "unauthorized"),
        (Forbidden("m"), 403, "forbidden"),
        (NotFound("m"), 404, "notFound"),
        (Conflict("m"), 409, "conflict"),
        (TooManyRequests("m", retry_after=7), 429, "tooManyRequests"),
    ],
)
async def test_a_refusal_is_told_as_it_is(failing, error, status, code):
    reply = await failing(error)
    assert reply.status == status
    assert reply.json == {"code": code, "message": "m", "requestId": "abc-1"}
    assert reply.headers["content-type"] == "application/json"


async def test_validation_errors_list_every_field(failing):
    problems = [
        FieldProblem("name", "Name", "required", "This field is required"),
        FieldProblem("addresses[1].zipCode", None, "invalid", "No", {"rejectedValue": {"a": [1]}, "limit": 5}),
    ]
    reply = await failing(ValidationErrors(problems))
    assert reply.status == 400
    assert reply.json == {
        "code": "validationErrors",
        "message": "There are validation errors",
        "errors": [
            {
                "field": "name",
                "fieldLabel": "Name",
                "code": "required",
                "message": "This field is required",
                "additionalInfo": None,
            },
            {
                "field": "addresses[1].zipCode",
                "fieldLabel": None,
                "code": "invalid",
                "message": "No",
                "additionalInfo": {"rejectedValue": {"a": [1]}, "limit": 5},
            },
        ],
        "requestId": "abc-1",
    }


async def test_a_stale_version_tells_the_present_one(failing):
    reply = await failing(OptimisticLocking(7))
    assert (reply.status, reply.json["code"], reply.json["currentVersion"]) == (409, "optimisticLocking", 7)


async def test_waiting_is_told_in_seconds(failing):
    assert (await failing(TooManyRequests("m", retry_after=7))).headers["retry-after"] == "7"


@every(
    ("error", "status", "code"),
    [
        (StoreUnavailable("mongo-1:27017 refused"), 503, "applicationUnavailable"),
        (TimedOut("mongo-1:27017 slow"), 503, "applicationUnavailable"),
        (WriteConflict("mongo-1:27017 busy"), 409, "conflict"),
        (NotStorable("mongo-1:27017 65 bits"), 400, "badRequest"),
        (NotSupported("mongo-1:27017 $convert"), 400, "badRequest"),
        (DocumentTooLarge("mongo-1:27017 16793600"), 413, "tooLarge"),
        (MemoryExceeded("mongo-1:27017 sort"), 400, "badRequest"),
        (StoreError("mongo-1:27017 broke"), 500, "internalError"),
        (RuntimeError("mongo-1:27017 secret"), 500, "internalError"),
        (RecursionError("mongo-1:27017 secret"), 500, "internalError"),
    ],
)
async def test_errors_from_below_are_translated_and_tell_nothing_of_the_inside(failing, error, status, code):
    reply = await failing(error)
    assert (reply.status, reply.json["code"]) == (status, code)
    assert b"mongo" not in reply.body
    assert ("retry-after" in reply.headers) == (status == 503)


async def test_the_log_of_a_failure_has_what_the_answer_hides(failing, caplog):
    with caplog.at_level(logging.ERROR):
        await failing(RuntimeError("secret reason"))
    assert "secret reason" in caplog.text


async def test_an_answer_that_cannot_be_encoded_is_an_error_like_any_other(face, monkeypatch):
    async def odd(*arguments):
        return {"value": object()}

    monkeypatch.setattr(lists, "list_records", odd)
    assert (await face.ask(*LIST)).json["code"] == "internalError"
