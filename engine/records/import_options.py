"""How an import is made: in go pairs of a request, out come its options; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from engine.errors import BadRequest, did_you_mean
from engine.records.csv_reading import check_encoding
from engine.records.options import WriteOptions


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options of one import. Those that turn a step of the writes off are for developers, see OPTIONS."""

    preview: bool = False
    """Whether rows are only checked, and nothing is written."""
    low_priority: bool = False
    update_calculated_fields: bool = True
    update_relationships: bool = True
    perform_validations: bool = True
    filter_by_access_rules: bool = True
    perform_security_checks: bool = True
    trigger_events: bool = True
    set_default_values: bool = True
    support_transient_fields: bool = True
    cascade_operations: bool = True
    skip_records_with_invalid_fields: bool = True
    encoding: str | None = None
    """How the file is encoded, where it does not tell by itself."""

    @property
    def for_developers(self) -> list[str]:
        """The public names of what only developers may ask for."""
        return [name for name, option in OPTIONS.items() if option.developers and not getattr(self, option.attribute)]

    @property
    def flags(self) -> Mapping[str, bool]:
        """What follows the writes, as a running app is asked for it."""
        return {
            "trigger_events": self.trigger_events,
            "cascade": self.cascade_operations,
            "relabel": self.update_relationships,
        }

    def writing(self, new_id: str | None = None, mark: str | None = None) -> WriteOptions:
        """How each record is written; see WriteOptions for the id and the mark."""
        return WriteOptions(
            calculate=self.update_calculated_fields,
            validate=self.perform_validations,
            conditions=self.filter_by_access_rules,
            defaults=self.set_default_values,
            refuse=self.skip_records_with_invalid_fields,
            save=not self.preview,
            new_id=new_id,
            mark=mark,
        )

    def given(self) -> dict[str, Any]:
        """The options that are not as usual, by their public names."""
        return {
            name: getattr(self, option.attribute)
            for name, option in OPTIONS.items()
            if getattr(self, option.attribute) != getattr(_USUAL, option.attribute)
        }


@dataclass(frozen=True, slots=True)
class ImportOption:
    """One option: its attribute, and whether turning it off is for developers."""

    attribute: str
    developers: bool = False


OPTIONS: Final[Mapping[str, ImportOption]] = {
    "preview": ImportOption("preview"),
    "encoding": ImportOption("encoding"),
    "lowPriority": ImportOption("low_priority"),
    "updateCalculatedFields": ImportOption("update_calculated_fields", developers=True),
    "updateRelationships": ImportOption("update_relationships", developers=True),
    "performValidations": ImportOption("perform_validations", developers=True),
    "filterByAccessRules": ImportOption("filter_by_access_rules", developers=True),
    "performSecurityChecks": ImportOption("perform_security_checks", developers=True),
    "triggerEvents": ImportOption("trigger_events", developers=True),
    "setDefaultValues": ImportOption("set_default_values", developers=True),
    "supportTransientFields": ImportOption("support_transient_fields", developers=True),
    "cascadeOperations": ImportOption("cascade_operations", developers=True),
    "skipRecordsWithInvalidFields": ImportOption("skip_records_with_invalid_fields", developers=True),
}
"""By public name."""
_USUAL: Final = ImportOptions()
_TRUTH: Final = {"true": True, "false": False}


def parse_import_options(pairs: Sequence[tuple[str, str]]) -> ImportOptions:
    """The options that pairs of a query and of a form say. Raises BadRequest for an unknown one, with the nearest; for
    one that is said twice in different words; and for what is no value of it."""
    given: dict[str, Any] = {}
    for name, text in pairs:
        option = OPTIONS.get(name)
        if option is None:
            hint = did_you_mean(name[:64], OPTIONS) or f"known are {', '.join(OPTIONS)}"
            raise BadRequest(f"Imports have no option {name[:64]}; {hint}")
        value = _parse(name, text, given_as_text=option.attribute == "encoding")
        if given.setdefault(option.attribute, value) != value:
            raise BadRequest(f"The option {name} is given twice, with different values")
    return replace(_USUAL, **given)


def load_import_options(stored: Mapping[str, Any]) -> ImportOptions:
    """The options from what `given` gave; names that are none any more count for nothing."""
    known = {item.name for item in fields(ImportOptions)}
    named = {OPTIONS[name].attribute: value for name, value in stored.items() if name in OPTIONS}
    return replace(_USUAL, **{name: value for name, value in named.items() if name in known})


def _parse(name: str, text: str, *, given_as_text: bool) -> Any:
    if given_as_text:
        return check_encoding(text)
    if text not in _TRUTH:
        raise BadRequest(f"{name} takes true or false, not {text[:64]!r}")
    return _TRUTH[text]


__all__ = ["OPTIONS", "ImportOption", "ImportOptions", "load_import_options", "parse_import_options"]
