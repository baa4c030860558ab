"""P, A, X and D: rights of groups; actions and schedules; indexes; data that stays."""

from __future__ import annotations

from typing import Final

from engine.definitions.codes.code import APP, GROUP, Code, CodeGroup

RIGHT: Final = Code(
    "P600",
    "Not a right",
    "Access to records is always, never or a filter map, since it must also work inside a database query.",
    "label: Sales\nentities: {people: {read: name == 'Ada'}}",
    "label: Sales\nentities: {people: {read: {name: Ada}}}",
    file=GROUP,
)
IDLE_RIGHT: Final = Code(
    "P601",
    "Right without effect",
    "The right builds on another one that is not given.",
    "label: Sales\nentities: {people: {update: always}}",
    "label: Sales\nentities: {people: {read: always, update: always}}",
    file=GROUP,
    severity="warning",
)
BAD_NETWORK: Final = Code(
    "P602",
    "Not an IP network",
    "Addresses and networks only.",
    "label: Sales\nsecurity: {allowedIps: [10.0.0.1/8]}",
    "label: Sales\nsecurity: {allowedIps: [10.0.0.0/8]}",
    file=GROUP,
)
PARENT_RIGHT: Final = Code(
    "P603",
    "Nothing to take the right from",
    "`parent` copies the right of the group around a field.",
    "label: Sales\nentities: {people: {read: always, fields: {name: parent}}}",
    "label: Sales\nentities: {people: {read: always, fields: {name: readOnly}}}",
    file=GROUP,
)
CLOSED_FIELD: Final = Code(
    "P604",
    "Field that no group can use",
    "Groups may use the entity, and none of them can read or write this field: only developers and hooks see it.",
    "label: Sales\nentities: {people: {read: always, fields: {email: none}}}",
    "label: Sales\nentities: {people: {read: always, fields: {email: readOnly}}}",
    file=GROUP,
    severity="warning",
)

RIGHTS: Final = CodeGroup("Rights of groups", (RIGHT, IDLE_RIGHT, BAD_NETWORK, PARENT_RIGHT, CLOSED_FIELD))

NOT_WRITABLE: Final = Code(
    "A700",
    "Field cannot be set",
    "The step sets what is calculated or given by the engine.",
    "fields: {size: {type: integer}}\nactions: {grow: {steps: [{set: {id: =size + 1}}]}}",
    "fields: {size: {type: integer}}\nactions: {grow: {steps: [{set: {size: =size + 1}}]}}",
)
BAD_CRON: Final = Code(
    "A701",
    "Not a cron expression",
    "Five fields of numbers, ranges, lists and steps: minute, hour, day of the month, month, day of the week.",
    "name: crm\nschedules: {nightly: {cron: every night, entity: people, action: tidy}}",
    "name: crm\nschedules: {nightly: {cron: 0 3 * * *, entity: people, action: tidy}}",
    file=APP,
)
BAD_VALUE: Final = Code(
    "A702",
    "Value does not fit its field",
    "The field would refuse the value.",
    "fields: {size: {type: integer}}\nactions: {empty: {steps: [{set: {size: none}}]}}",
    "fields: {size: {type: integer}}\nactions: {empty: {steps: [{set: {size: 0}}]}}",
)

ACTIONS: Final = CodeGroup("Actions and schedules", (NOT_WRITABLE, BAD_CRON, BAD_VALUE))

BAD_INDEX: Final = Code(
    "X700",
    "Index cannot be built",
    "The database cannot index these fields together.",
    "fields:\n  codes: {type: text, many: true}\n  tags: {type: text, many: true}\nindexes: [[codes, tags]]",
    "fields:\n  codes: {type: text, many: true}\n  tags: {type: text, many: true}\nindexes: [[codes], [tags]]",
)
NEEDLESS_INDEX: Final = Code(
    "X701",
    "Needless index",
    "Another index begins with the same fields in the same order and serves the same queries; each index costs time on "
    "every write.",
    "fields: {state: {type: text}, size: {type: integer}}\nindexes: [[state], [state, size]]",
    "fields: {state: {type: text}, size: {type: integer}}\nindexes: [[state, size]]",
    severity="warning",
)
IDLE_INDEX: Final = Code(
    "X702",
    "Index that no query can use",
    "No operator and no sort reaches the field, so that the index costs time on every write and saves none.",
    "fields: {data: {type: json}, state: {type: text}}\nindexes: [[data, state]]",
    "fields: {data: {type: json}, state: {type: text}}\nindexes: [[state]]",
    severity="warning",
)

INDEXES: Final = CodeGroup("Indexes", (BAD_INDEX, NEEDLESS_INDEX, IDLE_INDEX))

UNBOUNDED_AUDIT: Final = Code(
    "D800",
    "Audit trail without end",
    "An audit setting that says what is recorded, and not for how long, keeps every entry for ever. `auditLogs: true` "
    "asks for just that and is not warned about.",
    "auditLogs: {changed: true, actions: false}\nfields: {name: {type: text}}",
    "auditLogs: {changed: true, actions: false, keep: 365d}\nfields: {name: {type: text}}",
    severity="warning",
)

DATA: Final = CodeGroup("Data that stays", (UNBOUNDED_AUDIT,))
