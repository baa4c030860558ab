"""Laws about expressions, templates and labels: they can be read, and all that they name is there."""

from __future__ import annotations

from collections.abc import Iterator

from engine.definitions.codes.code import problem
from engine.definitions.codes.fields import EXPRESSION, UNKNOWN_NAME
from engine.definitions.rules.context import Context, suggest
from engine.definitions.rules.places import ExpressionPlace
from engine.definitions.rules.references import unknown_user_field
from engine.errors import Diagnostic, ExpressionError
from engine.expressions import ROOTS, Expression, Names, Source, check_names, compile_expression, compile_template

_EXAMPLE = "write an expression such as size > 10 and state == 'open'"


def expressions_can_be_read(context: Context) -> Iterator[Diagnostic]:
    """Every expression, template and label is in the language, and names only what is there."""
    for place in context.expressions:
        yield from _check(place, context)


def _check(place: ExpressionPlace, context: Context) -> Iterator[Diagnostic]:
    source = place.source
    if isinstance(source, ExpressionError):
        yield problem(EXPRESSION, place.text.position_of(source.offset), source.message, source.hint or _EXAMPLE)
        return
    unknown = check_names(source, place.names)
    for fault in unknown:
        if not _meets_broken(source, fault.offset, place.names, context):
            hint = fault.hint or _hint(source, fault.offset, place.names)
            yield problem(UNKNOWN_NAME, place.text.position_of(fault.offset), fault.message, hint)
    for path, offsets in source.offsets.items():
        if path[0] == "user" and len(path) > 1 and "user" not in place.names.fields:
            yield from unknown_user_field(context, ".".join(path[1:]), place.text.position_of(offsets[0]))
    if not unknown:
        try:
            if isinstance(source, Expression):
                compile_expression(source, place.names)
            else:
                compile_template(source, place.names)
        except ExpressionError as error:
            yield problem(EXPRESSION, place.text.position_of(error.offset), error.message, error.hint or _EXAMPLE)


def _hint(source: Source, offset: int, names: Names) -> str:
    """What to write where nothing is near: the names that are there, unless the fault lies behind the first dot."""
    path = next((path for path, offsets in source.offsets.items() if offset in offsets), ())
    root = ROOTS.get(path[0]) if path else None
    if len(path) > 1 and (path[0] in names.fields or (root and root.place(names))):
        return f'look for what stands below "{path[0]}"'
    return suggest("", names.fields)


def _meets_broken(source: Source, offset: int, names: Names, context: Context) -> bool:
    """Whether the path at that place leads through a field that is broken already, or into a broken entity."""
    for path, offsets in source.offsets.items():
        if offset in offsets:
            fields = names.fields
            for name in path:
                item = fields.get(name) or names.record.get(name)
                if item is None:
                    continue
                if context.is_broken(item):
                    return True
                fields = item.by_name
    return False
