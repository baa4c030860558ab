"""The entities that every app has: what authors would write for them."""

from __future__ import annotations

from collections.abc import Mapping

SYSTEM_ENTITIES: Mapping[str, str] = {
    "sys.users": """
label: Users
recordLabel: "{fullName}"
auditLogs: true
fields:
  firstName: {type: text, required: true}
  lastName: {type: text, required: true}
  fullName: {type: text, maxLength: 601, calculated: "{firstName} {lastName}"}
  email: {type: email, required: true, unique: true, lookup: true}
  status: {type: choice, options: [ACTIVE, BLOCKED, INACTIVE], default: ACTIVE}
  created: {type: dateRecordCreated}
  groups:
    type: nested
    many: true
    recordLabel: "{group.label}"
    fields:
      primary: {type: boolean}
      group: {type: group, required: true}
  permissions:
    type: nested
    fields:
      superUser: {type: boolean}
      systemUser: {type: boolean}
      developer: {type: boolean}
  localization:
    type: nested
    fields:
      timezoneMode: {type: choice, options: [AUTO, MANUAL], default: AUTO}
      timezone: {type: text}
      language: {type: text, default: en}
"""
}
