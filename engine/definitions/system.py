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
  emailStandardized: {type: text, maxLength: 320, calculated: "lower(trim(email))", unique: true}
  status: {type: choice, options: [ACTIVE, BLOCKED, INACTIVE], default: ACTIVE}
  created: {type: dateRecordCreated}
  sendWelcomeEmail: {type: boolean, transient: true}
  temporaryPassword: {type: text, transient: true, write: false}
  groups:
    type: nested
    many: true
    recordLabel: "{group.label}"
    fields:
      primary: {type: boolean}
      external: {type: boolean}
      group: {type: group, required: true}
  permissions:
    type: nested
    write: user.permissions.developer
    fields:
      superUser: {type: boolean}
      systemUser: {type: boolean}
      developer: {type: boolean}
  authentication:
    type: nested
    fields:
      passwordExpired: {type: boolean}
      lastPasswordChange: {type: dateTime}
      phoneNumber: {type: phone, international: true}
      failedLoginAttempts: {type: integer, min: 0, default: 0}
  localization:
    type: nested
    fields:
      timezoneMode: {type: choice, options: [AUTO, MANUAL], default: AUTO}
      timezone: {type: text}
      language: {type: text}
actions:
  activate:
    precondition: {status: INACTIVE}
    steps: [{set: {status: ACTIVE}}]
  deactivate:
    precondition: {status: ACTIVE}
    steps: [{set: {status: INACTIVE}}]
  unblock:
    precondition: {status: BLOCKED}
    steps: [{set: {status: ACTIVE, authentication.failedLoginAttempts: 0}}]
  resetPassword: {run: resetPassword}
validations:
  - check: len(groups) == 0 or len([one for one in groups if one.primary]) == 1
    field: groups
    code: invalid
    message: Exactly one group must be the primary one
"""
}
