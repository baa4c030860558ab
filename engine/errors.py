"""Every error of the product: one root, a stable code and an HTTP status on each class.

CastworkError
├── DefinitionErrors          an app's files are wrong; carries every Diagnostic
├── InvalidValue              one value does not fit its field; becomes a FieldProblem
├── ExpressionError           an expression is refused when compiled, or fails when it runs
└── RequestError              a request is refused; becomes the error body, in one place
    ├── BadRequest            400 badRequest
    │   └── Failed            400 badRequest, or a code of the app's author
    ├── ValidationErrors      400 validationErrors, carries every FieldProblem
    ├── Unauthorized          401 unauthorized
    ├── Forbidden             403 forbidden
    │   └── PasswordExpired   403 passwordExpired
    ├── NotFound              404 notFound
    ├── MethodNotAllowed      405 methodNotAllowed, with Allow
    ├── OptimisticLocking     409 optimisticLocking, with currentVersion
    ├── Conflict              409 conflict
    ├── InProgress            409 inProgress, with Retry-After
    ├── TooLarge              413 tooLarge
    ├── UriTooLong            414 uriTooLong
    ├── UnsupportedMediaType  415 unsupportedMediaType
    ├── RangeNotSatisfiable   416 rangeNotSatisfiable, with Content-Range
    ├── KeyReused             422 keyReused
    ├── HeadTooLarge          431 headTooLarge
    ├── TooManyRequests       429 tooManyRequests, with Retry-After
    ├── InternalError         500 internalError
    ├── Unavailable           503 applicationUnavailable, with Retry-After
    └── InsufficientStorage   507 insufficientStorage
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

Severity = Literal["error", "warning"]


class CastworkError(Exception):
    """Root of every error that the product raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a node of a definition begins; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing wrong with a definition.

    `code` is stable (tests, ignores and documentation use it), `message` names the place and the rule,
    `hint` says what to write instead, `path` is the dotted path inside the file (`fields.name.type`).
    """

    code: str
    message: str
    at: Position
    hint: str | None = None
    path: str = ""
    severity: Severity = "error"


class DefinitionErrors(CastworkError):
    """The files of an app do not make an app; `diagnostics` holds all problems, in file order."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(f"{d.at}: {d.code}: {d.message}" for d in self.diagnostics))


class ExpressionError(CastworkError):
    """An expression that the language refuses, or that failed while it ran.

    `offset` is the zero-based character in the source text where the fault begins.
    """

    def __init__(self, message: str, offset: int = 0, hint: str | None = None) -> None:
        self.message = message
        self.offset = offset
        self.hint = hint
        super().__init__(message)


class InvalidValue(CastworkError):
    """A value does not fit its field. Caught where values are collected, never sent as it is.

    `rule` and `limit` name the definition key that refused the value; they are None for a wrong type or format.
    """

    def __init__(
        self,
        message: str,
        rejected: object = None,
        *,
        code: str = "invalid",
        rule: str | None = None,
        limit: object = None,
    ) -> None:
        self.message = message
        self.code = code
        self.rejected = rejected
        self.rule = rule
        self.limit = limit
        super().__init__(message)

    @property
    def info(self) -> dict[str, object]:
        """The `additionalInfo` of the error body."""
        if self.rule is None:
            return {"rejectedValue": self.rejected}
        return {"rejectedValue": self.rejected, "rule": self.rule, "limit": self.limit}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One item of `errors` in a validation answer; `field` is a path such as `addresses[1].zipCode`."""

    field: str | None
    label: str | None
    code: str
    message: str
    info: Mapping[str, object] | None = None


class RequestError(CastworkError):
    """A refused request. `code` and `status` are fixed by the class; `extra` joins the error body.

    `lasting` tells that the request itself is at fault, so that the very same one need not be tried again.
    """

    code: ClassVar[str] = "internalError"
    status: ClassVar[int] = 500
    lasting: ClassVar[bool] = True

    def __init__(
        self, message: str, *, problems: Iterable[FieldProblem] = (), extra: Mapping[str, object] | None = None
    ) -> None:
        self.message = message
        self.problems = tuple(problems)
        self.extra: Mapping[str, object] = extra or {}
        super().__init__(message)

    @property
    def headers(self) -> dict[str, str]:
        """Headers that belong to the answer."""
        return {}


class BadRequest(RequestError):
    """The request cannot be understood or is not allowed as it stands."""

    code = "badRequest"
    status = 400


class Failed(BadRequest):
    """What the app's author refuses in an action or a listener, under a code of their own."""

    def __init__(self, message: str, *, code: str = BadRequest.code) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # the one class whose code is not its own


class ValidationErrors(RequestError):
    """The body was understood and breaks rules; `problems` holds all of them in field order."""

    code = "validationErrors"
    status = 400

    def __init__(self, problems: Iterable[FieldProblem]) -> None:
        super().__init__("There are validation errors", problems=problems)


class Unauthorized(RequestError):
    """No token, or one that is not valid any more."""

    code = "unauthorized"
    status = 401
    lasting = False

    @property
    def headers(self) -> dict[str, str]:
        """RFC 9110 asks for the scheme; browsers show no dialogue for this one."""
        return {"www-authenticate": "Bearer"}


class Forbidden(RequestError):
    """The caller is known and may not do this."""

    code = "forbidden"
    status = 403
    lasting = False


class PasswordExpired(Forbidden):
    """The password is right, and serves only to set another one."""

    code = "passwordExpired"


class NotFound(RequestError):
    """The route, entity, record, job or file does not exist."""

    code = "notFound"
    status = 404


class MethodNotAllowed(RequestError):
    """The path exists, the method does not."""

    code = "methodNotAllowed"
    status = 405

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed = tuple(sorted(allowed))
        super().__init__(f"This path answers to {', '.join(self.allowed)}")

    @property
    def headers(self) -> dict[str, str]:
        """RFC 9110 asks for the exact list of methods."""
        return {"allow": ", ".join(self.allowed)}


class OptimisticLocking(RequestError):
    """The record changed since the version that the caller sent."""

    code = "optimisticLocking"
    status = 409

    def __init__(self, current_version: int) -> None:
        super().__init__(
            "The record was modified by somebody else; read it again and repeat the change",
            extra={"currentVersion": current_version},
        )


class Conflict(RequestError):
    """The request cannot be carried out in the present state."""

    code = "conflict"
    status = 409
    lasting = False


class TooLarge(RequestError):
    """A body over its limit."""

    code = "tooLarge"
    status = 413


class UriTooLong(RequestError):
    """A URL over its limit."""

    code = "uriTooLong"
    status = 414


class UnsupportedMediaType(RequestError):
    """A body of a kind that the route does not take."""

    code = "unsupportedMediaType"
    status = 415


class RangeNotSatisfiable(RequestError):
    """A part of a file that the file does not have; `size` is all that it has, in bytes."""

    code = "rangeNotSatisfiable"
    status = 416

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(f"The file has no such part: it has {size} bytes")

    @property
    def headers(self) -> dict[str, str]:
        """RFC 9110 asks for the size."""
        return {"content-range": f"bytes */{self.size}"}


class HeadTooLarge(RequestError):
    """Request line and headers over their limit."""

    code = "headTooLarge"
    status = 431


class _Retryable(RequestError):
    """A refusal that time heals; `retry_after` is in whole seconds."""

    lasting = False

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """Tells clients when to come back."""
        return {"retry-after": str(self.retry_after)}


class TooManyRequests(_Retryable):
    """A limit per caller was reached."""

    code = "tooManyRequests"
    status = 429


class InProgress(_Retryable):
    """The same request, by its idempotency key, is being carried out at this moment."""

    code = "inProgress"
    status = 409


class KeyReused(RequestError):
    """The idempotency key was sent before with another body."""

    code = "keyReused"
    status = 422


class InternalError(RequestError):
    """Something unexpected; the log has the details under the request id."""

    code = "internalError"
    status = 500
    lasting = False


class Unavailable(_Retryable):
    """The database is out of reach or the app is in maintenance."""

    code = "applicationUnavailable"
    status = 503


class InsufficientStorage(RequestError):
    """The server's disk is full."""

    code = "insufficientStorage"
    status = 507
    lasting = False


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a writer of `name` most likely meant, or None."""
    candidates = list(known)
    folded = {candidate.lower(): candidate for candidate in candidates}
    if name.lower() in folded:
        return folded[name.lower()]
    matches = difflib.get_close_matches(name, candidates, n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint for an unknown name: `did you mean "x"?`, or None when nothing is near."""
    best = nearest(name, known)
    return f'did you mean "{best}"?' if best else None
