"""Renaming a field: an app's texts in, the same out with every reference under the new name, the old one an alias.

The changed app is validated and its references are compared with those before: what would mean something else is
refused. A file that was in the house's layout stays in it. Python code is not changed; it is told where the old name
occurs in it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from engine.definitions.data_names import edits_of_data
from engine.definitions.edits import Edit, alias_edit, apply_edits
from engine.definitions.example_names import example_mentions
from engine.definitions.format import CannotFormat, format_text
from engine.definitions.inherit import line_of_descent
from engine.definitions.layout import Unkept
from engine.definitions.load import KnownFiles, load_definitions
from engine.definitions.mentions import Mention, mentions, unique
from engine.definitions.resolve import resolve_definitions
from engine.definitions.rules.context import Context
from engine.definitions.rules.names import RESERVED_FIELDS, is_name
from engine.definitions.source import HOOKS, Sources
from engine.definitions.system import SYSTEM_ENTITIES
from engine.definitions.validate import validate_sources
from engine.errors import CastworkError, Position, did_you_mean
from engine.schema import Entity, Field


class CannotRename(CastworkError):
    """The field is not renamed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Renaming:
    """What a renaming comes to: the new texts of the files that change, how many places each has, and notes."""

    files: Mapping[str, str]
    places: Mapping[str, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Target:
    """The field to rename. `siblings` are the fields beside it, by name, in every entity that has it by inheritance."""

    field: Field
    path: str
    new: str
    places: frozenset[Position]
    siblings: Mapping[str, Mapping[str, Field]]

    def is_meant(self, item: Field) -> bool:
        """Whether the field is the target, wherever it is copied or inherited."""
        return item.at in self.places

    def moved(self, entity: str, path: str) -> tuple[str, str]:
        """Where a field stands afterwards."""
        if entity in self.siblings and (path == self.path or path.startswith(self.path + ".")):
            above = self.path.rpartition(".")[0]
            return entity, f"{above}.{self.new}".lstrip(".") + path[len(self.path) :]
        return entity, path


def plan_rename(sources: Sources, data: Mapping[str, str], path: str, new: str) -> Renaming:
    """Renames the field at `entity.field` or `entity.group.field`; `data` are the app's starting records.

    Raises CannotRename where the app has errors, the field is not there or not its own, or the name is not free.
    """
    known = KnownFiles()
    before = _context(sources, known)
    target = _target(before, path, new)
    _refuse_clash(target)
    old = target.field.name
    found = unique(item for item in (*mentions(before), *example_mentions(before)) if target.is_meant(item.field))
    edits = [_edit(item, new) for item in found if item.name == old]
    edits += [_alias(before, item, old, new) for item in found if item.declares]
    edits += edits_of_data(before, data, target.is_meant, old, new)
    texts = {name: tree.file.text for name, tree in before.written.trees.items()}
    changed = {
        name: _laid_out(name, text, texts.get(name)) for name, text in apply_edits({**texts, **data}, edits).items()
    }
    definitions = {name: text for name, text in changed.items() if name in sources.files}
    _refuse_change(before, replace(sources, files={**sources.files, **definitions}), known, target)
    places = Counter(edit.file for edit in set(edits))
    return Renaming(changed, dict(sorted(places.items())), tuple(_notes(sources, old)))


def _laid_out(name: str, text: str, before: str | None) -> str:
    """The text in the house's layout, if the file was in it before."""
    try:
        return format_text(name, text) if before is not None and format_text(name, before) == before else text
    except CannotFormat:
        return text


def _context(sources: Sources, known: KnownFiles) -> Context:
    checked = validate_sources(sources, known)
    if not checked.ok:
        errors = sum(item.severity == "error" for item in checked.diagnostics)
        raise CannotRename(f"the app has {errors} error{'s' if errors > 1 else ''}; castwork validate tells them")
    written = load_definitions(sources, known)
    return Context(written, resolve_definitions(written))


def _target(context: Context, path: str, new: str) -> _Target:
    entities = context.resolved.entities
    named = next((name for name in sorted(entities, key=len, reverse=True) if path.startswith(name + ".")), None)
    if named is None:
        known = did_you_mean(path.rpartition(".")[0], entities) or f"entities: {', '.join(sorted(entities))}"
        raise CannotRename(f'"{path}" begins with no entity: write entity.field ({known})')
    if named in SYSTEM_ENTITIES:
        raise CannotRename(f"{named} belongs to the system; its fields keep their names")
    inside = path[len(named) + 1 :]
    found = entities[named].field_at(inside)
    if found is None:
        hint = did_you_mean(inside, [place.name for place in entities[named].all_paths()])
        raise CannotRename(f'{named} has no field "{inside}"{f": {hint}" if hint else ""}')
    holder = next((part for part in found.fields[:-1] if part.reference is not None), None)
    if holder is not None and holder.reference is not None:
        own = f"{holder.reference.entity}.{found.field.name}"
        raise CannotRename(f"{found.name} of {named} follows {own}: rename that")
    family = _family(context, named, found.name)
    if not family:
        raise CannotRename(f'"{found.name}" comes with every record and keeps its name')
    above = found.name.rpartition(".")[0]
    siblings = {name: _beside(entities[name], above) for name in family}
    return _Target(found.field, found.name, new, frozenset(item.at for item in family.values()), siblings)


def _beside(entity: Entity, above: str) -> Mapping[str, Field]:
    group = entity.field_at(above) if above else None
    return entity.by_name if group is None else group.field.by_name


def _family(context: Context, entity: str, path: str) -> dict[str, Field]:
    """The field in the eldest ancestor that has it and in all of that one's heirs, by entity."""
    written, entities = context.written.entities, context.resolved.entities
    having = {
        name: place.field
        for name, item in entities.items()
        if (place := item.field_at(path)) is not None and place.field.at.file in context.written.trees
    }
    line = [name for name in line_of_descent(entity, written) if name in having]
    return {name: item for name, item in having.items() if line and line[-1] in line_of_descent(name, written)}


def _refuse_clash(target: _Target) -> None:
    new, old = target.new, target.field.name
    if new == old:
        raise CannotRename(f'the field is called "{old}" already')
    if not is_name(new):
        raise CannotRename(f'"{new}" is not a name: begin with a small letter, then letters and digits')
    if new in RESERVED_FIELDS:
        raise CannotRename(f'"{new}" is reserved: every record has its own {new}')
    for entity, siblings in target.siblings.items():
        taken = siblings.get(new)
        if taken is not None and not target.is_meant(taken):
            what = f'a field "{new}"' if taken.name == new else f'the former name "{new}" of {taken.name}'
            raise CannotRename(f"{entity} has {what} already; choose another name")


def _edit(mention: Mention, new: str) -> Edit:
    start = mention.scalar.index_of(mention.offset)
    edit = Edit(mention.scalar.file.name, start, start + len(mention.name), new)
    if mention.scalar.file.text[edit.start : edit.end] != mention.name:
        place = mention.scalar.position_of(mention.offset)
        raise CannotRename(f'{place}: "{mention.name}" is written in an unusual way; write it plainly first')
    return edit


def _alias(context: Context, mention: Mention, old: str, new: str) -> Edit:
    try:
        return alias_edit(context.written.trees[mention.scalar.file.name], mention.scalar, old, new)
    except Unkept as reason:
        raise CannotRename(f"{mention.scalar.at}: {reason}; write it plainly first") from None


def _refuse_change(before: Context, sources: Sources, known: KnownFiles, target: _Target) -> None:
    """Refuses a result that has errors, or in which a name leads elsewhere than before."""
    checked = validate_sources(sources, known)
    error = next((item for item in checked.diagnostics if item.severity == "error"), None)
    if error is not None:
        raise CannotRename(f"the result would not be right: {error.at}: {error.message}")
    written = load_definitions(sources, known)
    after = Context(written, resolve_definitions(written))
    was, now = list(_meanings(before)), list(_meanings(after))
    for (_, old), (mention, new) in zip(was, now, strict=False):
        if {target.moved(*place) for place in old} != new:
            place = mention.scalar.position_of(mention.offset)
            raise CannotRename(f'{place}: "{mention.name}" would mean another field here; choose another name')
    if len(was) != len(now):
        raise CannotRename(f'"{target.new}" has another meaning in an expression; choose another name')


def _meanings(context: Context) -> Iterator[tuple[Mention, set[tuple[str, str]]]]:
    """Every mention with the fields that it stands for, by entity and path: one, and the same of its heirs."""
    known: dict[Position, set[tuple[str, str]]] = {}
    for site in (*context.fields, *context.parameters):
        path = site.field.path if site.action is None else f"{site.action}: {site.field.path}"
        known.setdefault(site.field.at, set()).add((site.entity.name, path))
    for mention in (*mentions(context), *example_mentions(context)):
        yield mention, known.get(mention.field.at, {("", mention.field.name)})


def _notes(sources: Sources, old: str) -> Iterator[str]:
    for number, line in enumerate(sources.files.get(HOOKS, "").splitlines(), 1):
        if re.search(rf"\b{old}\b", line):
            yield f"{HOOKS}:{number} says {old}: Python is not changed, look at it"


__all__ = ["CannotRename", "Renaming", "plan_rename"]
