"""Entities made from YAML, and a short way to write them, without any database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.compiler import CompiledApp, build_app
from engine.definitions import Sources, resolve_app
from engine.errors import ValidationErrors
from engine.permissions import FULL_ACCESS, Access
from engine.records import Asker, Change, Creation, Frame, Moment, Uploader

NOW = 1_700_000_000_000
ALL_KNOWING = Asker(lambda name: FULL_ACCESS, Uploader(anybody=True))


@dataclass
class Bench:
    """One entity under test: creates and updates as the server would, with references answered from `others`."""

    compiled: CompiledApp
    name: str
    others: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    numbers: int = 0
    asker: Asker = ALL_KNOWING

    @property
    def entity(self) -> Any:
        return self.compiled.entities[self.name]

    def create(self, body: Any, access: Access = FULL_ACCESS, now: int = NOW, user: Any = None) -> Creation:
        draft = self._draft(body, access, new=True)
        given = {}
        for item in self.entity.rules.numbers_for(draft):
            self.numbers += 1
            given[item.name] = self.numbers
        return self.entity.rules.plan_create(draft, Moment(now, "UTC", user), access, given)

    def update(
        self,
        document: dict[str, Any],
        body: Any,
        access: Access = FULL_ACCESS,
        now: int = NOW + 1_000,
        user: Any = None,
    ) -> Change:
        draft = self._draft(body, access, new=False)
        return self.entity.rules.plan_update(document, draft, Moment(now, "UTC", user), access)

    def change(self, document: dict[str, Any], body: Any, **options: Any) -> dict[str, Any]:
        """The document after an update."""
        return {**document, **(self.update(document, body, **options).values or {})}

    def problems(self, body: Any, document: dict[str, Any] | None = None, **options: Any) -> list[tuple[Any, str]]:
        """(field, code) of everything that is wrong with a body."""
        with pytest.raises(ValidationErrors) as caught:
            self.create(body, **options) if document is None else self.update(document, body, **options)
        return [(problem.field, problem.code) for problem in caught.value.problems]

    def shown(self, document: dict[str, Any], **options: Any) -> dict[str, Any]:
        """What a client reads of a document."""
        view = self.entity.views.get(Frame(**options))
        return view.render(dict(document), Moment(NOW).scope)

    def _draft(self, body: Any, access: Access, *, new: bool) -> Any:
        draft = self.entity.rules.parse(body, access, new=new)
        for choice, lookup in self.entity.references.plan_lookups(draft, self.asker):
            choice.answer(lookup, self.others.get(lookup.collection or "", []), draft)
        return draft


@pytest.fixture
def bench() -> Callable[..., Bench]:
    def make(fields: str, *, others: dict[str, str] | None = None, **files: str) -> Bench:
        """An entity `things` of the given YAML; `others` are more entities by name."""
        texts = {"app.yaml": "name: shop\n", "entities/things.yaml": fields, **files}
        texts.update({f"entities/{name}.yaml": text for name, text in (others or {}).items()})
        return Bench(build_app(resolve_app(Sources("shop", texts))), "things")

    return make
