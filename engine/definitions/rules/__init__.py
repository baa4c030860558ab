"""The laws that definitions must keep: small functions in one ordered tuple, each giving what breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.definitions.rules import (
    actions,
    app,
    cycles,
    expressions,
    fields,
    filters,
    indexes,
    names,
    references,
    rights,
)
from engine.definitions.rules.context import Context
from engine.errors import Diagnostic

Rule = Callable[[Context], Iterable[Diagnostic]]

specified_rules: tuple[Rule, ...] = (
    app.timezone_is_known,
    app.language_is_known,
    app.currency_is_known,
    names.app_has_a_good_name,
    names.entities_have_good_names,
    names.parts_have_good_names,
    names.field_names_are_free,
    names.field_names_are_unique,
    names.action_names_are_free,
    names.index_names_are_unique,
    references.parents_exist,
    references.targets_exist,
    references.fields_exist,
    references.copied_fields_exist,
    references.aggregated_fields_exist,
    references.groups_exist,
    references.functions_exist,
    references.queues_exist,
    references.events_exist,
    fields.types_are_known,
    fields.structures_are_complete,
    fields.fields_are_within_reach,
    fields.keys_suit_the_type,
    fields.keys_agree,
    fields.aggregates_have_their_field,
    fields.parameters_are_not_stored,
    fields.defaults_are_valid,
    fields.displays_are_valid,
    expressions.expressions_can_be_read,
    filters.filters_can_be_planned,
    cycles.calculations_end,
    cycles.copies_end,
    cycles.actions_end,
    actions.steps_have_a_kind,
    actions.actions_suit_their_type,
    actions.linked_parameters_are_fields,
    actions.listeners_do_something,
    actions.steps_write_to_fields,
    actions.values_fit_their_fields,
    actions.called_actions_fit,
    actions.schedules_fit,
    rights.rights_name_what_is_there,
    rights.rights_have_effect,
    rights.networks_are_valid,
    indexes.indexes_can_be_built,
    indexes.text_indexes_hold_texts,
)
"""Every law, in the order in which an author would want to hear of them."""
