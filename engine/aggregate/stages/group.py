"""group and count: items put together that have the same values, and what is computed of each group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.aggregate.accumulators import ACCUMULATORS, Accumulator
from engine.aggregate.names import LONGEST_NAME, check_name, unknown
from engine.aggregate.shape import GROUP, WHOLE, ItemShape, renamed
from engine.aggregate.stages.stage import MOST_NAMES, Context, MongoStage, Stage, Step, parse_names
from engine.aggregate.values import Expression, value_at
from engine.errors import BadRequest
from engine.fields.base import Shape
from engine.query.values import Budget
from engine.schema import Field, FieldPath


@dataclass(frozen=True, slots=True)
class Key:
    """A value that the items of a group have in common, and the path where the group's item holds it.

    `part` is the key beside the id of a reference, and `part_at` the stored path that it is read from.
    """

    path: tuple[str, ...]
    value: Expression
    part: str | None = None
    part_at: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A computed value: MongoDB's operator, the accumulator that finishes it, and the path that it is computed of."""

    name: str
    fold: Mapping[str, Any]
    accumulator: Accumulator
    path: FieldPath | None


@dataclass(frozen=True, slots=True)
class GroupStep:
    """Groups by all keys together; without keys there is one group, also of no items at all."""

    keys: tuple[Key, ...]
    results: tuple[Result, ...]

    def to_mongo(self) -> list[MongoStage]:
        """`$group`, then what it found under the names that were asked for."""
        keys = {f"k{index}": key.value for index, key in enumerate(self.keys)}
        found: dict[str, Any] = {f"v{index}": dict(result.fold) for index, result in enumerate(self.results)}
        for index, key in enumerate(self.keys):
            if key.part_at is not None:
                found[f"p{index}"] = {"$max": f"${key.part_at}"}
        stages: list[MongoStage] = [{"$group": {"_id": keys or None, **found}}]
        laid_out = [*stages, {"$project": self._layout()}]
        return laid_out if self.keys else [*_at_least_one(laid_out, self._empty())]

    def _layout(self) -> dict[str, Any]:
        layout: dict[str, Any] = {"_id": 0}
        for index, key in enumerate(self.keys):
            value = _reference(index, key.part) if key.part else f"$_id.k{index}"
            *above, name = ("_id",) if key.path == ("id",) else key.path
            place = layout
            for one in above:
                place = place.setdefault(one, {})
            place[name] = value
        for index, result in enumerate(self.results):
            layout[result.name] = result.accumulator.finish(f"$v{index}", result.path)
        return layout

    def _empty(self) -> dict[str, Any]:
        return {result.name: {"$literal": result.accumulator.empty} for result in self.results}


def _reference(index: int, part: str) -> Expression:
    key = f"$_id.k{index}"
    return {"$cond": [{"$eq": [key, None]}, None, {"id": key, part: f"$p{index}"}]}


def _at_least_one(stages: list[MongoStage], empty: dict[str, Any]) -> Iterator[MongoStage]:
    """The only item that the stages give or, where there is none, the empty one."""
    yield {"$facet": {"items": stages}}
    yield {"$replaceWith": {"$mergeObjects": [empty, {"$ifNull": [{"$arrayElemAt": ["$items", 0]}, {}]}]}}


@dataclass(frozen=True, slots=True)
class _Output:
    name: str
    accumulator: Accumulator
    path: str | None


@dataclass(frozen=True, slots=True)
class _Group:
    by: tuple[str, ...]
    outputs: tuple[_Output, ...]

    def plan(self, shape: ItemShape, context: Context) -> tuple[Step, ItemShape]:
        paths = _plan_keys(shape, self.by)
        left = shape.remade(tuple(_key_fields(paths)))
        results = []
        for output in self.outputs:
            check_name(output.name, left.by_name)
            path = None if output.path is None else _plan_path(shape, output)
            result = output.accumulator.result(_named(output.name, path))
            left = left.with_field(result) if path is None else left.with_field(result, shape, path.name)
            value = None if path is None else output.accumulator.read(shape, path)
            results.append(Result(output.name, output.accumulator.fold(value), output.accumulator, path))
        return GroupStep(tuple(_plan_key(shape, path) for path in paths), tuple(results)), left


def _plan_keys(shape: ItemShape, names: Sequence[str]) -> tuple[FieldPath, ...]:
    """Paths of which none is the same as another or lies below it."""
    paths = [shape.pick_single(name) for name in names]
    for path in paths:
        for other in paths:
            if other is not path and f"{other.name}.".startswith(f"{path.name}."):
                raise BadRequest(f"by names {path.name} and {other.name}, which is the same or lies in it; name one")
    return tuple(paths)


def _plan_key(shape: ItemShape, path: FieldPath) -> Key:
    identity = shape.identity_of(path)
    names = tuple(item.name for item in path.fields)
    value = value_at(identity)
    unset = value if isinstance(value, dict) else {"$ifNull": [value, None]}  # missing is null
    if path.field.type.shape is not Shape.REFERENCE:
        return Key(names, unset)
    part = path.field.type.query_part
    return Key(names, unset, part, f"{path.storage}.{part}")


def _key_fields(paths: Iterable[FieldPath], depth: int = 0) -> Iterator[Field]:
    """The fields of a group's item: keys where they were, in objects that hold nothing else."""
    by_name: dict[str, list[FieldPath]] = {}
    for path in paths:
        by_name.setdefault(path.fields[depth].name, []).append(path)
    for inner in by_name.values():
        item = inner[0].fields[depth]
        if depth + 1 < len(inner[0].fields):
            fields = tuple(_key_fields(inner, depth + 1))
            yield Field(name=item.name, path=item.path, label=item.label, type=GROUP, fields=fields)
        else:
            parts = {"id", item.type.query_part}
            yield replace(item, fields=tuple(one for one in item.fields if one.name in parts))


def _plan_path(shape: ItemShape, output: _Output) -> FieldPath:
    """The path that an accumulator reads; raises BadRequest where its field is not of the kind for it."""
    accumulator = output.accumulator
    path = shape.pick(output.path or "")
    above = path.fields[:-1] if accumulator.lists else path.fields
    if above:
        shape.pick_single(FieldPath(above).name)
    kind = path.field.type
    if accumulator.capability not in kind.capabilities:
        known = [one.name for one in ACCUMULATORS.values() if one.capability in kind.capabilities]
        can = f"it takes {', '.join(known)}" if known else "it takes none of them"
        raise BadRequest(f"{accumulator.name} does not work on {path.name}; {can}")
    if not accumulator.shows and any(item.sensitive for item in path.fields):
        raise BadRequest(f"{path.name} is sensitive: it is only shown, and found by its exact text")
    return path


def _named(name: str, path: FieldPath | None) -> Field:
    if path is None:
        return Field(name=name, path=name, label=name, type=WHOLE)
    return renamed(path.field, name)


def _parse_group(argument: Any, budget: Budget) -> _Group:
    if not isinstance(argument, dict) or not argument:
        raise BadRequest('takes an object, as {"by": "state", "total": "sum(amount)"}')
    by = parse_names(argument["by"], "by") if argument.get("by") is not None else ()
    outputs = tuple(_parse_output(name, text) for name, text in argument.items() if name != "by")
    if len(outputs) > MOST_NAMES:
        raise BadRequest(f"takes at most {MOST_NAMES} accumulators")
    return _Group(by, outputs)


def _parse_output(name: str, text: Any) -> _Output:
    check_name(name)
    if not isinstance(text, str):
        raise BadRequest(f'{name} takes an accumulator as text, as "sum(amount)"')
    function, bracket, rest = text.strip().partition("(")
    accumulator = ACCUMULATORS.get(function.strip())
    if accumulator is None:
        raise BadRequest(f"{name}: {unknown(function, ACCUMULATORS, 'accumulator').message}")
    path = rest.removesuffix(")").strip()
    takes_field = accumulator.capability is not None
    if not bracket or not rest.endswith(")") or bool(path) != takes_field:
        shown = f"{accumulator.name}({'field' if takes_field else ''})"
        raise BadRequest(f'{name}: write "{shown}", not {text[:LONGEST_NAME]!r}')
    return _Output(name, accumulator, path or None)


def _parse_count(argument: Any, budget: Budget) -> _Group:
    return _Group((), (_Output(check_name(argument), ACCUMULATORS["count"], None),))


GROUP_BY = Stage(
    "group",
    _parse_group,
    "makes one item of all that have the same values in the fields of `by`: these, and what accumulators compute",
)
COUNT = Stage("count", _parse_count, "makes one item that holds the number of items under the given name")

__all__ = ["COUNT", "GROUP_BY", "GroupStep", "Key", "Result"]
