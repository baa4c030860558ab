"""The query language: text to syntax, syntax and schema to a checked plan, a plan to MongoDB data or to a predicate."""

from engine.query.condition import ALWAYS, NEVER, Condition, all_of, any_of, bind, is_bound, negate
from engine.query.expression import parse_expression
from engine.query.listing import ListPlan, Output, plan_list, plan_output, plan_read, plan_selection, project
from engine.query.maps import parse_filter_map
from engine.query.mongo import Find, GeoSort, MongoFilter, join_filters, to_filter, to_find
from engine.query.operators import OPERATORS, Operator
from engine.query.parse import PARAMETERS, parse_query
from engine.query.periods import Clock
from engine.query.plan import Access, FieldSet, Paths, plan_filter, resolve_path
from engine.query.predicate import Predicate, to_predicate
from engine.query.syntax import (
    AllOf,
    AnyOf,
    Compare,
    Filter,
    Format,
    ListQuery,
    Native,
    Reference,
    SortItem,
    Source,
    TextSearch,
    Within,
    comparisons,
)
from engine.query.values import Value, parse_value

__all__ = [
    "ALWAYS",
    "NEVER",
    "OPERATORS",
    "PARAMETERS",
    "Access",
    "AllOf",
    "AnyOf",
    "Clock",
    "Compare",
    "Condition",
    "FieldSet",
    "Filter",
    "Find",
    "Format",
    "GeoSort",
    "ListPlan",
    "ListQuery",
    "MongoFilter",
    "Native",
    "Operator",
    "Output",
    "Paths",
    "Predicate",
    "Reference",
    "SortItem",
    "Source",
    "TextSearch",
    "Value",
    "Within",
    "all_of",
    "any_of",
    "bind",
    "comparisons",
    "is_bound",
    "join_filters",
    "negate",
    "parse_expression",
    "parse_filter_map",
    "parse_query",
    "parse_value",
    "plan_filter",
    "plan_list",
    "plan_output",
    "plan_read",
    "plan_selection",
    "project",
    "resolve_path",
    "to_filter",
    "to_find",
    "to_predicate",
]
