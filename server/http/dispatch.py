"""From a path to its handler: one ASGI endpoint for each shape of path, the entity's route found by dict."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.routing import Route as StarletteRoute
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.errors import MethodNotAllowed, NotFound
from engine.routes import SHAPES
from server.http.handlers import HANDLERS, health, readiness
from server.http.middleware import InFlight, Paths, Problems, StandardHeaders
from server.http.requests import Call
from server.http.serving import Host
from server.runtime.running import ANYBODY
from server.settings import Settings


class ShapeEndpoint:
    """Serves every route of one shape, for all entities of all apps."""

    def __init__(self, shape: str, host: Host, settings: Settings) -> None:
        self._shape = shape
        self._host = host
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Finds the route and hands over to its handler; raises NotFound and MethodNotAllowed."""
        params = scope["path_params"]
        app = self._host.app_at(params)
        edition = app.edition
        methods = edition.routes[self._shape].get(params.get("entity"))
        if methods is None:
            raise NotFound(f"There is no entity named {params.get('entity')}")
        route = methods.get(scope["method"])
        if route is None:
            raise MethodNotAllowed(methods)
        call = Call(scope, receive, params, route, ANYBODY, app, edition, self._host, self._settings)
        answer = await HANDLERS[route.operation](call)
        await answer(scope, receive, send)


class ServerEndpoint:
    """Answers GET on a path of the server itself, which belongs to no app."""

    def __init__(self, ask: Callable[[], Awaitable[ASGIApp]]) -> None:
        self._ask = ask

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Asks and answers; raises MethodNotAllowed."""
        if scope["method"] not in ("GET", "HEAD"):
            raise MethodNotAllowed(("GET", "HEAD"))
        answer = await self._ask()
        await answer(scope, receive, send)


async def refuse_path(scope: Scope, receive: Receive, send: Send) -> None:
    """What a path of no shape leads to."""
    raise NotFound(f"There is nothing at {scope['path']}")


def build_http(host: Host, settings: Settings, prefix: str) -> ASGIApp:
    """The whole HTTP face as one ASGI app. Shapes stand under `prefix`, which holds `{app}` where apps are several."""
    shapes = dict.fromkeys(shape.path for shape in SHAPES)
    routes = [StarletteRoute(prefix + shape, ShapeEndpoint(shape, host, settings)) for shape in shapes]
    routes.append(StarletteRoute("/healthz", ServerEndpoint(health)))
    routes.append(StarletteRoute("/readyz", ServerEndpoint(lambda: readiness(host, host.apps.values()))))
    router = Router(routes, redirect_slashes=False, default=refuse_path)
    return InFlight(StandardHeaders(Problems(Paths(router, settings.max_url))), host)


__all__ = ["ServerEndpoint", "ShapeEndpoint", "build_http"]
