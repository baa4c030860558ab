"""What belonging to groups means for logging in: in go an app's groups, out comes the membership of each set of them.

Rights on records are united elsewhere; here are session lifetimes, addresses, password rules and impersonation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.fields.reference import group_id
from engine.permissions.addresses import Address, AllowList
from engine.schema import App, Group, PasswordRules


@dataclass(frozen=True, slots=True)
class Membership:
    """The groups of one user, united. Times are in ms.

    `session_timeout` is the lowest of the groups', else the app's; `password` and `max_login_attempts` are those of the
    primary group; one group that may impersonate is enough.
    """

    groups: tuple[str, ...]
    session_timeout: int
    password: PasswordRules
    max_login_attempts: int | None
    impersonate: bool
    _allowed: tuple[AllowList, ...]

    def admits(self, address: Address | None) -> bool:
        """Whether a member may come from the address: groups that list addresses are united, and where no group lists
        any, all will do."""
        return not self._allowed or any(address in allowed for allowed in self._allowed)


class Memberships:
    """All groups of an app, ready to be joined; built once."""

    def __init__(self, app: App) -> None:
        self._session_timeout = app.session_timeout
        self._groups: Mapping[str, Group] = {group_id(name): group for name, group in app.groups.items()}
        self._by_reference = {group.label: group for group in app.groups.values()} | {**app.groups, **self._groups}
        self._allowed = {name: AllowList(group.allowed_ips) for name, group in app.groups.items() if group.allowed_ips}

    def of(self, stored: Iterable[Mapping[str, Any]]) -> Membership:
        """The membership in the groups that a user's document lists; groups that exist no more give nothing."""
        joined = [
            (self._groups[str(item["group"]["id"])], bool(item.get("primary")))
            for item in stored
            if item.get("group") and str(item["group"]["id"]) in self._groups
        ]
        groups = [group for group, _ in joined]
        primary = next((group for group, is_primary in joined if is_primary), None)
        timeouts = [group.session_timeout for group in groups if group.session_timeout is not None]
        return Membership(
            groups=tuple(group.name for group in groups),
            session_timeout=min(timeouts, default=self._session_timeout),
            password=PasswordRules() if primary is None else primary.password,
            max_login_attempts=None if primary is None else primary.max_login_attempts,
            impersonate=any(group.impersonate for group in groups),
            _allowed=tuple(self._allowed[group.name] for group in groups if group.name in self._allowed),
        )

    def named(self, written: Any) -> tuple[str, ...]:
        """The names of the groups that a user's JSON lists by name, label or id; unknown ones are left out."""
        found: dict[str, None] = {}
        for item in written if isinstance(written, list) else ():
            reference = item.get("group") if isinstance(item, Mapping) else None
            for text in reference.values() if isinstance(reference, Mapping) else (reference,):
                group = self._by_reference.get(text) if isinstance(text, str) else None
                if group is not None:
                    found[group.name] = None
        return tuple(found)

    def rules_for(self, written: Any) -> PasswordRules | None:
        """The password rules that a body's list of groups asks for; None where it names no primary group."""
        for item in written if isinstance(written, list) else ():
            if isinstance(item, Mapping) and item.get("primary") is True:
                reference = item.get("group")
                if isinstance(reference, Mapping):
                    reference = next(iter(reference.values()), None)
                group = self._by_reference.get(reference) if isinstance(reference, str) else None
                return None if group is None else group.password
        return None


__all__ = ["Membership", "Memberships"]
