"""What a stage of a pipeline is: JSON to what is asked, that to a checked step, and the step to MongoDB data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from engine.aggregate.names import unknown
from engine.aggregate.shape import ItemShape
from engine.errors import BadRequest
from engine.fields.number import to_integer
from engine.permissions.access import Access
from engine.query import Clock, Condition
from engine.query.values import Budget
from engine.schema import App

MongoStage = dict[str, Any]
MOST_NAMES = 100
"""Names that one stage takes at most."""
GREATEST_COUNT = 2**31 - 1


@dataclass(frozen=True)
class Context:
    """What planning may ask: the app, the caller's rights by entity, the time. `rows` are those that the caller may
    read; only a stage that must come first joins them, for all others they are selected before."""

    app: App
    access: Callable[[str], Access]
    clock: Clock
    rows: Condition


class Step(Protocol):
    """A checked stage."""

    def to_mongo(self) -> list[MongoStage]:
        """The stages of MongoDB that do it."""


class Asked(Protocol):
    """A stage that was read and not checked against any schema."""

    def plan(self, shape: ItemShape, context: Context) -> tuple[Step, ItemShape]:
        """The step for items of a shape, and the shape of what it leaves; raises BadRequest and Forbidden."""


@dataclass(frozen=True, slots=True)
class Stage:
    """`parse` reads the JSON behind the stage's name, spends the budget of filters, and raises BadRequest. `first`
    says that no other stage may come before."""

    name: str
    parse: Callable[[Any, Budget], Asked]
    meaning: str
    first: bool = False


def parse_keys(argument: Any, needed: Iterable[str], optional: Iterable[str] = ()) -> Mapping[str, Any]:
    """The argument as an object that has all the needed keys and no unknown ones."""
    needed, known = tuple(needed), (*needed, *optional)
    if not isinstance(argument, dict):
        raise BadRequest(f"takes an object with {', '.join(known)}")
    for key in argument:
        if key not in known:
            raise unknown(key, known, "key")
    for key in needed:
        if argument.get(key) is None:
            raise BadRequest(f"{key} is missing")
    return argument


def parse_text(value: Any, key: str) -> str:
    """A text that is not empty."""
    if isinstance(value, str) and value:
        return value
    raise BadRequest(f"{key} takes text")


def parse_names(value: Any, what: str) -> tuple[str, ...]:
    """Names in one text, separated by commas; blanks around them are nothing."""
    if not isinstance(value, str):
        raise BadRequest(f'{what} takes names of fields separated by commas, as "name,state"')
    names = tuple(name.strip() for name in value.split(","))
    if "" in names:
        raise BadRequest(f"{what} takes names of fields separated by commas; one of them is empty")
    if len(names) > MOST_NAMES:
        raise BadRequest(f"{what} takes at most {MOST_NAMES} names")
    return tuple(dict.fromkeys(names))


def parse_count(argument: Any) -> int:
    """A positive whole number."""
    count = to_integer(argument)
    if count is None or not 1 <= count <= GREATEST_COUNT:
        raise BadRequest(f"takes a whole number from 1 to {GREATEST_COUNT}")
    return count


__all__ = [
    "Asked",
    "Context",
    "MongoStage",
    "Stage",
    "Step",
    "parse_count",
    "parse_keys",
    "parse_names",
    "parse_text",
]
