"""S: the text of a file, the shape of its keys, the settings of the app and what is said in comments."""

from __future__ import annotations

from typing import Final

from engine.definitions.codes.code import APP, GROUP, Code, CodeGroup

SYNTAX: Final = Code(
    "S100",
    "Not valid YAML or JSON",
    "The file cannot be read to its end; the position is where the reader gave up, the cause may stand before it.",
    "fields: {name: {type: text}",
    "fields: {name: {type: text}}",
)
DUPLICATE_KEY: Final = Code(
    "S101",
    "Key given twice",
    "A map holds the same key two times; one of the two would be lost.",
    "label: Companies\nlabel: Firms",
    "label: Companies",
)
AMBIGUOUS_BOOLEAN: Final = Code(
    "S102",
    "Ambiguous boolean",
    "Only true and false are booleans. Where one is taken, yes, no, on, off and other spellings are refused, because "
    "other tools read them otherwise; where a text is taken, yes, no, on and off are texts.",
    "fields: {name: {type: text, required: yes}}",
    "fields: {name: {type: text, required: true}}",
)
TAG: Final = Code(
    "S103",
    "Tag",
    "Definitions hold plain data; tags such as !!str or !!python/name are refused.",
    "label: !!str 2024",
    "label: '2024'",
)
MERGE_KEY: Final = Code(
    "S104",
    "Merge key",
    "Merge keys belong to YAML 1.1 and are refused. An alias repeats a whole value; an entity takes over the parts of "
    "another one with `extends`.",
    "fields:\n  name: &short {type: text, maxLength: 20}\n  city: {<<: *short}",
    "fields:\n  name: &short {type: text, maxLength: 20}\n  city: *short",
)
TOO_LARGE: Final = Code(
    "S105",
    "Over a limit",
    "Files have at most 1 MiB, 100,000 values (aliases counted as what they repeat), 100 aliases and 64 levels.",
    "fields: {a: {type: nested, fields: {a: {type: nested, fields: {a: {type: nested, fields: {a: {type: nested, "
    "fields: {a: {type: nested, fields: {a: {type: nested, fields: {a: {type: nested, fields: {a: {type: nested, "
    "fields: {a: {type: nested, fields: {a: {type: nested, fields: {a: {type: nested, fields: {a: {type: nested, "
    "fields: {a: {type: text}}}}}}}}}}}}}}}}}}}}}}}}}}",
    "fields: {a: {type: nested, fields: {a: {type: nested, fields: {a: {type: text}}}}}}",
)
SEVERAL_DOCUMENTS: Final = Code(
    "S106",
    "Several documents",
    "One file defines one thing.",
    "label: Companies\n---\nlabel: People",
    "label: Companies",
)
EMPTY_FILE: Final = Code(
    "S107",
    "Empty file",
    "A definition file holds a map with at least one key.",
    "# companies come later",
    "label: Companies",
)
UNREADABLE: Final = Code(
    "S108",
    "File cannot be read",
    "Files are UTF-8 text that this user may read.",
    "A file saved as UTF-16.",
    "The same file saved as UTF-8.",
    file="",
)
NUMBER: Final = Code(
    "S109",
    "Not a storable number",
    "Numbers are finite and have at most 100 digits.",
    "fields: {size: {type: decimal, max: .inf}}",
    "fields: {size: {type: decimal}}",
)
KEY_NOT_TEXT: Final = Code(
    "S110",
    "Key is not a text",
    "The key of a map is a text.",
    "fields: {{name}: {type: text}}",
    "fields: {name: {type: text}}",
)
UNKNOWN_KEY: Final = Code(
    "S111",
    "Unknown key",
    "The key is not one of those that may stand here.",
    "fields: {name: {type: text, requird: true}}",
    "fields: {name: {type: text, required: true}}",
)
MISSING_KEY: Final = Code(
    "S112",
    "Missing key",
    "A key that is needed here is not given.",
    "fields: {owner: {type: relationship}}",
    "fields: {owner: {type: relationship, entity: people}}",
)
SHAPE: Final = Code(
    "S113",
    "Wrong kind of value",
    "The key takes another kind of value: a text, a list, a map …",
    "fields: [name, city]",
    "fields: {name: {type: text}, city: {type: text}}",
)
NOT_A_CHOICE: Final = Code(
    "S114",
    "Not one of the words",
    "The key takes one of a few words.",
    "name: crm\nforbidden: never",
    "name: crm\nforbidden: hide",
    file=APP,
)
EXCLUSIVE_KEYS: Final = Code(
    "S115",
    "Keys exclude each other",
    "Two keys say the same thing in different ways.",
    "fields: {name: {type: text, access: true, read: true}}",
    "fields: {name: {type: text, access: true}}",
)
NOT_READ: Final = Code(
    "S116",
    "File is not read",
    "Only .yaml, .yml and .json files are definitions.",
    "A file entities/companies.txt.",
    "The same file as entities/companies.yaml.",
    file="",
    severity="warning",
)
DEFINED_TWICE: Final = Code(
    "S117",
    "Defined by two files",
    "Two files define the same thing.",
    "Two files, entities/companies.yaml and entities/companies.json.",
    "One of them.",
    file="",
)
HOOKS_SYNTAX: Final = Code(
    "S118",
    "hooks.py is not valid Python",
    "The file is parsed before the app starts.",
    "async def count(ctx:\n    return 1",
    "async def count(ctx):\n    return 1",
    file="hooks.py",
)
UNKNOWN_TIMEZONE: Final = Code(
    "S120",
    "Unknown time zone",
    "Time zones have names of the IANA database.",
    "name: crm\ntimezone: CET+1",
    "name: crm\ntimezone: Europe/Berlin",
    file=APP,
)
UNKNOWN_LANGUAGE: Final = Code(
    "S121",
    "Unknown language",
    "Languages have codes such as en or pt-BR.",
    "name: crm\nlanguage: english",
    "name: crm\nlanguage: en",
    file=APP,
)
UNKNOWN_CURRENCY: Final = Code(
    "S122",
    "Unknown currency",
    "Currencies have codes of ISO 4217.",
    "name: crm\ncurrency: Euro",
    "name: crm\ncurrency: EUR",
    file=APP,
)
IDLE_IGNORE: Final = Code(
    "S123",
    "Ignore without effect",
    "A comment `# ignore: CODE reason` silences a warning on its line, or on the next line where it stands alone; "
    "there is no such warning.",
    "label: Sales\nentities:\n  companies: {read: always, update: always}  # ignore: P601 nothing to see here",
    "label: Sales\nentities:\n  companies: {read: always, update: always}",
    file=GROUP,
    severity="warning",
)
BAD_IGNORE: Final = Code(
    "S124",
    "Ignore that cannot be",
    "An ignore names the code of a warning and says why. Errors cannot be ignored.",
    "label: Sales\nentities:\n  companies: {update: always}  # ignore: P601",
    "label: Sales\nentities:\n  companies: {update: always}  # ignore: P601 hooks show what is needed",
    file=GROUP,
    severity="warning",
)

FILES: Final = CodeGroup(
    "Files and their keys",
    (
        SYNTAX,
        DUPLICATE_KEY,
        AMBIGUOUS_BOOLEAN,
        TAG,
        MERGE_KEY,
        TOO_LARGE,
        SEVERAL_DOCUMENTS,
        EMPTY_FILE,
        UNREADABLE,
        NUMBER,
        KEY_NOT_TEXT,
        UNKNOWN_KEY,
        MISSING_KEY,
        SHAPE,
        NOT_A_CHOICE,
        EXCLUSIVE_KEYS,
        NOT_READ,
        DEFINED_TWICE,
        HOOKS_SYNTAX,
        UNKNOWN_TIMEZONE,
        UNKNOWN_LANGUAGE,
        UNKNOWN_CURRENCY,
        IDLE_IGNORE,
        BAD_IGNORE,
    ),
)
