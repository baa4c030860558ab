"""What a pipeline means, in plain Python over records as clients see them: written from the documentation alone.

Nothing here comes from the product, so that both can be wrong in different ways only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt

EXACT = Context(prec=34, rounding=ROUND_HALF_EVEN)
EARTH_RADIUS = 6_378_100.0

WHOLE = {"integer", "duration"}
NUMBERS = {*WHOLE, "decimal", "bigNumber", "percentage"}
TEXTS = {"text", "phone", "html"}
ORDERED = {*NUMBERS, *TEXTS, "date", "dateTime"}
EXTREMES = {*ORDERED, "boolean", "choice"}
COMPARABLE = {*EXTREMES, "id", "reference"}
SHOWN = {*COMPARABLE, "group", "json"}


@dataclass(frozen=True)
class Spec:
    """The kind of a value; `fields` are those of a group, or the parts of a reference. A `loose` list has no order."""

    kind: str
    many: bool = False
    fields: dict[str, Spec] = field(default_factory=dict)
    loose: bool = False


def spec_of(definitions, copied):
    """The specs of fields by name; `copied` are those that references keep of their targets."""
    return {name: _spec(definition, copied) for name, definition in definitions.items()}


def _spec(definition, copied):
    kind = {"relationship": "reference", "nested": "group", "geoPoint": "place"}.get(definition["type"])
    many = definition.get("many", False)
    known = {"id": Spec("id"), "label": Spec("text")}
    if kind == "reference":
        return Spec(kind, many, {**known, **{name: copied[name] for name in definition.get("copy", ())}})
    if kind == "group":
        return Spec(kind, many, {**known, **spec_of(definition["fields"], copied)})
    return Spec(kind or definition["type"], many)


RECORD = {"id": Spec("id"), "version": Spec("integer"), "label": Spec("text")}


@dataclass
class State:
    """Items and what is known of them. `ordered` says that their order is told by the stages before; `unique` that
    each has an id of its own."""

    spec: dict[str, Spec]
    items: list[dict]
    ordered: bool = False
    unique: bool = True


@dataclass
class World:
    """All that pipelines may read: specs and visible records by entity."""

    specs: dict[str, dict[str, Spec]]
    records: dict[str, list[dict]]

    def start(self, entity):
        return State(self.specs[entity], self.records[entity])


def run(world, entity, pipeline):
    state = world.start(entity)
    for stage in pipeline:
        state = apply(world, state, stage)
    return state


def apply(world, state, stage):
    ((name, argument),) = stage.items()
    return STAGES[name](world, state, argument)


# Values


def specs_at(spec, path):
    """The specs walked through, outermost first."""
    found = []
    for name in path.split("."):
        found.append(spec[name])
        spec = found[-1].fields
    return found


def values_at(item, path):
    """All values at a path, through every list; a missing one is None."""
    values = [item]
    for name in path.split("."):
        values = [value.get(name) if value is not None else None for value in values]
        values = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return values


def value_at(item, path):
    """The one value at a path."""
    for name in path.split("."):
        item = item.get(name) if item is not None else None
    return item


def read(state, item, path):
    """The one value; a boolean that is not set is false."""
    value = value_at(item, path)
    return False if value is None and specs_at(state.spec, path)[-1].kind == "boolean" else value


def identity(state, path):
    """The path of what tells two values apart: references by their id."""
    return f"{path}.id" if specs_at(state.spec, path)[-1].kind == "reference" else path


def rank(spec, value):
    """The place of a value in an order; nothing comes first."""
    if value is None:
        return (0,)
    if spec.kind == "reference":
        return (0,) if value["label"] is None else (1, value["label"])
    if spec.kind == "html":
        return (1, visible(value))
    return (1, value)


def visible(html):
    for tag in ("<p>", "</p>", "<b>", "</b>"):
        html = html.replace(tag, "")
    return html


# Stages


def match(world, state, argument):
    return replace(state, items=[item for item in state.items if holds(state, item, argument)])


def holds(state, item, conditions):
    return all(_holds(state, item, path, asked) for path, asked in conditions.items())


def _holds(state, item, path, asked):
    if path == "_or":
        return any(_holds(state, item, one, inner) for one, inner in asked.items())
    if path == "_and":
        return holds(state, item, asked)
    spec = specs_at(state.spec, path)[-1]
    name, _, inside = asked.partition("(") if isinstance(asked, str) and asked.endswith(")") else ("equals", "", asked)
    if name == "empty":
        return any(value in (None, "", []) for value in values_at(item, path)) or not values_at(item, path)
    if name == "notEmpty":
        return not _holds(state, item, path, "empty()")
    if name == "notEquals":
        return not _holds(state, item, path, f"equals({inside[:-1]})")
    texts = inside.removesuffix(")").split(",") if isinstance(inside, str) else inside
    wanted = [parse(spec, text) for text in (texts if isinstance(texts, list) else [texts])]
    return any(TESTS[name](compared(spec, value), wanted) for value in values_at(item, path))


def compared(spec, value):
    """What a filter compares."""
    if spec.kind == "boolean":
        return bool(value)
    if value is None:
        return None
    if spec.kind == "reference":
        return value["label"]
    return visible(value) if spec.kind == "html" else value


TESTS = {
    "equals": lambda value, wanted: value in wanted,
    "greater": lambda value, wanted: value is not None and value > wanted[0],
    "lessOrEquals": lambda value, wanted: value is not None and value <= wanted[0],
    "between": lambda value, wanted: value is not None and wanted[0] <= value <= wanted[1],
}


def parse(spec, text):
    if spec.kind == "boolean":
        return text in (True, "true")
    if spec.kind in NUMBERS or spec.kind == "dateTime":
        return Decimal(text)
    return text.replace("-", "") if spec.kind == "phone" else text


def sort(world, state, argument):
    items = list(state.items)
    keys = dict(argument)
    if "id" in state.spec:
        keys.setdefault("id", next(iter(argument.values())))
    for path, direction in reversed(keys.items()):
        spec = specs_at(state.spec, path)[-1]
        items.sort(key=lambda item: rank(spec, value_at(item, path)), reverse=direction == "desc")
    ranks = [tuple(rank(specs_at(state.spec, path)[-1], value_at(item, path)) for path in keys) for item in items]
    return replace(state, items=items, ordered=len(set(ranks)) == len(ranks))


def skip(world, state, argument):
    return replace(state, items=state.items[argument:])


def limit(world, state, argument):
    return replace(state, items=state.items[:argument])


def project(world, state, argument):
    paths = [path.strip() for path in argument.split(",")]
    paths += [path for path in ("id",) if path in state.spec]
    spec = _kept(state.spec, paths)
    return replace(state, spec=spec, items=[_cut(spec, item) for item in state.items])


def _kept(spec, paths):
    """Parts of groups and references come with the id and the label of what they are in."""
    found = {}
    for name, one in spec.items():
        if name in paths:
            found[name] = one
        elif inner := [path[len(name) + 1 :] for path in paths if path.startswith(f"{name}.")]:
            inner += [part for part in ("id", "label") if part in one.fields]
            found[name] = replace(one, fields=_kept(one.fields, inner))
    return found


def _cut(spec, value):
    if value is None or not spec:
        return value
    if isinstance(value, list):
        return [_cut(spec, one) for one in value]
    return {name: _cut(one.fields, value.get(name)) for name, one in spec.items()}


def unwind(world, state, argument):
    path, keeps_empty = argument["fieldPath"], argument.get("includeEmpty", False)
    items = []
    for item in state.items:
        values = value_at(item, path) or ([None] if keeps_empty else [])
        items += [_put(item, path.split("."), value) for value in values]
    return State(_changed(state.spec, path.split(".")), items, ordered=False, unique=False)


def _put(item, names, value):
    first, *rest = names
    inner = _put(item.get(first) or {}, rest, value) if rest else value
    if rest and item.get(first) is None and value is None:
        inner = None
    return {**item, first: inner}


def _changed(spec, names):
    first, *rest = names
    one = spec[first]
    changed = replace(one, fields=_changed(one.fields, rest)) if rest else replace(one, many=False)
    return {**spec, first: changed}


def lookup(world, state, argument):
    entity, name = argument["foreignEntityName"], argument["as"]
    spec, records = world.specs[entity], world.records[entity]
    local = identity(state, argument["localFieldPath"])
    foreign = identity(State(spec, []), argument["foreignFieldPath"])
    items = []
    for item in state.items:
        keys = [value for value in values_at(item, local) if value is not None]
        found = [record for record in records if any(value in keys for value in values_at(record, foreign))]
        items.append({**item, name: found})
    return replace(state, spec={**state.spec, name: Spec("group", True, spec, loose=True)}, items=items)


def count(world, state, argument):
    return State({argument: Spec("integer")}, [{argument: len(state.items)}], ordered=True, unique=False)


def group(world, state, argument):
    by = [path.strip() for path in argument["by"].split(",")] if "by" in argument else []
    outputs = {name: text for name, text in argument.items() if name != "by"}
    groups = {} if by else {(): state.items}
    if by:
        for item in state.items:
            key = tuple(read(state, item, identity(state, path)) for path in by)
            groups.setdefault(key, []).append(item)
    spec, items = {}, []
    for path in by:
        _grow(
            spec, path.split("."), _key_spec(specs_at(state.spec, path)[-1]), lambda inner: Spec("bare", False, inner)
        )
    for name, text in outputs.items():
        function, path = text.removesuffix(")").split("(")
        spec[name] = ACCUMULATORS[function](state, [], path)[0]
    for key, members in groups.items():
        item = {}
        for path, value in zip(by, key, strict=True):
            _grow(item, path.split("."), _key_value(state, members, path, value), lambda inner: inner)
        for name, text in outputs.items():
            function, path = text.removesuffix(")").split("(")
            item[name] = ACCUMULATORS[function](state, members, path)[1]
        items.append(item)
    return State(spec, items, ordered=not by, unique="id" in by)


def _grow(tree, names, leaf, wrap):
    first, *rest = names
    if not rest:
        tree[first] = leaf
        return
    inner = tree.get(first)
    fields = {} if inner is None else inner.fields if isinstance(inner, Spec) else inner
    _grow(fields, rest, leaf, wrap)
    tree[first] = wrap(fields)


def _key_spec(spec):
    if spec.kind == "reference":
        return replace(spec, fields={name: spec.fields[name] for name in ("id", "label")})
    return spec


def _key_value(state, members, path, value):
    if specs_at(state.spec, path)[-1].kind != "reference" or value is None:
        return value
    labels = [value_at(item, f"{path}.label") for item in members]
    return {"id": value, "label": max((label for label in labels if label is not None), default=None)}


# Accumulators: the spec of the result, and the result


def _present(state, members, path):
    return [value for item in members if (value := read(state, item, path)) is not None]


def _sum(state, members, path):
    spec = specs_at(state.spec, path)[-1]
    total = Decimal(0)
    for value in _present(state, members, path):
        total = EXACT.add(total, Decimal(value))
    return (Spec("integer") if spec.kind in WHOLE else spec), total


def _avg(state, members, path):
    spec = specs_at(state.spec, path)[-1]
    values = _present(state, members, path)
    result = EXACT.divide(_sum(state, members, path)[1], Decimal(len(values))) if values else None
    return (Spec("decimal") if spec.kind in WHOLE else spec), result


def _extreme(choose):
    def find(state, members, path):
        spec = specs_at(state.spec, path)[-1]
        return spec, choose(_present(state, members, path), key=lambda value: rank(spec, value), default=None)

    return find


def _at(index):
    def find(state, members, path):
        return specs_at(state.spec, path)[-1], read(state, members[index], path) if members else None

    return find


def _distinct(state, members, path):
    return Spec("integer"), len(set(_present(state, members, identity(state, path))))


def _push(state, members, path):
    return replace(specs_at(state.spec, path)[-1], many=True), _present(state, members[:1000], path)


ACCUMULATORS = {
    "count": lambda state, members, path: (Spec("integer"), len(members)),
    "sum": _sum,
    "avg": _avg,
    "min": _extreme(min),
    "max": _extreme(max),
    "first": _at(0),
    "last": _at(-1),
    "countDistinct": _distinct,
    "push": _push,
}


def geo_near(world, state, argument):
    path = argument["key"]
    centre = argument["coordinates"]
    items = []
    for item in state.items:
        place = value_at(item, path)
        if place is None:
            continue
        metres = distance(centre, place)
        if argument.get("minDistance", 0) <= metres <= argument.get("maxDistance", 1e12):
            added = {argument["distanceField"]: metres * float(argument.get("distanceMultiplier", 1))}
            if "includeLocs" in argument:
                added[argument["includeLocs"]] = place
            items.append((metres, {**item, **added}))
    items.sort(key=lambda pair: pair[0])
    spec = {**state.spec, argument["distanceField"]: Spec("distance")}
    if "includeLocs" in argument:
        spec[argument["includeLocs"]] = Spec("place")
    steps = [after[0] - before[0] for before, after in pairwise(items)]
    return State(spec, [item for _, item in items], ordered=all(step > 1e-3 for step in steps))


def distance(centre, place):
    here, there = float(centre["latitude"]), float(place["latitude"])
    up, across = radians(there - here), radians(float(place["longitude"]) - float(centre["longitude"]))
    half = sin(up / 2) ** 2 + cos(radians(here)) * cos(radians(there)) * sin(across / 2) ** 2
    return 2 * EARTH_RADIUS * asin(min(1.0, sqrt(half)))


STAGES = {
    "match": match,
    "sort": sort,
    "skip": skip,
    "limit": limit,
    "project": project,
    "unwind": unwind,
    "lookup": lookup,
    "count": count,
    "group": group,
    "geoNear": geo_near,
}


# Answers


def shown(spec, value):
    """A value as an answer has it."""
    if spec.many and isinstance(value, list):
        return [shown(replace(spec, many=False), one) for one in value]
    if value is None:
        return [] if spec.many else False if spec.kind == "boolean" else None
    if spec.fields:
        return {name: shown(one, value.get(name)) for name, one in spec.fields.items()}
    if spec.kind == "phone":
        return grouped(value)
    return value


def grouped(digits):
    """The last four digits, then threes from the right."""
    parts, rest = [digits[-4:]], digits[:-4]
    while rest:
        parts.insert(0, rest[-3:])
        rest = rest[:-3]
    return "-".join(parts)


def answer(state):
    return [{name: shown(spec, item.get(name)) for name, spec in state.spec.items()} for item in state.items]


def same(spec, expected, found):
    """Whether a decoded answer is what was expected: distances to nine digits, all other numbers exactly."""
    if spec.many and isinstance(expected, list):
        inner = replace(spec, many=False)
        if not isinstance(found, list) or len(found) != len(expected):
            return False
        if spec.loose:
            expected, found = (sorted(items, key=lambda one: sort_key(inner, one)) for items in (expected, found))
        return all(same(inner, one, other) for one, other in zip(expected, found, strict=True))
    if expected is None or found is None:
        return expected is found
    if spec.fields:
        return (
            isinstance(found, dict)
            and found.keys() == expected.keys()
            and all(same(one, expected[name], found[name]) for name, one in spec.fields.items())
        )
    if spec.kind == "distance":
        return abs(float(found) - float(expected)) <= 1e-9 * max(abs(expected), 1e-3)
    if spec.kind == "bigNumber":
        return isinstance(found, str) and Decimal(found) == expected
    return type(found) is not str if isinstance(expected, Decimal) and found == expected else found == expected


def sort_key(spec, value):
    """Text by which equal items of two answers come to stand at the same place."""
    if value is None:
        return ""
    if isinstance(value, list):
        keys = [sort_key(replace(spec, many=False), one) for one in value]
        return str(sorted(keys) if spec.loose else keys)
    if spec.fields:
        return str([sort_key(one, value.get(name)) for name, one in sorted(spec.fields.items())])
    if spec.kind == "place":
        return str([float(value["latitude"]), float(value["longitude"])])
    return f"{float(value) + 0.0:.3f}" if spec.kind in {*NUMBERS, "distance"} else str(value)
