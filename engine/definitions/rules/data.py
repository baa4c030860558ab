"""Laws about data that stays: that somebody has decided for how long."""

from __future__ import annotations

from collections.abc import Iterator

from engine.definitions.codes.code import problem
from engine.definitions.codes.work import UNBOUNDED_AUDIT
from engine.definitions.model import AuditDef
from engine.definitions.rules.context import Context
from engine.errors import Diagnostic


def audit_trails_end(context: Context) -> Iterator[Diagnostic]:
    """A setting of what is recorded says for how long; `auditLogs: true` is a decision for ever."""
    for site in context.sites:
        audit = site.definition.audit_logs
        if isinstance(audit, AuditDef) and site.entity.audit.on and not audit.given("keep"):
            hint = "add how long an entry is kept, such as keep: 365d"
            yield problem(UNBOUNDED_AUDIT, audit.at, "this audit trail is kept for ever", hint)
