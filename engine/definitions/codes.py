"""Every kind of problem that a definition can have: its stable code, what it means and an example of it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import Diagnostic, Position, Severity


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of problem. The documentation of problems is made of these; `example` is what provokes it."""

    code: str
    title: str
    explanation: str
    example: str
    severity: Severity = "error"


def problem(code: Code, at: Position, message: str, hint: str | None = None) -> Diagnostic:
    """A Diagnostic of that kind; its path inside the file is filled in when all problems are gathered."""
    return Diagnostic(code.code, message, at, hint, severity=code.severity)


# S1: the text of a file and the shape of its keys
SYNTAX = Code(
    "S100",
    "Not valid YAML or JSON",
    "The file cannot be read to its end; the position is where the reader gave up, the cause may stand before it.",
    "label: [a, b",
)
DUPLICATE_KEY = Code(
    "S101",
    "Key given twice",
    "A map holds the same key two times; one of the two would be lost.",
    "{label: A, label: B}",
)
AMBIGUOUS_BOOLEAN = Code(
    "S102",
    "Ambiguous boolean",
    "Only true and false are booleans; yes, no, on, off and other spellings are read differently by different tools.",
    "required: yes",
)
TAG = Code(
    "S103", "Tag", "Definitions hold plain data; tags such as !!str or !!python/name are refused.", "label: !!str 1"
)
MERGE_KEY = Code("S104", "Merge key", "Merge keys belong to YAML 1.1 and are refused.", "<<: *base")
TOO_LARGE = Code(
    "S105",
    "Over a limit",
    "Files have at most 1 MiB, 100,000 values (aliases counted as what they repeat), 100 aliases and 64 levels.",
    "a: [*b, *b, *b, *b]",
)
SEVERAL_DOCUMENTS = Code("S106", "Several documents", "One file defines one thing.", "label: A\n---\nlabel: B")
EMPTY_FILE = Code("S107", "Empty file", "A definition file holds a map with at least one key.", "# nothing here")
UNREADABLE = Code("S108", "File cannot be read", "Files are UTF-8 text that this user may read.", "a file in UTF-16")
NUMBER = Code("S109", "Not a storable number", "Numbers are finite and have at most 100 digits.", "min: .inf")
KEY_NOT_TEXT = Code("S110", "Key is not a text", "The key of a map is a text.", "{a: b}: c")
UNKNOWN_KEY = Code(
    "S111", "Unknown key", "The key is not one of those that may stand here.", "{type: text, requird: true}"
)
MISSING_KEY = Code("S112", "Missing key", "A key that is needed here is not given.", "validations: [{message: No}]")
SHAPE = Code(
    "S113", "Wrong kind of value", "The key takes another kind of value: a text, a list, a map …", "fields: [a, b]"
)
NOT_A_CHOICE = Code("S114", "Not one of the words", "The key takes one of a few words.", "forbidden: maybe")
EXCLUSIVE_KEYS = Code(
    "S115", "Keys exclude each other", "Two keys say the same thing in different ways.", "{access: true, read: true}"
)
NOT_READ = Code(
    "S116", "File is not read", "Only .yaml, .yml and .json files are definitions.", "entities/companies.txt", "warning"
)
DEFINED_TWICE = Code(
    "S117",
    "Defined by two files",
    "Two files define the same thing.",
    "entities/companies.yaml and entities/companies.json",
)
HOOKS_SYNTAX = Code("S118", "hooks.py is not valid Python", "The file is parsed before the app starts.", "def f(:")

# N2: names
NAME = Code(
    "N200",
    "Not a name",
    "Names begin with a small letter and go on with letters and digits; entities may have dots for folders.",
    "fields: {First-Name: {type: text}}",
)
RESERVED_NAME = Code(
    "N201", "Reserved name", "The name has a meaning of its own in the API.", "fields: {version: {type: text}}"
)
NAME_TAKEN = Code(
    "N202", "Name taken", "A name or former name (alias) belongs to another one already.", "{a: {…}, b: {aliases: [a]}}"
)

# R3: references from one part to another
UNKNOWN_TYPE = Code("R300", "Unknown field type", "There is no such type.", "{type: txt}")
UNKNOWN_ENTITY = Code(
    "R301", "Unknown entity", "No file in entities/ defines it.", "{type: relationship, entity: companys}"
)
UNKNOWN_FIELD = Code("R302", "Unknown field", "The entity has no such field.", "indexes: [[stat]]")
UNKNOWN_ACTION = Code("R303", "Unknown action", "The entity has no such action.", "on: [action.activat]")
UNKNOWN_GROUP = Code("R304", "Unknown group", "No file in groups/ defines it.", "{type: group, groups: [sale]}")
UNKNOWN_FUNCTION = Code(
    "R305",
    "Unknown function",
    "hooks.py has no such function at its top level, or it does not take `ctx` alone.",
    "run: cout_employees",
)
UNKNOWN_QUEUE = Code("R306", "Unknown queue", "The app has no such queue.", "queue: hevy")
EXTENDS_CYCLE = Code(
    "R307", "Entities extend each other", "An entity cannot inherit from itself.", "a extends b, b extends a"
)
ABSTRACT_ENTITY = Code(
    "R308",
    "Abstract entity",
    "An abstract entity has no records, so nothing can point to it.",
    "{type: relationship, entity: base}",
)
UNKNOWN_USER_FIELD = Code(
    "R311",
    "Unknown field of users",
    "Users have no such field, so it is always null.",
    "{owner.id: $user.idd}",
    "warning",
)

# T4: types, their keys and their rules
BAD_OPTION = Code(
    "T400",
    "Key of a type makes no sense",
    "The type refuses the value of one of its keys.",
    "{type: integer, min: 5, max: 1}",
)
LACKS_CAPABILITY = Code(
    "T401",
    "Key does not suit the type",
    "Not every type can be unique, many, required …",
    "{type: boolean, unique: true}",
)
BAD_DEFAULT = Code(
    "T402",
    "Default breaks its own rules",
    "A default must be a value that a body could send.",
    "{type: integer, default: x}",
)
BAD_DISPLAY = Code(
    "T403",
    "Display option makes no sense",
    "The type refuses a display option.",
    "{type: date, display: {format: 'hh'}}",
)
CONTRADICTION = Code(
    "T404", "Keys contradict each other", "Two things are said that cannot both be.", "{lookup: true, unique: false}"
)
PARAMETER_KEY = Code(
    "T405",
    "Not a key of parameters",
    "Parameters are not stored, so that some keys of fields mean nothing there.",
    "parameters: {a: {type: text, index: true}}",
)

# E5: expressions, templates, filters and what they compute
EXPRESSION = Code(
    "E500",
    "Expression cannot be read",
    "The text is not in the expression language, or goes beyond its limits.",
    "check: a =",
)
UNKNOWN_NAME = Code(
    "E501",
    "Unknown name in an expression",
    "An expression names fields, and a few roots such as record and user.",
    "check: nam == 1",
)
FILTER = Code(
    "E502",
    "Filter map cannot be used",
    "A field is unknown, lacks the operator, or cannot have the value.",
    "where: {stat: a}",
)
CALCULATION_CYCLE = Code(
    "E503",
    "Calculations need each other",
    "A calculated field or label depends on itself.",
    "a: {calculated: b}, b: {calculated: a}",
)
COPY_CYCLE = Code("E504", "Copies hold each other", "A copied field would hold itself.", "manager: {copy: [manager]}")
ACTION_CYCLE = Code("E505", "Actions run each other", "An action would run itself without end.", "a runs b, b runs a")

# A7: actions, listeners and schedules
RESERVED_ACTION = Code(
    "N203", "Reserved action name", "The name would mean something else in a URL.", "actions: {export: {…}}"
)
UNKNOWN_EVENT = Code("R309", "Unknown event", "Listeners hear of a few events.", "on: [updated]")
NOT_WRITABLE = Code(
    "A700", "Field cannot be set", "The step sets what is calculated or given by the engine.", "set: {id: x}"
)
UNKNOWN_PARAMETER = Code("R310", "Unknown parameter", "The action has no such parameter.", "params: {x: 1}")
BAD_VALUE = Code("A702", "Value does not fit its field", "The field would refuse the value.", "set: {state: activ}")
BAD_CRON = Code("A701", "Not a cron expression", "Five fields of numbers, ranges, lists and steps.", "cron: every day")

# P6: permissions
RIGHT = Code(
    "P600",
    "Not a right",
    "Access to records is always, never or a filter map, since it must also work inside a database query.",
    "read: state == 'active'",
)
IDLE_RIGHT = Code(
    "P601", "Right without effect", "The right builds on another one that is not given.", "{update: always}", "warning"
)
BAD_NETWORK = Code("P602", "Not an IP network", "Addresses and networks only.", "allowedIps: [10.0.0.1/8]")
PARENT_RIGHT = Code(
    "P603",
    "Nothing to take the right from",
    "`parent` copies the right of the group around a field.",
    "fields: {name: parent}",
)

# X7: indexes
BAD_INDEX = Code("X700", "Index cannot be built", "The database cannot index these fields together.", "[addresses]")

# S12: settings of the app
UNKNOWN_TIMEZONE = Code("S120", "Unknown time zone", "Time zones have names of the IANA database.", "timezone: CET+1")
UNKNOWN_LANGUAGE = Code("S121", "Unknown language", "Languages have codes such as en or pt-BR.", "language: english")
UNKNOWN_CURRENCY = Code("S122", "Unknown currency", "Currencies have codes of ISO 4217.", "currency: Euro")

CODES = {item.code: item for item in list(globals().values()) if isinstance(item, Code)}
"""Every code with what it means."""
