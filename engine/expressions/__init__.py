"""Expressions and templates: text goes in, closures come out, built once at start-up and run with a Scope.

The language is a part of Python's expression grammar with values in value form:
- Null: arithmetic with null is null, a path through null is null, ordering with null is false, division by zero is
  null, an index out of range is null. `==`, `!=` and `in` compare null as any value; `and`, `or`, `not` go by truth.
- Numbers are exact: `0.1 + 0.2 == 0.3`. Integers have 127 bits; all else is decimal with 34 digits, rounded half up.
- A path below a list gives the list of what stands below its items, without nulls: `addresses.state`.
- Moments are milliseconds, dates are text; `days()`, `hours()` and `minutes()` can be added to both. Two dates can be
  subtracted. A date counts as its midnight, and the result is cut to the form of the date.
- Values of different kinds have no order and no sum: that raises ExpressionError, as does everything over a limit.
"""

from engine.expressions.compile import Evaluate, compile_expression
from engine.expressions.functions import FUNCTIONS, Function
from engine.expressions.moments import Duration
from engine.expressions.names import ROOTS, Names, Resolution, Root, check_names, field_paths, resolve_names
from engine.expressions.parse import parse_expression
from engine.expressions.scope import Scope
from engine.expressions.syntax import Expression, Source, Template
from engine.expressions.template import (
    compile_computed,
    compile_label,
    compile_template,
    computed_paths,
    label_paths,
    parse_computed,
    parse_label,
    parse_template,
)

__all__ = [
    "FUNCTIONS",
    "ROOTS",
    "Duration",
    "Evaluate",
    "Expression",
    "Function",
    "Names",
    "Resolution",
    "Root",
    "Scope",
    "Source",
    "Template",
    "check_names",
    "compile_computed",
    "compile_expression",
    "compile_label",
    "compile_template",
    "computed_paths",
    "field_paths",
    "label_paths",
    "parse_computed",
    "parse_expression",
    "parse_label",
    "parse_template",
    "resolve_names",
]
