"""Pages of other origins: in go the origins that may use the API, out come answers that their browsers hand on to them.

No cookie is ever asked for or set: whoever asks shows a token, so that credentials of browsers are not allowed.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from engine.errors import BadRequest
from engine.routes import SHAPES
from server.http.problems import answer_refusal

METHODS = tuple(sorted({shape.method for shape in SHAPES} | {"HEAD"}))
TAKEN = ("token", "content-type", "x-request-id", "idempotency-key")
"""Headers that pages may send."""
SHOWN = ("Content-Disposition", "X-Request-ID", "Retry-After")
"""Headers that pages may read, besides those that browsers show anyway."""


class CrossOrigin(CORSMiddleware):
    """Tells browsers which pages may use the API; what a browser asks beforehand is answered here."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(app, allow_origins=origins, allow_methods=METHODS, allow_headers=TAKEN, expose_headers=SHOWN)

    def preflight_response(self, request_headers: Headers) -> Response:
        """What a browser asks beforehand; a refusal is in the error shape as all others."""
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        refusal = answer_refusal(BadRequest(bytes(answer.body).decode()))
        return Response(refusal.body, refusal.status, {"vary": answer.headers["vary"]}, "application/json")


__all__ = ["METHODS", "SHOWN", "TAKEN", "CrossOrigin"]
