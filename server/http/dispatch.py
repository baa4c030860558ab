"""From a path to its handler: one ASGI endpoint for each shape of path, the entity's route found by dict."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from engine.errors import Forbidden, MethodNotAllowed, NotFound, did_you_mean
from engine.fields.reference import is_hex_id
from engine.permissions.addresses import AllowList
from engine.routes import ACTIONS, IN_PLACE_OF_ID, RECORDS, SHAPES, Route
from engine.routes import Scope as Area
from server.http.cross_origin import CrossOrigin
from server.http.exchange import Telling, exchange_of
from server.http.handlers import HANDLERS, health, readiness
from server.http.idempotency import answer_once, read_key
from server.http.identity import Identify, identify, read_address
from server.http.metrics import PATH as METRICS
from server.http.metrics import MetricsEndpoint
from server.http.middleware import InFlight, Paths, Problems, StandardHeaders
from server.http.requests import Call
from server.http.routing import PathTree
from server.http.serving import Edition, Host, Methods, Place
from server.runtime.running import Caller
from server.settings import Settings

NOTHING_THERE = "There is nothing at this path"


class ShapeEndpoint:
    """Serves every route of one shape, for all entities of all apps."""

    def __init__(self, shape: str, host: Host, settings: Settings, identify: Identify) -> None:
        self._shape = shape
        self._twin = IN_PLACE_OF_ID.get(shape)
        self._host = host
        self._settings = settings
        self._identify = identify
        self._proxies = AllowList(settings.proxies)
        self._public = all(one.scope is Area.PUBLIC for one in SHAPES if one.path == shape)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Finds out who asks, then the route, and hands over to its handler. Raises Unauthorized, NotFound,
        MethodNotAllowed, Forbidden, in this order."""
        exchange = exchange_of(scope)
        exchange.shape = self._shape
        params = scope["path_params"]
        app = self._host.app_at(params)
        edition = app.edition
        exchange.app, exchange.running = app.name, edition.running
        address = read_address(scope, self._proxies)
        if self._public:
            caller = Caller(address=address)
        else:
            caller = await self._identify(scope, edition.serving(None), address)
        exchange.caller = caller
        methods = self._methods(edition, params)
        route = methods.get(scope["method"])
        if route is None:
            raise MethodNotAllowed(methods)
        exchange.route, exchange.shape = route, route.shape
        _check_scopes(caller, route)
        if not self._public:
            edition.serving(route.entity).check_route(caller, route)
        call = Call(scope, receive, params, route, caller, app, edition, self._host, self._settings)
        handler = HANDLERS[route.operation]
        key = read_key(scope["headers"]) if route.once else None
        answer = await (handler(call) if key is None else answer_once(call, key, handler))
        await answer(scope, receive, send)

    def _methods(self, edition: Edition, params: Mapping[str, str]) -> Methods:
        """The routes at a path, by method; raises NotFound."""
        entity = params.get("entity")
        if self._twin is not None:
            found = edition.routes[self._twin].get((entity, params["id"]))
            if found is not None:
                return found
        found = edition.routes[self._shape].get((entity, params.get("action")))
        if found is not None:
            if self._twin is not None and not _may_be_ids(params["id"]):
                raise NotFound(_nothing_of_that_name(edition.routes[self._twin], entity, params["id"]))
            return found
        if entity is None:
            raise NotFound(NOTHING_THERE)
        if "action" in params and (entity, None) in edition.routes[RECORDS]:
            text = f"{entity} has no action named {params['action'][:64]}"
            alone = (entity, params["action"]) in edition.routes[ACTIONS]
            raise NotFound(f"{text} for one record; leave out the id" if alone else text)
        raise NotFound(f"There is no entity named {entity}")


def _may_be_ids(text: str) -> bool:
    """Whether a text can stand for records: an id, or several things joined by commas, each judged by itself."""
    return is_hex_id(text) is not None or "," in text


def _nothing_of_that_name(actions: Mapping[Place, Methods], entity: str | None, name: str) -> str:
    text = f"{entity} has no record and no action named {name[:64]}"
    hint = did_you_mean(name, (one for owner, one in actions if owner == entity and one)) if len(name) <= 64 else None
    return f"{text}; {hint}" if hint else text


def _check_scopes(caller: Caller, route: Route) -> None:
    """An API token may be made for less than its user may do."""
    if caller.scopes is None or route.scope in (Area.PUBLIC, Area.OWN):
        return
    if not caller.scopes.allows(route.scope, route.entity, route.permission):
        raise Forbidden("This API token was not made for this")


class ServerEndpoint:
    """Answers GET on a path of the server itself, which belongs to no app."""

    def __init__(self, path: str, ask: Callable[[], Awaitable[ASGIApp]]) -> None:
        self._path = path
        self._ask = ask

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Asks and answers; raises MethodNotAllowed."""
        exchange_of(scope).shape = self._path
        if scope["method"] not in ("GET", "HEAD"):
            raise MethodNotAllowed(("GET", "HEAD"))
        answer = await self._ask()
        await answer(scope, receive, send)


async def refuse_path(scope: Scope, receive: Receive, send: Send) -> None:
    """What a path of no shape leads to."""
    raise NotFound(NOTHING_THERE)


def build_http(host: Host, settings: Settings, prefix: str, identify: Identify = identify) -> ASGIApp:
    """The whole HTTP face as one ASGI app. Shapes stand under `prefix`, which holds `{app}` where apps are several;
    `identify` finds out who asks."""
    shapes = dict.fromkeys(shape.path for shape in SHAPES if shape.path not in IN_PLACE_OF_ID.values())
    paths: list[tuple[str, ASGIApp]] = [
        (prefix + shape, ShapeEndpoint(shape, host, settings, identify)) for shape in shapes
    ]
    for path, ask in (("/healthz", health), ("/readyz", lambda: readiness(host, host.apps.values()))):
        paths.append((path, ServerEndpoint(path, ask)))
    paths.append((METRICS, MetricsEndpoint(host, settings.metrics_token)))
    tree = PathTree(paths, refuse_path)
    answering: ASGIApp = Problems(Paths(tree, settings.max_url))
    if settings.origins:
        answering = CrossOrigin(answering, settings.origins)
    return InFlight(StandardHeaders(Telling(answering, settings)), host)


__all__ = ["ServerEndpoint", "ShapeEndpoint", "build_http"]
