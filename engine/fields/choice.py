"""Choosing: boolean, choice among options of the definition, dynamicChoice whose options travel in the value."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Self

from engine.errors import InvalidValue
from engine.fields.base import BadOption, Capability, FieldType, Key, Locale
from engine.fields.capabilities import CHOICE_OPERATORS, GENERAL, REFERENCE_OPERATORS
from engine.fields.patterns import is_text

_TRUE: Final = frozenset({"true", "1", "yes"})
_FALSE: Final = frozenset({"false", "0", "no"})


@dataclass(frozen=True)
class BooleanType(FieldType):
    """Yes or no; unset is no, so that there is nothing to require and nothing empty."""

    name: ClassVar[str] = "boolean"
    expected: ClassVar[str] = "true or false"
    capabilities: ClassVar[frozenset[Capability]] = (GENERAL | CHOICE_OPERATORS) - {
        Capability.REQUIRED,
        Capability.EMPTY,
    }
    display_keys: ClassVar[tuple[Key, ...]] = (
        Key("representation", {"enum": ["checkBox", "switcher"]}, "How clients show it; checkBox."),
        Key("labels", {"enum": ["yesNo", "onOff"]}, "The words of a switcher: Yes and No, or On and Off; yesNo."),
    )
    empty: ClassVar[object] = False
    lowest: ClassVar[object] = False
    stored_classes: ClassVar[tuple[type, ...]] = (bool,)
    sample: ClassVar[object] = True

    def check_display(self, display: Mapping[str, Any]) -> None:
        """Only a switcher has labels."""
        if "labels" in display and display.get("representation") != "switcher":
            raise BadOption("labels", "only a switcher has labels", "add representation: switcher")

    def parse_json(self, value: Any) -> Any:
        """true and false, nothing that merely looks like them."""
        if value is True or value is False:
            return value
        raise self.refuse(value)

    def parse_text(self, text: str) -> Any:
        """true and false."""
        if text in ("true", "false"):
            return text == "true"
        raise self.refuse(text)

    def csv_in(self, text: str) -> Any:
        """true, 1, yes, false, 0, no, in any case."""
        folded = text.lower()
        if folded in _TRUE:
            return True
        if folded in _FALSE:
            return False
        raise self.refuse(text)

    def plain_text(self, value: Any, display: Mapping[str, Any], locale: Locale) -> Any:
        """Yes or No, unless `display` has a switcher with On and Off."""
        if display.get("labels") == "onOff":
            return "On" if value else "Off"
        return "Yes" if value else "No"

    def csv_out(self, value: Any) -> str:
        """true or false."""
        return "true" if value else "false"

    def json_schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Option:
    """One choice: what is stored, what people read, a color for clients, the condition under which it is allowed."""

    name: str
    label: str
    color: str | None = None
    when: Any = field(default=None, hash=False)


_OPTION_TEXT = {"type": "string", "minLength": 1, "maxLength": 300}
_OPTIONS_SCHEMA: Mapping[str, object] = {
    "anyOf": [
        {"type": "object", "minProperties": 1, "additionalProperties": _OPTION_TEXT},
        {
            "type": "array",
            "minItems": 1,
            "items": {
                "anyOf": [
                    _OPTION_TEXT,
                    {
                        "type": "object",
                        "required": ["name"],
                        "additionalProperties": False,
                        "properties": {
                            "name": _OPTION_TEXT,
                            "label": _OPTION_TEXT,
                            "color": _OPTION_TEXT,
                            "when": {"type": ["boolean", "string", "object"]},
                        },
                    },
                ]
            },
        },
    ]
}


@dataclass(frozen=True)
class ChoiceType(FieldType):
    """One of the options that the definition lists; the value is the option's name."""

    name: ClassVar[str] = "choice"
    expected: ClassVar[str] = "the name of an option"
    capabilities: ClassVar[frozenset[Capability]] = GENERAL | CHOICE_OPERATORS
    keys: ClassVar[tuple[Key, ...]] = (
        Key(
            "options",
            _OPTIONS_SCHEMA,
            "What can be chosen: a list of names, a map of names and labels, or a list of {name, label, color, when}.",
        ),
    )
    sample: ClassVar[object] = "active"
    sample_options: ClassVar[Mapping[str, object]] = {"options": {"active": "Active", "archived": "Archived"}}

    options: tuple[Option, ...] = ()
    by_name: Mapping[str, Option] = field(default_factory=dict, compare=False, repr=False)
    by_folded: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Names by what a CSV cell may hold, in small letters: a name, or a label that is not a name."""

    @classmethod
    def configure(cls, options: Mapping[str, Any]) -> Self:
        """Refuses missing options and names that are there twice."""
        written = options.get("options")
        if not written:
            raise BadOption(
                "options", "a choice needs options", "for example options: {active: Active, closed: Closed}"
            )
        listed = (
            [Option(name, label) for name, label in written.items()]
            if isinstance(written, Mapping)
            else [_option(each) for each in written]
        )
        by_name: dict[str, Option] = {}
        for option in listed:
            if option.name in by_name:
                raise BadOption("options", f'the option "{option.name}" is listed twice')
            by_name[option.name] = option
        by_folded: dict[str, str] = {}
        for option in listed:
            by_folded.setdefault(option.label.casefold(), option.name)
        for option in reversed(listed):
            by_folded[option.name.casefold()] = option.name
        return cls(tuple(listed), by_name, by_folded)

    def doubts(self) -> Iterator[BadOption]:
        """Labels that another option has as its label or name: people and CSV files cannot tell the two apart."""
        for option in self.options:
            meant = self.by_name[self.by_folded[option.label.casefold()]]
            if meant.name != option.name:
                message = f'the label "{option.label}" of the option "{option.name}" means "{meant.name}" already'
                yield BadOption("options", message, "give it another label")

    def reading_options(self) -> Mapping[str, Any]:
        """The names, which tell a choice from other text."""
        return {"options": list(self.by_name)}

    def conditions(self) -> Mapping[Any, Any]:
        """`when` of the options that have one, by name."""
        return {option.name: option.when for option in self.options if option.when is not None}

    def parse_json(self, value: Any) -> Any:
        """The exact name of an option."""
        if isinstance(value, str) and value in self.by_name:
            return value
        raise self._wrong(value, self.by_name)

    def check(self, value: Any) -> None:
        """Whether the name is still an option; conditions are `check_allowed`'s."""
        self.check_allowed(value, self.by_name)

    def check_allowed(self, value: Any, allowed: Container[str]) -> None:
        """Raises InvalidValue where a value is not among the names that conditions allow now."""
        if value not in allowed:
            raise self._wrong(value, allowed)

    def _wrong(self, value: Any, allowed: Container[str]) -> InvalidValue:
        limit = [name for name in self.by_name if name in allowed]
        return InvalidValue("Not a valid choice", value, rule="options", limit=limit)

    def csv_in(self, text: str) -> Any:
        """A name, else a label, in any case."""
        if text in self.by_name:
            return text
        name = self.by_folded.get(text.casefold())
        if name is None:
            raise self._wrong(text, self.by_name)
        return name

    def plain_text(self, value: Any, display: Mapping[str, Any], locale: Locale) -> Any:
        """The label; a name that is no option any more stands for itself."""
        option = self.by_name.get(value)
        return value if option is None else option.label

    def json_schema(self) -> dict[str, Any]:
        """One of the names."""
        return {"enum": list(self.by_name)}


def _option(written: Any) -> Option:
    if isinstance(written, str):
        return Option(written, written)
    return Option(written["name"], written.get("label", written["name"]), written.get("color"), written.get("when"))


_bare_keys = re.compile(r'"(?:[^"\\]|\\.)*"|([A-Za-z_]\w*)(?=\s*:)')


@dataclass(frozen=True)
class DynamicChoiceType(FieldType):
    """One of the options that the value itself brings: {options: [{label, name}], selectedValue: name}."""

    name: ClassVar[str] = "dynamicChoice"
    expected: ClassVar[str] = "text, or {options: [{label, name}], selectedValue} with the name of one of the options"
    capabilities: ClassVar[frozenset[Capability]] = (GENERAL - {Capability.INDEX}) | (
        REFERENCE_OPERATORS - {Capability.FIRST_LAST, Capability.SORT}
    )
    query_part: ClassVar[str | None] = "search"
    stored_classes: ClassVar[tuple[type, ...]] = (dict,)
    same_stored: ClassVar[bool] = False
    same_json: ClassVar[bool] = False
    sample: ClassVar[object] = {"options": [{"label": "Alaska", "name": "AK"}], "selectedValue": "AK"}
    schema_gap: ClassVar[str | None] = "That selectedValue names one of the options is checked by the server only."

    def parse_json(self, value: Any) -> Any:
        """The whole object, or a bare text that becomes its own only option."""
        if is_text(value):
            return {"options": [{"label": value, "name": value}], "selectedValue": value}
        if not isinstance(value, dict) or value.keys() != {"options", "selectedValue"}:
            raise self.refuse(value)
        options, selected = value["options"], value["selectedValue"]
        if not isinstance(options, list) or not all(_is_option(each) for each in options):
            raise self.refuse(value)
        if not any(each["name"] == selected for each in options):
            raise self.refuse(value)
        return {
            "options": [{"label": each["label"], "name": each["name"]} for each in options],
            "selectedValue": selected,
        }

    def parse_text(self, text: str) -> Any:
        """A name or a label to compare with both of the value's."""
        if is_text(text):
            return text
        raise self.refuse(text)

    def query_value(self, value: Any) -> Any:
        """Name and label of the selected option: a filter may mean either."""
        selected = value["selectedValue"]
        return [selected, _label(value)]

    def to_stored(self, value: Any) -> Any:
        """The object, with what filters look at."""
        return {**value, "search": self.query_value(value)}

    def is_stored(self, stored: Any) -> bool:
        """The object, whole."""
        if not isinstance(stored, dict) or not isinstance(stored.get("options"), list):
            return False
        return isinstance(stored.get("selectedValue"), str) and all(map(_is_option, stored["options"]))

    def from_stored(self, stored: Any) -> Any:
        """The object alone."""
        return {"options": stored["options"], "selectedValue": stored["selectedValue"]}

    def plain_text(self, value: Any, display: Mapping[str, Any], locale: Locale) -> Any:
        """The label of the selected option."""
        return _label(value)

    def csv_out(self, value: Any) -> str:
        """The name of the selected option; a cell has no room for the others."""
        return str(value["selectedValue"])

    def csv_in(self, text: str) -> Any:
        """A name, or the whole object as JSON, with or without quotes around its keys."""
        if not text.lstrip().startswith("{"):
            return self.parse_json(text)
        try:
            return self.parse_json(json.loads(_bare_keys.sub(_quoted, text)))
        except (ValueError, RecursionError):
            raise self.refuse(text) from None

    def json_schema(self) -> dict[str, Any]:
        """The object or a text."""
        text = {"type": "string", "minLength": 1}
        option = {
            "type": "object",
            "required": ["label", "name"],
            "additionalProperties": False,
            "properties": {"label": text, "name": text},
        }
        whole = {
            "type": "object",
            "required": ["options", "selectedValue"],
            "additionalProperties": False,
            "properties": {"options": {"type": "array", "minItems": 1, "items": option}, "selectedValue": text},
        }
        return {"anyOf": [text, whole]}


def _is_option(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"label", "name"}
        and all(is_text(part) and part for part in value.values())
    )


def _label(value: Any) -> Any:
    selected = value["selectedValue"]
    return next((each["label"] for each in value["options"] if each["name"] == selected), selected)


def _quoted(found: re.Match[str]) -> str:
    return f'"{found[1]}"' if found[1] else found[0]


TYPES: tuple[type[FieldType], ...] = (BooleanType, ChoiceType, DynamicChoiceType)
