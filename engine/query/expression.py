"""`_query`: `or(filter('state','a,b'),and(…))` to syntax, in one pass; errors say at which character."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from engine.errors import BadRequest, did_you_mean
from engine.query.maps import filter_of, read_value
from engine.query.syntax import AllOf, AnyOf, Filter
from engine.query.values import Budget

_JOINS: Final[Mapping[str, Callable[[tuple[Filter, ...]], Filter]]] = {"and": AllOf, "or": AnyOf}
_WORDS: Final = (*_JOINS, "filter")


def parse_expression(text: str, budget: Budget | None = None) -> Filter:
    """Reads a whole expression; raises BadRequest."""
    parser = _Parser(text, budget or Budget())
    found = parser.criterion(1)
    parser.skip_space()
    if parser.at < len(text):
        raise parser.error("nothing more was expected")
    return found


class _Parser:
    def __init__(self, text: str, budget: Budget) -> None:
        self.text = text
        self.at = 0
        self.budget = budget

    def error(self, message: str, at: int | None = None) -> BadRequest:
        return BadRequest(f"_query: {message} (at character {(self.at if at is None else at) + 1})")

    def skip_space(self) -> None:
        while self.text.startswith(" ", self.at):
            self.at += 1

    def expect(self, sign: str) -> None:
        self.skip_space()
        if not self.text.startswith(sign, self.at):
            found = self.text[self.at : self.at + 1]
            raise self.error(f"{sign} was expected, not {found or 'the end'}")
        self.at += len(sign)

    def criterion(self, depth: int) -> Filter:
        self.skip_space()
        start = self.at
        while self.at < len(self.text) and self.text[self.at].isalnum():
            self.at += 1
        word = self.text[start : self.at]
        if word in _JOINS:
            return self.join(word, depth)
        if word == "filter":
            return self.filter(depth, start)
        hint = did_you_mean(word, _WORDS) if len(word) < 20 else None
        raise self.error(f"and(…), or(…) or filter('path','value') was expected{f'; {hint}' if hint else ''}", start)

    def join(self, word: str, depth: int) -> Filter:
        self.budget.spend(depth)
        self.expect("(")
        parts = [self.criterion(depth + 1)]
        self.skip_space()
        while self.text.startswith(",", self.at):
            self.at += 1
            parts.append(self.criterion(depth + 1))
            self.skip_space()
        self.expect(")")
        return _JOINS[word](tuple(parts))

    def filter(self, depth: int, start: int) -> Filter:
        self.expect("(")
        path = self.quoted()
        self.expect(",")
        self.skip_space()
        value_at = self.at
        text = self.quoted()
        self.expect(")")
        try:
            return filter_of(path, read_value(path, text), self.budget, start, depth)
        except BadRequest as error:
            raise self.error(error.message, value_at) from None

    def quoted(self) -> str:
        """Text between single quotes, in which a quote is doubled."""
        self.skip_space()
        start = self.at
        self.expect("'")
        parts = []
        while True:
            end = self.text.find("'", self.at)
            if end < 0:
                raise self.error("the quote is not closed; inside quotes a quote is doubled", start)
            parts.append(self.text[self.at : end])
            self.at = end + 1
            if not self.text.startswith("'", self.at):
                return "".join(parts)
            parts.append("'")
            self.at += 1


__all__ = ["parse_expression"]
