"""Text search for databases without a text index: words as written in, the condition that selects the same records out.

Words are split as MongoDB's text index does without a language: at white space and punctuation, whatever their case and
accents. Any word matches, unless there are phrases in double quotes, which must all be there; `-word` excludes.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from engine.errors import BadRequest
from engine.query.chars import Ranges, fold, single, union
from engine.query.condition import NEVER, Condition, Place, Test, all_of, any_of, negate
from engine.query.matches import Like
from engine.query.patterns import Pattern, build_node
from engine.query.regex import Chars, Choice, Edge, Node
from engine.query.regex import Sequence as Follow

MOST_WORDS: Final = 50
"""Words of one search, those in phrases included."""
_DELIMITERS: Final[Ranges] = union(
    (ord(first), ord(last))
    for first, last in (
        *("\t\r", "\x1c ", "!/", ":@", "[^", "``", "{~", "\x85\x85", "\xa0\xa7", "\xa9\xa9", "\xab\xac", "\xae\xae"),
        *("\xb0\xb1", "\xb6\xb6", "\xbb\xbb", "\xbf\xbf", "\xd7\xd7", "\xf7\xf7", "\u2000\u200a", "\u2010\u203e"),
        *("\u2041\u2053", "\u2055\u205f", "\u3000\u3003", "\u3008\u3020", "\uff01\uff0f", "\uff1a\uff20"),
    )
)
"""White space and punctuation; the low line joins words."""
_ACCENTED: Final = ((0xC0, 0x24F), (0x370, 0x52F), (0x1E00, 0x1FFF))
"""Where letters with accents stand: Latin, Greek and Cyrillic."""


@dataclass(frozen=True, slots=True)
class Words:
    """A search taken apart: all in lower case and without accents."""

    any_of: tuple[str, ...]
    phrases: tuple[str, ...]
    none_of: tuple[str, ...]
    no_phrases: tuple[str, ...]


def parse_words(text: str) -> Words:
    """Reads words, `"phrases"` and what a `-` before them excludes; raises BadRequest for too many words."""
    wanted: list[str] = []
    phrases: list[str] = []
    excluded: list[str] = []
    no_phrases: list[str] = []
    before = ""
    for number, part in enumerate(text.split('"')):
        if number % 2 == 1:  # between quotes
            negated = before.endswith("-") and (len(before) == 1 or before[-2].isspace())
            (no_phrases if negated else phrases).append(_plain(part))
            if not negated:
                wanted += _split(part)
            continue
        before = part
        for word in part.split():
            (excluded if word.startswith("-") else wanted).extend(_split(word))
    if len(wanted) + len(excluded) + len(no_phrases) > MOST_WORDS:
        raise BadRequest(f"_indexedFilterQuery takes at most {MOST_WORDS} words")
    return Words(_once(wanted), _once(phrases), _once(excluded), _once(no_phrases))


def find_words(words: Words, places: Sequence[Place]) -> Condition:
    """A record matches by any of the places; with nothing but exclusions none does."""
    if not words.any_of:
        return NEVER
    return all_of(
        (
            any_of(_at(places, _word(word)) for word in words.any_of),
            *(_at(places, _phrase(phrase)) for phrase in words.phrases),
            *(negate(_at(places, _word(word))) for word in words.none_of),
            *(negate(_at(places, _phrase(phrase))) for phrase in words.no_phrases),
        )
    )


def _at(places: Sequence[Place], pattern: Pattern) -> Condition:
    return any_of(Test(place, Like(pattern)) for place in places)


def _word(word: str) -> Pattern:
    """The word with a delimiter, or an end of the text, on either side."""
    apart = Chars(_DELIMITERS)
    return build_node(Follow((Choice((Edge.TEXT_START, apart)), *_letters(word), Choice((apart, Edge.TEXT_END)))))


def _phrase(phrase: str) -> Pattern:
    """The phrase anywhere, as it is written between the quotes."""
    return build_node(Follow(tuple(_letters(phrase))))


def _letters(text: str) -> Iterable[Node]:
    return (Chars(union((*fold(single(char)), *_VARIANTS.get(char, ())))) for char in text)


def _split(text: str) -> list[str]:
    separated = "".join(" " if _is_delimiter(char) else char for char in text)
    return [_plain(word) for word in separated.split()]


def _is_delimiter(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _DELIMITERS)


def _plain(text: str) -> str:
    """Lower case, and letters without their accents."""
    return "".join(_base(char) for char in unicodedata.normalize("NFC", text))


def _base(char: str) -> str:
    """The letter itself, in lower case; what is no single letter stays as it is."""
    base = unicodedata.normalize("NFD", char)[0].lower()
    return base if len(base) == 1 else char


def _variants() -> dict[str, Ranges]:
    """The accented forms of every letter, capital ones included."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for first, last in _ACCENTED:
        for code in range(first, last + 1):
            base = _base(chr(code))
            if base != chr(code):
                found[base].append((code, code))
    return {base: union(codes) for base, codes in found.items()}


_VARIANTS: Final = _variants()


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


__all__ = ["MOST_WORDS", "Words", "find_words", "parse_words"]
