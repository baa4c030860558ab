"""The query language once more, written from its documentation: JSON records and a query string in, a page out.

It shares no code with the product and works on records as the API returns them. It is slow and plain on purpose: a
schema is the `fields` of an entity's file, a query a list of decoded name-value pairs.
"""

import math
import re
from decimal import Decimal, InvalidOperation

TEXT = {
    "equals",
    "notEquals",
    "empty",
    "notEmpty",
    "like",
    "greater",
    "greaterOrEquals",
    "less",
    "lessOrEquals",
    "between",
}
ORDERED = TEXT - {"like"}
CHOSEN = {"equals", "notEquals", "empty", "notEmpty"}
OPERATORS = {
    **dict.fromkeys(("text", "longText", "email", "phone", "maskedText"), TEXT),
    **dict.fromkeys(("integer", "decimal", "bigNumber", "date", "dateTime", "duration", "time"), ORDERED),
    **dict.fromkeys(("choice", "color"), CHOSEN),
    "relationship": CHOSEN | {"like"},
    "boolean": {"equals", "notEquals"},
    "geoPoint": {"near"},
    "nested": {"equals", "empty", "notEmpty"},
    "id": {"equals", "notEquals"},
    "version": ORDERED,
}
COUNTS = {
    "empty": (0, 0),
    "notEmpty": (0, 0),
    "between": (2, 2),
    "near": (2, 4),
    "equals": (1, 1000),
    "notEquals": (1, 1000),
}
SYSTEM = {"id": {"type": "id"}, "label": {"type": "longText"}, "version": {"type": "version"}}
EARTH = 6_378_100


class Refused(Exception):
    """The API has to answer with badRequest."""


# Paths


def field_at(fields, path):
    """The definitions along a dotted path."""
    names = {**SYSTEM, **fields}
    found = []
    for name in path.split("."):
        definition = names.get(name) or next((one for one in names.values() if name in one.get("aliases", ())), None)
        if definition is None:
            raise Refused(path)
        found.append(definition)
        names = {}
        if definition["type"] == "nested":
            names = {"id": SYSTEM["id"], "label": SYSTEM["label"], **definition["fields"]}
        elif definition["type"] == "relationship":
            names = {"id": SYSTEM["id"], "label": SYSTEM["label"]}
    return found


def real_names(fields, path):
    """The path with present names for former ones."""
    names, found = {**SYSTEM, **fields}, []
    for name in path.split("."):
        present = (
            name if name in names else next((key for key, one in names.items() if name in one.get("aliases", ())), name)
        )
        found.append(present)
        names = names.get(present, {}).get("fields", {})
    return found


def values_at(value, names):
    """Every value at a path; where there is nothing on the way, one null."""
    if isinstance(value, list):
        return [one for item in value for one in values_at(item, names)] if value else [None]
    if not names:
        return [value]
    return [None] if value is None else values_at(value.get(names[0]), names[1:])


# Values


def comparable(definition, value):
    """A value of a JSON record as filters and sorting see it; None is nothing."""
    if value in (None, "", []):
        return None
    kind = definition["type"]
    if kind == "relationship":
        return value["label"]
    if kind == "phone":
        return re.sub(r"[^0-9]", "", value)
    if kind == "maskedText":
        return re.sub(r"[^0-9A-Za-z]", "", value)
    if kind == "bigNumber":
        return Decimal(value)
    return value


def read_text(definition, text):
    """The text of an argument as a comparable value."""
    kind = definition["type"]
    if kind in ("integer", "version", "dateTime", "duration"):
        if not re.fullmatch(r"-?[0-9]+", text):
            raise Refused(text)
        return int(text)
    if kind in ("decimal", "bigNumber"):
        try:
            return Decimal(text)
        except InvalidOperation:
            raise Refused(text) from None
    if kind == "boolean":
        if text not in ("true", "false"):
            raise Refused(text)
        return text == "true"
    if kind == "id":
        if not re.fullmatch("[0-9a-f]{24}", text):
            raise Refused(text)
        return text
    if kind in ("phone", "maskedText"):
        return comparable(definition, text)
    if kind == "choice" and text not in definition["options"]:
        raise Refused(text)
    return text


def parse_value(text):
    """(operator, arguments) of what stands behind `path=`."""
    found = re.fullmatch(r"([A-Za-z]+)\((.*)\)", text, re.DOTALL)
    if found is None or found[1] not in TEXT | {"near"}:
        return "equals", split(text)
    operator, inside = found.groups()
    if operator == "like" and len(inside) > 1 and inside.startswith("/") and inside.endswith("/"):
        arguments = [inside]
    else:
        arguments = split(inside) if inside else []
    least, most = COUNTS.get(operator, (1, 1))
    if not (operator == "equals" and inside.startswith("{")) and not least <= len(arguments) <= most:
        raise Refused(text)
    return operator, [inside] if operator == "equals" and inside.startswith("{") else arguments


def split(text):
    """Parts between commas; a part in double quotes may hold commas, and quotes that are doubled."""
    parts = re.findall(r'(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))(?=,|$)', text, re.DOTALL)
    return [quoted.replace('""', '"') if quoted else plain for quoted, plain in parts]


# Conditions


def condition(fields, path, text):
    """A function of a JSON record."""
    chain, names = field_at(fields, path), real_names(fields, path)
    operator, arguments = parse_value(text)
    definition = chain[-1]
    if operator not in OPERATORS[definition["type"]]:
        raise Refused(f"{path}: {operator}")
    if operator in ("notEquals", "notEmpty"):
        opposite = condition(
            fields, path, {"notEmpty": "empty()"}.get(operator) or text.replace("notEquals", "equals", 1)
        )
        return lambda record: not opposite(record)
    if definition["type"] == "nested" and operator == "equals":
        return group_condition(definition, names, arguments[0])
    if operator == "empty":
        if definition["type"] in ("boolean", "id"):
            raise Refused(path)
        return lambda record: any(is_nothing(definition, value) for value in values_at(record, names))
    test = tests_of(definition, operator, arguments)
    return lambda record: any(test(comparable(definition, value)) for value in values_at(record, names))


def is_nothing(definition, value):
    """Null, missing, an empty text or list; a single group is nothing when all in it is."""
    if value in (None, "", []):
        return True
    if definition["type"] != "nested" or definition.get("many"):
        return False
    inner = definition["fields"].items()
    return all(
        is_nothing(one, value[name]) or (one["type"] == "boolean" and value[name] is False) for name, one in inner
    )


def group_condition(definition, names, text):
    """One and the same element has all the inner values. (Only inner texts without operators are understood here.)"""
    pairs = re.findall(r'"([A-Za-z0-9]+)": *"([^"]*)"', text)
    inner = [condition(definition["fields"], name, value) for name, value in pairs]
    return lambda record: any(
        value is not None and all(holds(value) for holds in inner) for value in values_at(record, names)
    )


def tests_of(definition, operator, arguments):
    """A function of one comparable value."""
    if operator == "like":
        return like_test(definition, arguments[0])
    if operator == "near":
        return near_test(*(Decimal(one) for one in arguments))
    wanted = [None if one == "" else read_text(definition, one) for one in arguments]
    if operator == "equals":
        if None in wanted and definition["type"] in ("boolean", "id"):
            raise Refused("no value")
        return lambda value: value in wanted
    if None in wanted:
        raise Refused("no value")
    first, last = wanted[0], wanted[-1]
    compare = {
        "between": lambda value: first <= value <= last,
        "greater": lambda value: value > first,
        "greaterOrEquals": lambda value: value >= first,
        "less": lambda value: value < first,
        "lessOrEquals": lambda value: value <= first,
    }[operator]
    return lambda value: value is not None and compare(value)


def like_test(definition, text):
    """Contains, begins with (/v), ends with (v/), all without regard to case; /re/ matches as it is written."""
    if len(text) > 1 and text.startswith("/") and text.endswith("/"):
        pattern = re.compile(text[1:-1])
        return lambda value: value is not None and pattern.search(value) is not None
    begins, ends = text.startswith("/"), text.endswith("/")
    wanted = text[1:] if begins else text[:-1] if ends else text
    wanted = (comparable(definition, wanted) or "") if definition["type"] == "phone" else wanted
    wanted = wanted.lower()
    if begins:
        return lambda value: value is not None and value.lower().startswith(wanted)
    if ends:
        return lambda value: value is not None and value.lower().endswith(wanted)
    return lambda value: value is not None and wanted in value.lower()


def near_test(latitude, longitude, nearest=None, farthest=None):
    """So many metres away, on a sphere."""
    here = [math.radians(one) for one in (latitude, longitude)]

    def test(value):
        if value is None:
            return False
        there = [math.radians(value[name]) for name in ("latitude", "longitude")]
        cosine = math.sin(here[0]) * math.sin(there[0])
        cosine += math.cos(here[0]) * math.cos(there[0]) * math.cos(here[1] - there[1])
        metres = EARTH * math.acos(max(-1.0, min(1.0, cosine)))
        return (not nearest or metres > nearest) and (farthest is None or metres <= farthest)

    return test


# _query


def expression(fields, text):
    """and(…), or(…) and filter('path','value'), nested at will."""
    holds, rest = criterion(fields, text)
    if rest:
        raise Refused(text)
    return holds


def criterion(fields, text):
    found = re.match(r"filter\('((?:[^']|'')*)','((?:[^']|'')*)'\)", text, re.DOTALL)
    if found:
        path, value = (one.replace("''", "'") for one in found.groups())
        return condition(fields, path, value), text[found.end() :]
    join, rest = (all, text[4:]) if text.startswith("and(") else (any, text[3:])
    parts = []
    while True:
        part, rest = criterion(fields, rest)
        parts.append(part)
        if rest.startswith(")"):
            return (lambda record: join(part(record) for part in parts)), rest[1:]
        rest = rest[1:]


# Lists


def answer(fields, records, pairs):
    """{total, ids, offset?} of a list over all records of an entity; raises Refused."""
    given = dict(pairs)
    conditions = [condition(fields, name, text) for name, text in pairs if not name.startswith("_")]
    if "_query" in given:
        conditions.append(expression(fields, given["_query"]))
    found = [record for record in records if all(holds(record) for holds in conditions)]
    upwards = given.get("_sortType", "desc") == "asc"
    keys = [
        (name.removeprefix("-"), upwards and not name.startswith("-"))
        for name in given.get("_sortField", "id").split(",")
    ]
    by_id = keys[0][0] == "id"
    if not by_id or len(keys) > 1:
        keys.append(("id", keys[0][1]))
    for name, up in reversed(keys):  # sorting is stable: the last key goes first
        chain, names = field_at(fields, name), real_names(fields, name)
        found.sort(key=lambda record: order_key(chain[-1], values_at(record, names)[0]), reverse=not up)
    total, offset, size = len(found), given.get("_offset", "0"), int(given.get("_size", "20"))
    if re.fullmatch("[0-9a-f]{24}", offset):
        found = [record for record in found if (record["id"] > offset) is keys[0][1] and record["id"] != offset]
        page = found[:size]
    else:
        page = found[int(offset) : int(offset) + size]
    ids = [record["id"] for record in page]
    result = {"total": total, "ids": ids}
    if ids:
        result["offset"] = ids[-1] if by_id else (0 if len(offset) == 24 else int(offset)) + len(ids)
    return result


def order_key(definition, value):
    """Nothing comes first."""
    value = comparable(definition, value)
    return (0,) if value is None else (1, value)
