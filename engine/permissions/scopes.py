"""What an API token may be used for: in go texts such as `data:companies:read+update`, out comes a yes or no per route.

A scope narrows what the token's user may do and never widens it: both must allow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from engine.errors import did_you_mean

ANY_ENTITY = "*"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that scopes may use: switches of a group's `api` block, entities, rights on an entity."""

    areas: Collection[str]
    entities: Collection[str]
    rights: Collection[str]


@dataclass(frozen=True, slots=True)
class TokenScope:
    """One scope: an area of the API, in it one entity, on it some rights.

    None as `entity` covers all entities and what is about none; None as `rights` covers all rights.
    """

    area: str
    entity: str | None = None
    rights: frozenset[str] | None = None

    def allows(self, area: str, entity: str | None, right: str) -> bool:
        """Whether a route of this area, about this entity, which asks for this right, is inside the scope."""
        if area != self.area or (self.rights is not None and right not in self.rights):
            return False
        return self.entity is None or entity == self.entity


@dataclass(frozen=True, slots=True)
class TokenScopes:
    """All scopes of one token; `texts` are they as written."""

    texts: tuple[str, ...]
    scopes: tuple[TokenScope, ...]

    def allows(self, area: str, entity: str | None, right: str) -> bool:
        """Whether any of them allows a route."""
        return any(scope.allows(area, entity, right) for scope in self.scopes)


def parse_scopes(texts: Iterable[str]) -> TokenScopes:
    """Scopes as they are stored. Names are not looked up: one that exists no more simply allows nothing."""
    texts = tuple(texts)
    return TokenScopes(texts, tuple(_parse(text) for text in texts))


def validate_scopes(scopes: TokenScopes, known: Vocabulary) -> tuple[str, ...]:
    """What is wrong with scopes that somebody wants to give, one message for each unknown name."""
    problems = []
    for text, scope in zip(scopes.texts, scopes.scopes, strict=True):
        named = [("area", scope.area, known.areas)]
        if scope.entity is not None:
            named.append(("entity", scope.entity, known.entities))
        named += [("right", right, known.rights) for right in sorted(scope.rights or ())]
        for kind, name, names in named:
            if name not in names:
                hint = did_you_mean(name, names) or f"known are {', '.join(names)}"
                problems.append(f'the scope "{text}" names the unknown {kind} "{name}"; {hint}')
    return tuple(problems)


def _parse(text: str) -> TokenScope:
    area, _, rest = text.partition(":")
    entity, _, rights = rest.partition(":")
    return TokenScope(
        area, None if entity in ("", ANY_ENTITY) else entity, frozenset(rights.split("+")) if rights else None
    )


__all__ = ["TokenScope", "TokenScopes", "Vocabulary", "parse_scopes", "validate_scopes"]
