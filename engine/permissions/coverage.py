"""Which rules of groups examples have exercised: in go explanations, out come the rules that nothing was seen of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import Position
from engine.permissions.asked import READ, WRITE, Rule, says_of
from engine.permissions.compile import RIGHTS_ON_RECORDS
from engine.permissions.explain import Explanation
from engine.permissions.holding import Verdict
from engine.schema import App, EntityRights, Right, Written

ALLOWS, REFUSES = "allow", "refuse"


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A rule that could say something else without an example noticing; `missing` is what it was not seen to do."""

    group: str
    entity: str
    key: str
    at: Position
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Deed:
    """One thing that a rule must be seen to do: to allow something, or to refuse it."""

    group: str | None
    entity: str
    key: str
    part: str
    does: str


class Coverage:
    """Counts what rules were seen to do. A condition has to be seen both ways."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._seen: set[_Deed] = set()

    def note(self, found: Explanation) -> None:
        """Counts the rules that led to a verdict: all of a group that allows, those in the way where it is denied."""
        for says in found.groups:
            for rule in says.rules if says.verdict is found.verdict else ():
                if rule.verdict is found.verdict and rule.about is None:
                    self._seen.add(_deed(rule, ALLOWS if rule.verdict is Verdict.ALLOWED else REFUSES))

    @property
    def rules(self) -> int:
        """How many rules there are."""
        return len({at for _, at in self._wanted()})

    def missing(self) -> tuple[Uncovered, ...]:
        """The rules of which something was not seen, by place."""
        found: dict[Position, Uncovered] = {}
        for deed, at in self._wanted():
            if deed not in self._seen and deed.group is not None:
                known = found.get(at)
                missing = (*(known.missing if known else ()), f"{deed.does} {deed.part}".strip())
                found[at] = Uncovered(deed.group, deed.entity, deed.key, at, missing)
        return tuple(found[at] for at in sorted(found))

    def _wanted(self) -> Iterator[tuple[_Deed, Position]]:
        for group in self._app.groups.values():
            for name, rights in group.entities.items():
                for key, part, right, at in _written(rights):
                    for does in _deeds_of(right):
                        yield _Deed(group.name, name, key, part, does), at


def _deed(rule: Rule, does: str) -> _Deed:
    return _Deed(rule.group, rule.entity, rule.key, rule.part, does)


def _written(rights: EntityRights) -> Iterator[tuple[str, str, Right | bool, Position]]:
    """The rules that stand in a file: key, part, what is said, where."""
    places = rights.places
    for key, right in RIGHTS_ON_RECORDS.items():
        if key in places:
            yield key, "", right(rights), places[key]
    for key, switch in (("import", rights.imports), ("export", rights.exports)):
        if key in places:
            yield key, "", switch, places[key]
    for path, right_on in rights.fields.items():
        if right_on.path == path:
            yield f"fields.{path}", READ, right_on.read, right_on.at
            if right_on.read != "never":  # what is never shown cannot be written either
                yield f"fields.{path}", WRITE, right_on.write, right_on.at
    for name, right_to in rights.actions.items():
        if f"actions.{name}" in places:
            yield f"actions.{name}", "", right_to, places[f"actions.{name}"]


def _deeds_of(right: Right | bool) -> tuple[str, ...]:
    if isinstance(right, Written):
        return (ALLOWS, REFUSES)
    return (ALLOWS,) if says_of(right) in ("always", True) else (REFUSES,)


__all__ = ["ALLOWS", "REFUSES", "Coverage", "Uncovered"]
