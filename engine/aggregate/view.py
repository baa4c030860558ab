"""Documents of the database to the items of the answer: each value in its type's JSON form, along the plan's shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from engine.aggregate.mongo import MOST_ITEMS
from engine.aggregate.plan import AggregatePlan
from engine.aggregate.shape import ItemShape
from engine.errors import BadRequest
from engine.fields.base import Shape
from engine.schema import Field

Document = dict[str, Any]
Json = dict[str, Any]
Show = Callable[[Any], Any]
"""Stored value, None for a missing one, to JSON."""


def render_items(plan: AggregatePlan, documents: Sequence[Document], render_record: Callable[[Document], Json]) -> Json:
    """`{total, items}`; takes the documents over. Raises BadRequest where there are too many.

    Where records came through untouched, `render_record` shows them as everywhere else. Of items that stages made, what
    the caller sees on some records only is left out.
    """
    if len(documents) > MOST_ITEMS:
        raise BadRequest(f"There are more than {MOST_ITEMS:,} items; add a limit, or match fewer records")
    shape = plan.shape
    added = _plan_fields(shape, shape.others)
    if shape.record:
        items = [_render_record(document, added, render_record) for document in documents]
    else:
        items = [{name: show(document.get(key)) for key, name, show in added} for document in documents]
    return {"total": len(items), "items": items}


_Plan = Sequence[tuple[str, str, Show]]
"""Key in the document, name in the item, and how the value is shown."""


def _render_record(document: Document, added: _Plan, render_record: Callable[[Document], Json]) -> Json:
    extras = {name: show(document.pop(key, None)) for key, name, show in added}
    return {**render_record(document), **extras}


def _plan_fields(shape: ItemShape, fields: Iterable[Field]) -> _Plan:
    shown = [item for item in fields if _is_shown(shape, item)]
    return [("_id" if item.path == "id" else item.name, item.name, _field(shape, item)) for item in shown]


def _is_shown(shape: ItemShape, item: Field) -> bool:
    return item.read is True and not item.transient and not shape.closes(item.path)


def _field(shape: ItemShape, item: Field) -> Show:
    one = _value(shape, item)
    if item.many:
        return lambda stored: [] if stored is None else [one(each) for each in _listed(stored)]
    unset = item.type.empty
    return lambda stored: unset if stored is None else one(stored)


def _value(shape: ItemShape, item: Field) -> Show:
    if item.type.shape is not Shape.SCALAR:
        inner = _plan_fields(shape, (*item.system_fields, *item.fields))
        return lambda stored: (
            {name: show(stored.get(name)) for _, name, show in inner} if isinstance(stored, Mapping) else None
        )
    if item.name == "id":
        return str
    if item.type.same_json:
        return _same
    render, is_stored = item.type.render_stored, item.type.is_stored
    return lambda stored: render(stored) if is_stored(stored) else None


def _listed(stored: Any) -> list[Any]:
    """What a field of many values holds, whatever another definition has left there."""
    return stored if isinstance(stored, list) else [stored]


def _same(stored: Any) -> Any:
    return stored


__all__ = ["render_items"]
