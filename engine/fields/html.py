"""Rich text: html, cleaned of everything that is not on a list. The value is the markup, a str.

Stored is {html, text}: filters look at the text that people see, not at tags and attributes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape, unescape
from typing import Any, ClassVar, Final

import nh3

from engine.fields.base import Capability, FieldType, Locale
from engine.fields.capabilities import GENERAL, TEXT_OPERATORS
from engine.fields.patterns import is_text

_ATTRIBUTES: Mapping[str, str] = {
    "a": "href title",
    "blockquote": "cite",
    "col": "span width",
    "colgroup": "span width",
    "img": "align alt height src title width",
    "ol": "start type",
    "q": "cite",
    "table": "summary width",
    "td": "abbr axis colspan rowspan width",
    "th": "abbr axis colspan rowspan scope width",
    "ul": "type",
}
_BLOCKS: Final = (
    "blockquote",
    "br",
    "caption",
    "col",
    "colgroup",
    "dd",
    "div",
    "dl",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
)
_INLINE: Final = (
    "a",
    "b",
    "cite",
    "code",
    "em",
    "i",
    "img",
    "q",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "u",
)
_WEB: Final = ("http://", "https://")
_SCHEMES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("a", "href"): ("ftp://", "http://", "https://", "mailto:"),
    ("img", "src"): _WEB,
    ("blockquote", "cite"): _WEB,
    ("q", "cite"): _WEB,
}
"""Addresses must begin with one of these, so that there are neither scripts nor relative ones."""


def _keep_attribute(tag: str, name: str, value: str) -> str | None:
    schemes = _SCHEMES.get((tag, name))
    if schemes is None or value.strip().lower().startswith(schemes):
        return value
    return None


_cleaner = nh3.Cleaner(
    tags={*_BLOCKS, *_INLINE},
    attributes={"*": {"class"}, **{tag: set(names.split()) for tag, names in _ATTRIBUTES.items()}},
    attribute_filter=_keep_attribute,
    url_schemes={"ftp", "http", "https", "mailto"},
    link_rel=None,
)

_TAG = r'(?:[^>"]|"[^"]*")*>'
_replace_blocks = re.compile(rf"</?(?:{'|'.join(_BLOCKS)})\b{_TAG}").sub
_replace_tags = re.compile(rf"<{_TAG}").sub


_MOST_ROUNDS: Final = 8


def clean_html(markup: str) -> str:
    """The markup with only listed tags, attributes and kinds of address. Cleaning twice changes nothing more: markup
    that a parser reads differently each time (it never does for long) ends as its text."""
    cleaned: str = _cleaner.clean(markup)
    for _ in range(_MOST_ROUNDS):
        again: str = _cleaner.clean(cleaned)
        if again == cleaned:
            return cleaned
        cleaned = again
    return escape(visible_text(cleaned), quote=False)


def visible_text(cleaned: str) -> str:
    """What people see of cleaned markup; blocks are apart, and blanks are single."""
    return " ".join(unescape(_replace_tags("", _replace_blocks(" ", cleaned))).split())


@dataclass(frozen=True)
class HtmlType(FieldType):
    """Text with markup. What is not allowed is taken out without a word."""

    name: ClassVar[str] = "html"
    expected: ClassVar[str] = "HTML as text"
    capabilities: ClassVar[frozenset[Capability]] = GENERAL | TEXT_OPERATORS | {Capability.UNIQUE}
    query_part: ClassVar[str | None] = "text"
    stored_classes: ClassVar[tuple[type, ...]] = (dict,)
    stored_mark: ClassVar[tuple[str, type] | None] = ("html", str)
    same_stored: ClassVar[bool] = False
    same_json: ClassVar[bool] = False
    sample: ClassVar[object] = "<p>Calls back on <b>Monday</b></p>"

    def parse_json(self, value: Any) -> Any:
        """Cleaned markup; nothing may be left of it."""
        if is_text(value):
            return clean_html(value)
        raise self.refuse(value)

    def parse_text(self, text: str) -> Any:
        """Visible text to compare with; it is not cleaned."""
        if is_text(text):
            return text
        raise self.refuse(text)

    def query_value(self, value: Any) -> Any:
        """The visible text."""
        return visible_text(value)

    def csv_in(self, text: str) -> Any:
        """As in a body."""
        return self.parse_json(text)

    def to_stored(self, value: Any) -> Any:
        """Markup and visible text."""
        return {"html": value, "text": visible_text(value)}

    def from_stored(self, stored: Any) -> Any:
        """The markup."""
        return stored["html"]

    def render_stored(self, stored: Any) -> Any:
        """The markup."""
        return stored["html"]

    def plain_text(self, value: Any, display: Mapping[str, Any], locale: Locale) -> Any:
        """The visible text."""
        return visible_text(value)


TYPES: tuple[type[FieldType], ...] = (HtmlType,)
