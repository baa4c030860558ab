"""For whom text is written: in goes what a request asks for, out comes the language and the zone of its reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from bson import ObjectId

from engine.errors import BadRequest, Forbidden
from engine.fields.base import Locale
from engine.fields.plain import find_language
from engine.fields.reference import is_hex_id
from engine.query import Format, Output, join_filters, to_filter
from server.runtime.auth.people import USERS, standardize_email
from server.runtime.running import Caller, RunningApp

_OWN_ZONE = "MANUAL"
"""The mode in which a user's own time zone counts; in the other one it is the app's."""
_READ = ("localization.timezoneMode", "localization.timezone", "localization.language")


async def read_locale(running: RunningApp, caller: Caller, output: Output) -> Locale | None:
    """How values are written; None for their native form. The app says, unless the request names a user.

    Raises BadRequest where the caller knows of no such user, Forbidden where they may not see how the user reads.
    """
    if output.format is not Format.PLAIN_TEXT:
        return None
    app = running.compiled.app
    locale = Locale(app.timezone, app.language, app.currency)
    if output.format_for_user is None:
        return locale
    return _localized(locale, await _read_user(running, caller, output.format_for_user))


async def _read_user(running: RunningApp, caller: Caller, named: str) -> Mapping[str, Any]:
    """The record (value form) of the user with that id or e-mail address; callers always know themselves."""
    email = standardize_email(named)
    own = caller.user or {}
    if named.lower() == own.get("id") or email == own.get("emailStandardized"):
        return own
    access = running.related_access(caller, USERS)
    by_id = is_hex_id(named) is not None
    wanted: dict[str, Any] = {"_id": ObjectId(named)} if by_id else {"emailStandardized": email}
    if access.may("read") and not access.hides("id" if by_id else "email"):
        if access.row_filter is not None:
            wanted = join_filters((wanted, to_filter(access.row_filter)))
        for document in await running.store.find(USERS, wanted, limit=1):
            record: Mapping[str, Any] = running.entity(USERS).rules.load(document)
            if not all(access.shows(path, record) for path in _READ):
                raise Forbidden("_formatForUser: you have no right to read the localization of this user")
            return record
    raise BadRequest("_formatForUser: there is no user with this id or e-mail address")


def _localized(locale: Locale, user: Mapping[str, Any]) -> Locale:
    chosen: Mapping[str, Any] = user.get("localization") or {}
    zone = chosen.get("timezone")
    if chosen.get("timezoneMode") == _OWN_ZONE and zone and _is_zone(zone):
        locale = replace(locale, timezone=zone)
    language = find_language(chosen.get("language") or "")
    return replace(locale, language=language) if language else locale


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True


__all__ = ["read_locale"]
