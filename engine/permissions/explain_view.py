"""Explanations as JSON data: verdicts, and each deciding rule with its file, line and column."""

from __future__ import annotations

from typing import Any

from engine.permissions.asked import Rule
from engine.permissions.explain import Explanation, FieldExplanation, Rights

Json = dict[str, Any]


def render_rights(rights: Rights) -> Json:
    """Everything at once: `operations`, `actions` and `fields` by name."""
    return {
        "operations": {name: render_explanation(one) for name, one in rights.operations.items()},
        "actions": {name: render_explanation(one) for name, one in rights.actions.items()},
        "fields": {name: render_field(one) for name, one in rights.fields.items()},
    }


def render_explanation(found: Explanation) -> Json:
    """`verdict`, the rules that decided it, and what each group says with all rules that it asks."""
    return {
        "verdict": found.verdict,
        "developer": found.developer,
        "decidedBy": [render_rule(rule) for rule in found.decided_by],
        "groups": [
            {"group": says.group, "verdict": says.verdict, "rules": [render_rule(rule) for rule in says.rules]}
            for says in found.groups
        ],
        "others": [render_rule(rule) for rule in found.others],
    }


def render_field(found: FieldExplanation) -> Json:
    """`right` (none, readOnly, readWrite, depends), and reading and writing explained."""
    return {"right": found.right, "read": render_explanation(found.read), "write": render_explanation(found.write)}


def render_rule(rule: Rule) -> Json:
    """One rule: whose it is, where it stands, what it says there and what that means in this case."""
    return {
        "group": rule.group,
        "entity": rule.entity or None,
        "rule": rule.key,
        "part": rule.part or None,
        "says": rule.says,
        "verdict": rule.verdict,
        "written": rule.written,
        "about": rule.about,
        "file": rule.at.file,
        "line": rule.at.line,
        "column": rule.at.column,
    }


__all__ = ["render_explanation", "render_field", "render_rights", "render_rule"]
