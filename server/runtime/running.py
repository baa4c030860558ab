"""A running app: its compiled definitions and its database, and who is asking."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.compiler import CompiledApp, CompiledEntity
from engine.errors import Forbidden, NotFound
from engine.permissions import FULL_ACCESS, NO_ACCESS, Access
from engine.permissions.addresses import Address
from engine.permissions.scopes import TokenScopes
from engine.query import Clock
from engine.records import Moment
from engine.routes import Permission, Route, Scope
from server.runtime.auth.desk import Desk
from server.runtime.calls import Calls
from server.runtime.logs import AppLog
from server.runtime.outbox import Outbox
from server.runtime.units import Unit
from server.runtime.waiting import WaitingRoom
from server.store import Store


def wall_clock() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    `user` is the user's record in value form, `admin` that of whoever impersonates them. `token` is the id of the token
    that was shown; `scopes` limit an API token, None does not. `groups` are names. A developer passes all permissions.
    `origin` is `user`, `script` for what actions and listeners do, `system` for the engine itself.
    """

    user: dict[str, Any] | None = None
    admin: dict[str, Any] | None = None
    token: str | None = None
    scopes: TokenScopes | None = None
    groups: tuple[str, ...] = ()
    developer: bool = False
    address: Address | None = None
    origin: str = "user"
    context: str | None = None
    """Where in the definitions it stands what they do (`entities.companies.actions.activate`); None is nowhere."""
    behind: Caller | None = None
    """Who asked, where definitions act for them with all rights: what goes wrong is told to them with theirs."""

    @property
    def is_system_user(self) -> bool:
        """Whether they are marked as another system, which may read all files."""
        return bool(((self.user or {}).get("permissions") or {}).get("systemUser"))

    def as_script(self) -> Caller:
        """The same caller where the app's own definitions act for them, with all rights."""
        return replace(self, scopes=None, developer=True, origin="script", behind=self.behind or self)


@dataclass(slots=True)
class Discretion:
    """Whether an answer holds a secret, so that it is kept nowhere."""

    needed: bool = False


SYSTEM = Caller(user={"permissions": {"developer": True, "systemUser": True}}, developer=True, origin="system")
"""The engine itself."""


@dataclass
class RunningApp:
    """What use cases work with. `compiled` may be swapped for a newer set of definitions between requests.

    `clock` gives ms since the epoch, `pause` waits for seconds.
    """

    compiled: CompiledApp
    store: Store
    clock: Callable[[], int] = field(default=wall_clock)
    pause: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)
    desk: Desk = field(default_factory=Desk)
    job_added: asyncio.Event = field(default_factory=asyncio.Event)
    """Wakes the process's own worker of background jobs."""
    hooks: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """The functions of the app's hooks.py."""
    calls: Calls = field(default_factory=Calls)
    action_timeout: float = 60.0
    """How many seconds an action may take while the client waits."""
    waiting: WaitingRoom = field(default_factory=WaitingRoom)
    """What this process knows of the jobs that wait."""
    unit: Unit | None = None
    """The unit of work that everything belongs to which is done with this object; the store is bound to it."""
    chain: tuple[str, ...] = ()
    """The listeners that set each other off, down to the present one."""
    listening: bool = True
    """Whether listeners hear of what is done."""
    cascading: bool = True
    """Whether what is done reaches the records that refer to it."""
    relabelling: bool = True
    """Whether records that refer to one whose label changes hear of it."""
    depth: int = 0
    """How many deletions led to what is done now, each through a relationship."""
    outbox: Outbox = field(default_factory=Outbox)
    """What this process still does after its writes."""
    log: AppLog = field(default_factory=AppLog)
    """What this process has to say in the app's log."""
    discretion: Discretion = field(default_factory=Discretion)
    """Where whoever keeps answers is told to leave one out."""

    def __post_init__(self) -> None:
        """The newest definitions serve what follows, outside any unit."""
        known = self.outbox.running
        if self.unit is None and (known is None or known.compiled is not self.compiled):
            self.outbox.running = self

    def asked(self, flags: Mapping[str, bool]) -> RunningApp:
        """The app as flags of a request want it: without listeners (`trigger_events`), without cascades (`cascade`),
        with cascades of labels or without (`relabel`; as with the others, unless given)."""
        listening, cascading = flags.get("trigger_events", True), flags.get("cascade", True)
        relabelling = flags.get("relabel", cascading)
        if listening and cascading and relabelling:
            return self
        return replace(
            self,
            listening=self.listening and listening,
            cascading=self.cascading and cascading,
            relabelling=self.relabelling and relabelling,
        )

    def entity(self, name: str) -> CompiledEntity:
        """The entity of that name; raises NotFound."""
        found = self.compiled.entities.get(name)
        if found is None:
            raise NotFound(f"There is no entity named {name}")
        return found

    def access(self, caller: Caller, entity: str) -> Access:
        """What the caller may do with an entity; every use case asks this before anything else."""
        if caller.developer:
            return FULL_ACCESS
        access = self.compiled.rights.access(frozenset(caller.groups), entity)
        return access if access.is_bound else access.bound(caller.user, self.query_clock())

    def reader_access(self, caller: Caller, entity: str) -> Access | None:
        """The rights with which problems of a write are told where somebody else than the writer hears of them."""
        return None if caller.behind is None else self.access(caller.behind, entity)

    def related_access(self, caller: Caller, entity: str) -> Access:
        """What the caller may do with an entity that a request meets on its way to another one: nothing where the
        token was not made for reading it."""
        if caller.scopes is not None and not caller.scopes.allows(Scope.DATA, entity, Permission.READ):
            return NO_ACCESS
        return self.access(caller, entity)

    def check_route(self, caller: Caller, route: Route) -> None:
        """Raises Forbidden unless the caller may use the route at all, before its body or query are looked at."""
        if caller.developer or route.scope in (Scope.PUBLIC, Scope.OWN):
            return
        if route.scope is Scope.DEVELOPERS:
            raise Forbidden("Only developers may do this")
        groups = frozenset(caller.groups)
        ungrouped = route.scope is Scope.READ_FILES and caller.is_system_user and not groups
        if not ungrouped and not self.compiled.rights.opens(groups, route.scope):
            raise Forbidden(f"None of your groups opens the {route.scope} part of the API")
        if route.entity is not None and route.action is not None:
            if not self.compiled.rights.access(groups, route.entity).may_act(route.action):
                raise Forbidden(f"You have no right to the action {route.action} of {route.entity}")
            return
        if route.entity is None or self.compiled.rights.access(groups, route.entity).may(route.permission):
            return
        raise Forbidden(f"You have no {route.permission} right on {route.entity}")

    def moment(self, caller: Caller) -> Moment:
        """Now, as one write sees it."""
        return Moment(self.clock(), self.compiled.app.timezone, caller.user)

    def query_clock(self) -> Clock:
        """Now, as one query sees it."""
        return Clock(self.clock(), self.compiled.app.timezone)
