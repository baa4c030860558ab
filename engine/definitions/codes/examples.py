"""K: examples of permissions and requests."""

from __future__ import annotations

from typing import Final

from engine.definitions.codes.code import EXAMPLES as FILE
from engine.definitions.codes.code import Code, CodeGroup

NOT_CAPTURED: Final = Code(
    "K900",
    "Nothing stands behind a placeholder",
    "`{name}` is what an earlier answer of the same file had in that place. `{any}` and `{absent}` are for answers.",
    "requests:\n  - {method: POST, path: /data/people, body: {name: Ada}, response: {id: '{id}'}}\n"
    "  - {path: '/data/people/{ada}'}",
    "requests:\n  - {method: POST, path: /data/people, body: {name: Ada}, response: {id: '{ada}'}}\n"
    "  - {path: '/data/people/{ada}'}",
    file=FILE,
)
NO_ROUTE: Final = Code(
    "K901",
    "No such request",
    "The app does not answer to this path or method, and the example expects neither 404 nor 405.",
    "requests:\n  - {path: /data/peopel}",
    "requests:\n  - {path: /data/people}",
    file=FILE,
)

EXAMPLES: Final = CodeGroup("Examples", (NOT_CAPTURED, NO_ROUTE))
