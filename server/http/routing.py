"""From a path to the ASGI app that serves it: paths with variables go in once, requests follow them word by word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send


class _End(NamedTuple):
    """Where a path leads, and where its variables stand in it."""

    app: ASGIApp
    variables: tuple[tuple[str, int], ...]


class _Step:
    """What may follow one beginning of a path."""

    __slots__ = ("any", "end", "words")

    def __init__(self) -> None:
        self.words: dict[str, _Step] = {}
        self.any: _Step | None = None
        self.end: _End | None = None


class PathTree:
    """Leads each request to the app of the path that its own fits, or to `default`.

    A variable (`{id}`) stands for one segment that is not empty. Where several paths fit, fixed words win over
    variables from the left, and the first of equal paths stays.
    """

    def __init__(self, paths: Iterable[tuple[str, ASGIApp]], default: ASGIApp) -> None:
        self._root = _Step()
        self._default = default
        for path, app in paths:
            self._add(path.split("/"), app)

    def _add(self, segments: Sequence[str], app: ASGIApp) -> None:
        step = self._root
        variables = []
        for at, segment in enumerate(segments):
            if segment.startswith("{"):
                variables.append((segment[1:-1], at))
                step.any = step.any or _Step()
                step = step.any
            else:
                step = step.words.setdefault(segment, _Step())
        step.end = step.end or _End(app, tuple(variables))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Notes the path's variables as `path_params`, and hands over."""
        segments: list[str] = scope["path"].split("/")
        end = _find(self._root, segments, 0)
        if end is None:
            await self._default(scope, receive, send)
            return
        scope["path_params"] = {name: segments[at] for name, at in end.variables}
        await end.app(scope, receive, send)


def _find(step: _Step, segments: Sequence[str], at: int) -> _End | None:
    if at == len(segments):
        return step.end
    segment = segments[at]
    following = step.words.get(segment)
    if following is not None:
        end = _find(following, segments, at + 1)
        if end is not None:
            return end
    if step.any is None or not segment:
        return None
    return _find(step.any, segments, at + 1)


__all__ = ["PathTree"]
