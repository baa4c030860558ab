"""N and R: how things are called, and references from one part to another."""

from __future__ import annotations

from typing import Final

from engine.definitions.codes.code import APP, GROUP, Code, CodeGroup

NAME: Final = Code(
    "N200",
    "Not a name",
    "Names begin with a small letter and go on with letters and digits; entities may have dots for folders.",
    "fields: {First-Name: {type: text}}",
    "fields: {firstName: {type: text}}",
)
RESERVED_NAME: Final = Code(
    "N201",
    "Reserved name",
    "The name has a meaning of its own in the API.",
    "fields: {version: {type: text}}",
    "fields: {edition: {type: text}}",
)
NAME_TAKEN: Final = Code(
    "N202",
    "Name taken",
    "A name or former name (alias) belongs to another one already.",
    "fields: {name: {type: text}, title: {type: text, aliases: [name]}}",
    "fields: {name: {type: text}, title: {type: text, aliases: [caption]}}",
)
RESERVED_ACTION: Final = Code(
    "N203",
    "Reserved action name",
    "The name would mean something else in a URL.",
    "actions: {export: {respond: name}}\nfields: {name: {type: text}}",
    "actions: {hand: {respond: name}}\nfields: {name: {type: text}}",
)

NAMES: Final = CodeGroup("Names", (NAME, RESERVED_NAME, NAME_TAKEN, RESERVED_ACTION))

UNKNOWN_TYPE: Final = Code(
    "R300",
    "Unknown field type",
    "There is no such type.",
    "fields: {name: {type: txt}}",
    "fields: {name: {type: text}}",
)
UNKNOWN_ENTITY: Final = Code(
    "R301",
    "Unknown entity",
    "No file in entities/ defines it.",
    "fields: {owner: {type: relationship, entity: persons}}",
    "fields: {owner: {type: relationship, entity: people}}",
)
UNKNOWN_FIELD: Final = Code(
    "R302",
    "Unknown field",
    "The entity has no such field.",
    "fields: {state: {type: text}, size: {type: integer}}\nindexes: [[stat, size]]",
    "fields: {state: {type: text}, size: {type: integer}}\nindexes: [[state, size]]",
)
UNKNOWN_ACTION: Final = Code(
    "R303",
    "Unknown action",
    "The entity has no such action.",
    "actions: {activate: {run: tidy}}\nlisteners: {tell: {on: [action.activat], run: tidy}}",
    "actions: {activate: {run: tidy}}\nlisteners: {tell: {on: [action.activate], run: tidy}}",
)
UNKNOWN_GROUP: Final = Code(
    "R304",
    "Unknown group",
    "No file in groups/ defines it.",
    "fields: {team: {type: group, groups: [sale]}}",
    "fields: {team: {type: group, groups: [sales]}}",
)
UNKNOWN_FUNCTION: Final = Code(
    "R305",
    "Unknown function",
    "hooks.py has no such function at its top level, or it does not take `ctx` alone.",
    "actions: {clean: {run: tidi}}",
    "actions: {clean: {run: tidy}}",
)
UNKNOWN_QUEUE: Final = Code(
    "R306",
    "Unknown queue",
    "The app has no such queue.",
    "actions: {clean: {run: tidy, background: true, queue: hevy}}",
    "actions: {clean: {run: tidy, background: true, queue: heavy}}",
)
EXTENDS_CYCLE: Final = Code(
    "R307",
    "Entities extend each other",
    "An entity cannot inherit from itself.",
    "extends: companies",
    "extends: people",
)
ABSTRACT_ENTITY: Final = Code(
    "R308",
    "Abstract entity",
    "An abstract entity has no records, so nothing can point to it.",
    "abstract: true\nfields: {parent: {type: relationship, entity: companies}}",
    "fields: {parent: {type: relationship, entity: companies}}",
)
UNKNOWN_EVENT: Final = Code(
    "R309",
    "Unknown event",
    "Listeners hear of a few events.",
    "listeners: {tell: {on: [updated], run: tidy}}",
    "listeners: {tell: {on: [changed], run: tidy}}",
)
UNKNOWN_PARAMETER: Final = Code(
    "R310",
    "Unknown parameter",
    "The action has no such parameter.",
    "name: crm\nschedules: {nightly: {cron: 0 3 * * *, entity: people, action: tidy, params: {day: 3}}}",
    "name: crm\nschedules: {nightly: {cron: 0 3 * * *, entity: people, action: tidy, params: {days: 3}}}",
    file=APP,
)
UNKNOWN_USER_FIELD: Final = Code(
    "R311",
    "Unknown field of users",
    "Users have no such field, so it is always null.",
    "label: Sales\nentities: {people: {read: {email: $user.mail}}}",
    "label: Sales\nentities: {people: {read: {email: $user.email}}}",
    file=GROUP,
    severity="warning",
)

REFERENCES: Final = CodeGroup(
    "References",
    (
        UNKNOWN_TYPE,
        UNKNOWN_ENTITY,
        UNKNOWN_FIELD,
        UNKNOWN_ACTION,
        UNKNOWN_GROUP,
        UNKNOWN_FUNCTION,
        UNKNOWN_QUEUE,
        EXTENDS_CYCLE,
        ABSTRACT_ENTITY,
        UNKNOWN_EVENT,
        UNKNOWN_PARAMETER,
        UNKNOWN_USER_FIELD,
    ),
)
