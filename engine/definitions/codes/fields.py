"""T and E: types with their keys and rules; expressions, templates, filters and what they compute."""

from __future__ import annotations

from typing import Final

from engine.definitions.codes.code import Code, CodeGroup

BAD_OPTION: Final = Code(
    "T400",
    "Key of a type makes no sense",
    "The type refuses the value of one of its keys.",
    "fields: {size: {type: integer, min: 5, max: 1}}",
    "fields: {size: {type: integer, min: 1, max: 5}}",
)
LACKS_CAPABILITY: Final = Code(
    "T401",
    "Key does not suit the type",
    "Not every type can be unique, many, required …",
    "fields: {active: {type: boolean, unique: true}}",
    "fields: {active: {type: boolean}}",
)
BAD_DEFAULT: Final = Code(
    "T402",
    "Default breaks its own rules",
    "A default must be a value that a body could send, and pass the field's own validations.",
    "fields: {size: {type: integer, min: 1, default: 0}}",
    "fields: {size: {type: integer, min: 1, default: 1}}",
)
BAD_DISPLAY: Final = Code(
    "T403",
    "Display option makes no sense",
    "The type refuses a display option.",
    "fields: {active: {type: boolean, display: {labels: onOff}}}",
    "fields: {active: {type: boolean, display: {representation: switcher, labels: onOff}}}",
)
CONTRADICTION: Final = Code(
    "T404",
    "Keys contradict each other",
    "Two things are said that cannot both be.",
    "fields: {code: {type: text, lookup: true}}",
    "fields: {code: {type: text, unique: true, lookup: true}}",
)
PARAMETER_KEY: Final = Code(
    "T405",
    "Not a key of parameters",
    "Parameters are not stored, so that some keys of fields mean nothing there.",
    "actions: {clean: {parameters: {days: {type: integer, index: true}}, run: tidy}}",
    "actions: {clean: {parameters: {days: {type: integer}}, run: tidy}}",
)
UNIQUE_IN_LIST: Final = Code(
    "T406",
    "Unique values in a list",
    "A unique field that holds a list, or stands in one, keeps two records from sharing any of its values; inside one "
    "record values may still repeat.",
    "fields: {codes: {type: text, many: true, unique: true}}",
    "fields: {codes: {type: text, many: true, index: true}}",
    severity="warning",
)
UNREACHABLE_OPTION: Final = Code(
    "T407",
    "Option that can never be chosen",
    "The option's `when` holds for no values that its fields can have, or another option has its label or name.",
    "fields:\n  state: {type: choice, options: [open, closed]}\n"
    "  reason: {type: choice, options: [{name: lost, when: {_and: [{state: closed}, {state: open}]}}, other]}",
    "fields:\n  state: {type: choice, options: [open, closed]}\n"
    "  reason: {type: choice, options: [{name: lost, when: {state: closed}}, other]}",
    severity="warning",
)
NEVER_SUPPLIED: Final = Code(
    "T408",
    "Value that groups do not get",
    "What is given with the creation or the change of a record (its number, its rank, the moment) is a field of the "
    "record itself; a nested group, or an item of a list, would never get it.",
    "fields: {lines: {type: nested, many: true, fields: {added: {type: dateRecordCreated}}}}",
    "fields: {lines: {type: nested, many: true, fields: {added: {type: dateTime, defaultExpression: now()}}}}",
)

TYPES: Final = CodeGroup(
    "Types, their keys and rules",
    (
        BAD_OPTION,
        LACKS_CAPABILITY,
        BAD_DEFAULT,
        BAD_DISPLAY,
        CONTRADICTION,
        PARAMETER_KEY,
        UNIQUE_IN_LIST,
        UNREACHABLE_OPTION,
        NEVER_SUPPLIED,
    ),
)

EXPRESSION: Final = Code(
    "E500",
    "Expression cannot be read",
    "The text is not in the expression language, or goes beyond its limits.",
    "fields: {size: {type: integer}}\nvalidations: [{check: size = 1, message: One}]",
    "fields: {size: {type: integer}}\nvalidations: [{check: size == 1, message: One}]",
)
UNKNOWN_NAME: Final = Code(
    "E501",
    "Unknown name in an expression",
    "An expression names fields, and a few roots such as record and user.",
    "fields: {size: {type: integer}}\nvalidations: [{check: siz == 1, message: One}]",
    "fields: {size: {type: integer}}\nvalidations: [{check: size == 1, message: One}]",
)
FILTER: Final = Code(
    "E502",
    "Filter map cannot be used",
    "A field lacks the operator, or cannot have the value.",
    "fields: {size: {type: integer}, note: {type: text, required: {size: greater(many)}}}",
    "fields: {size: {type: integer}, note: {type: text, required: {size: greater(10)}}}",
)
CALCULATION_CYCLE: Final = Code(
    "E503",
    "Calculations need each other",
    "A calculated field or label depends on itself.",
    "fields: {a: {type: integer, calculated: b + 1}, b: {type: integer, calculated: a + 1}}",
    "fields: {a: {type: integer}, b: {type: integer, calculated: a + 1}}",
)
COPY_CYCLE: Final = Code(
    "E504",
    "Copies hold each other",
    "A copied field would hold itself.",
    "fields: {name: {type: text}, parent: {type: relationship, entity: companies, copy: [name, parent]}}",
    "fields: {name: {type: text}, parent: {type: relationship, entity: companies, copy: [name]}}",
)
ACTION_CYCLE: Final = Code(
    "E505",
    "Actions run each other",
    "An action would run itself without end.",
    "actions: {a: {steps: [{action: {name: b}}]}, b: {steps: [{action: {name: a}}]}}",
    "actions: {a: {steps: [{action: {name: b}}]}, b: {run: tidy}}",
)
EMPTY_LABEL: Final = Code(
    "E506",
    "Label can be empty",
    "No field of the label is sure to have a value, so that records may have no name for people. A field is sure of "
    "one when it is required, has a default or fills itself.",
    'recordLabel: "{name}"\nfields: {name: {type: text}}',
    'recordLabel: "{name}"\nfields: {name: {type: text, required: true}}',
    severity="warning",
)
CONSTANT: Final = Code(
    "E507",
    "Constant expression",
    "The expression reads nothing, so that it always gives the same value.",
    "fields: {size: {type: integer, defaultExpression: 2 * 5}}",
    "fields: {size: {type: integer, default: 10}}",
    severity="warning",
)
ONE_OUTCOME: Final = Code(
    "E508",
    "Condition with one outcome",
    "Whatever the fields that it reads hold, the condition comes out the same: often a word that is not an option.",
    "fields:\n  state: {type: choice, options: [open, closed]}\n  note: {type: text, required: state == 'close'}",
    "fields:\n  state: {type: choice, options: [open, closed]}\n  note: {type: text, required: state == 'closed'}",
    severity="warning",
)
ROUND_TRIP: Final = Code(
    "E509",
    "Records calculate each other",
    "By way of relationships or aggregates a value depends on the same value of other records. Where records point to "
    "each other in a circle, each change sets off the next one. Ignore it where they form a tree.",
    'recordLabel: "{parent.label} {name}"\n'
    "fields: {name: {type: text, required: true}, parent: {type: relationship, entity: companies}}",
    'recordLabel: "{parent.name} {name}"\n'
    "fields: {name: {type: text, required: true}, parent: {type: relationship, entity: companies, copy: [name]}}",
    severity="warning",
)

EXPRESSIONS: Final = CodeGroup(
    "Expressions, templates and filters",
    (
        EXPRESSION,
        UNKNOWN_NAME,
        FILTER,
        CALCULATION_CYCLE,
        COPY_CYCLE,
        ACTION_CYCLE,
        EMPTY_LABEL,
        CONSTANT,
        ONE_OUTCOME,
        ROUND_TRIP,
    ),
)
