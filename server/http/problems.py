"""Errors to answers, in one place and one shape: {code, message, errors?, requestId} and what the error adds."""

from __future__ import annotations

import logging
from typing import Any

from engine.errors import (
    BadRequest,
    Conflict,
    FieldProblem,
    InsufficientStorage,
    InternalError,
    RequestError,
    TooLarge,
    Unavailable,
)
from server.http.responses import Answer, answer_json
from server.log import REQUEST_ID
from server.store import (
    Broken,
    DiskFull,
    DocumentTooLarge,
    MemoryExceeded,
    NotStorable,
    NotSupported,
    StoreUnavailable,
    TimedOut,
    WriteConflict,
)

logger = logging.getLogger(__name__)


def handle_error(error: Exception) -> Answer:
    """The answer to a request that ended in `error`; what nobody foresaw is logged under the request's id."""
    return answer_refusal(refusal_of(error))


def answer_refusal(refusal: RequestError) -> Answer:
    """The answer that tells of a refusal."""
    body: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    if refusal.problems:
        body["errors"] = [_problem(item) for item in refusal.problems]
    body["requestId"] = REQUEST_ID.get()
    body.update(refusal.extra)
    headers = [(name.encode(), value.encode()) for name, value in refusal.headers.items()]
    return answer_json(body, refusal.status, headers)


def refusal_of(error: Exception) -> RequestError:
    """An error as clients hear of it; what nobody foresaw is logged."""
    match error:
        case RequestError():
            return error
        case StoreUnavailable():
            logger.warning("The database is out of reach: %s", error)
            return Unavailable("The database is out of reach; try again in a moment", retry_after=2)
        case Broken():
            logger.error("The database failed", exc_info=error)
            return Unavailable("The database failed; try again in a moment", retry_after=5)
        case DiskFull():
            logger.error("The database has no room left: %s", error)
            return InsufficientStorage("The server has no room left to store this")
        case TimedOut():
            logger.warning("The database took too long: %s", error)
            return Unavailable("The database took too long to answer; ask for less or try again", retry_after=5)
        case WriteConflict():
            return Conflict("Somebody else is changing the same records; try again")
        case NotStorable():
            return BadRequest("The request holds a value that the database cannot store")
        case NotSupported():
            logger.warning("%s", error)
            return BadRequest("The database in use cannot do this: it takes the embedded database, or MongoDB")
        case MemoryExceeded():
            logger.warning("The database had too little memory: %s", error)
            return BadRequest("This takes more memory than the database has for it; ask for fewer records")
        case DocumentTooLarge():
            return TooLarge(
                "The record is too large to be stored: the database takes at most 16 MiB for a record and, where it is "
                "audited, the audit entry of the change together"
            )
    logger.error("A request failed", exc_info=error)
    return InternalError("Something went wrong; the server's log has the details under this request id")


def _problem(item: FieldProblem) -> dict[str, Any]:
    return {
        "field": item.field,
        "fieldLabel": item.label,
        "code": item.code,
        "message": item.message,
        "additionalInfo": item.info,
    }


__all__ = ["answer_refusal", "handle_error", "refusal_of"]
