"""Rights on one record, explained: in go its id and whose rights are meant, out comes every rule that counts there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from engine.errors import BadRequest
from engine.permissions import Case
from engine.permissions.explain_view import render_rights
from server.runtime.auth.people import USERS, find_person
from server.runtime.parameters import refuse_parameters
from server.runtime.records import object_id
from server.runtime.running import Caller, RunningApp

Json = dict[str, Any]
Pairs = Sequence[tuple[str, str]]

GROUPS, USER = "groups", "user"
_TAKEN: Final = (GROUPS, USER)


async def explain_rights(running: RunningApp, caller: Caller, name: str, record_id: str, pairs: Pairs) -> Json:
    """What may be done with a record, by operation, action and field, by whom `groups=a,b` or `user=email` says, else
    by the caller; rules on the user are open where only groups are given. For developers, who see all of it.

    Raises NotFound for a record that is not there, BadRequest for a group or user that is not.
    """
    refuse_parameters([pair for pair in pairs if pair[0] not in _TAKEN], _TAKEN)
    if len(pairs) > 1:
        raise BadRequest("Give groups or user, and that once")
    compiled, explainer = running.entity(name), running.compiled.explainer
    groups, user, developer = caller.groups, caller.user, caller.developer
    for asked, text in pairs:
        if asked == GROUPS:
            groups, user, developer = tuple(dict.fromkeys(text.split(","))), None, False
            explainer.check_groups(groups)
        else:
            groups, user, developer = await _rights_of(running, text)
    key = object_id(compiled, record_id)
    document = await running.store.get(compiled.collection, key)
    if document is None:
        raise compiled.rules.rights.missing(str(key))
    case = Case(running.query_clock(), user, compiled.rules.load(document))
    rights = explainer.explain_all(None if developer else groups, name, case)
    email = None if user is None else user.get("email")
    of_whom: Json = {"user": email, "groups": list(groups), "developer": developer}
    return {"entity": name, "id": str(key), **of_whom, **render_rights(rights)}


async def _rights_of(running: RunningApp, email: str) -> tuple[tuple[str, ...], dict[str, Any], bool]:
    """The groups, the record (value form) and whether they pass them, of the user with an e-mail address."""
    person = await find_person(running, email)
    if person is None:
        raise BadRequest(f"There is no user with the e-mail address {email[:320]}")
    return person.membership.groups, running.entity(USERS).rules.load(person.document), person.is_developer


__all__ = ["explain_rights"]
