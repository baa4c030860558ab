"""Laws about labels: that every record has something to be called by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.definitions.codes.code import problem
from engine.definitions.codes.fields import EMPTY_LABEL
from engine.definitions.rules.context import Context
from engine.definitions.rules.places import ExpressionPlace
from engine.errors import Diagnostic, ExpressionError
from engine.expressions import Source, Template, field_paths
from engine.expressions.syntax import Literal, Node
from engine.fields.base import Shape
from engine.schema import NOWHERE, Entity, Field, FieldPath, Operation

Computed = Mapping[tuple[str, str], ExpressionPlace]
"""Places by the entity and the path that they compute."""


def labels_have_a_value(context: Context) -> Iterator[Diagnostic]:
    """Something in a record's label is sure to be there: a word, or a field that is never empty."""
    computed = {(place.entity, place.computes): place for place in context.expressions if place.computes is not None}
    for site in context.sites:
        place = computed.get((site.entity.name, "label"))
        if place is None or site.definition.abstract or isinstance(place.source, ExpressionError):
            continue
        if not _is_sure(place, site.entity, computed, ("label",)) and not _is_broken(context, place, site.entity):
            names = ", ".join(sorted(field_paths(place.source, place.names)))
            message = f"a record's label is empty where {names} {'are' if ', ' in names else 'is'} not given"
            yield problem(EMPTY_LABEL, place.text.at, message, "make one of them required, or give it a default")


def _is_broken(context: Context, place: ExpressionPlace, entity: Entity) -> bool:
    """Whether something that the label reads is unknown or broken, which has been told."""
    assert not isinstance(place.source, ExpressionError)
    paths = [".".join(path) for path in place.source.paths]
    return any(entity.field_at(path) is None or context.leads_to_broken(entity, path) for path in paths)


def _is_sure(place: ExpressionPlace, entity: Entity, computed: Computed, asking: tuple[str, ...]) -> bool:
    """Whether the value can be told to be never empty; doubtful expressions count as sure if anything in them is."""
    source = place.source
    if isinstance(source, ExpressionError):
        return True
    if _has_words(source):
        return True
    for path in field_paths(source, place.names):
        found = entity.field_at(path)
        if path in asking:
            return True  # a circle, which a law of its own tells
        if found is not None:
            inner = computed.get((entity.name, path))
            if inner is not None and _is_sure(inner, entity, computed, (*asking, path)):
                return True
            if inner is None and _is_always_there(found):
                return True
    return False


def _is_always_there(path: FieldPath) -> bool:
    """Whether there is a value at the path in every record; what stands below a reference comes with it."""
    for part in path.fields:
        if not _is_filled(part):
            return False
        if part.type.shape is Shape.REFERENCE:
            return True
    return True


def _is_filled(field: Field) -> bool:
    """Whether the field is never unset, or is one that the engine fills (id, version, label)."""
    if field.type.shape is Shape.NESTED and not field.many:
        return True
    counts = field.aggregate is not None and field.aggregate.operation is not Operation.AVG
    supplied = field.type.supply is not None or field.type.empty is not None or field.at == NOWHERE
    return field.required is True or field.default is not None or bool(field.default_expression) or supplied or counts


def _has_words(source: Source) -> bool:
    texts = [part for part in source.parts if isinstance(part, str)] if isinstance(source, Template) else []
    return any(char.isalnum() for text in texts for char in text) or any(map(_has_literal, source.trees))


def _has_literal(node: Node) -> bool:
    if isinstance(node, Literal):
        return node.value not in (None, "")
    return any(map(_has_literal, node.children))
