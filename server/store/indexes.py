"""Brings a database's indexes in line with the plans: plans in, a report of what was built, found and left out."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.indexes import PREFIX, TEXT, IndexPlan
from server.store.errors import DuplicateKey, StoreError, StoreUnavailable
from server.store.mongo import Document, Store

log = logging.getLogger("castwork.indexes")

OWN = "sys."
"""Begins the names of the server's own collections; what they need beyond definitions, their owners build."""
AT_ONCE = 16
"""Collections that are worked on at the same time, well below the connections that a client has."""

TEXT_OPTIONS = {"default_language": "none", "language_override": "_language"}
"""Words as they are written; a field that happens to be named `language` does not choose a stemmer."""


@dataclass(frozen=True, slots=True)
class IndexName:
    """One index of one collection."""

    collection: str
    name: str

    def __str__(self) -> str:
        return f"{self.collection}: {self.name}"


@dataclass(frozen=True, slots=True)
class Failure:
    """An index that could not be built; `reason` is a sentence for whoever runs the server."""

    collection: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of every planned index, and what else is there.

    Without an index in `failed` a unique field would not be unique: its entity is not ready. Those in `slow` and
    `skipped` are missed by speed and by text search only. `conflicting` ones exist under the planned name in another
    form, `stale` ones are ours and planned no more, `foreign` ones were never ours: all three are left alone.
    """

    created: tuple[IndexName, ...] = ()
    present: tuple[IndexName, ...] = ()
    conflicting: tuple[IndexName, ...] = ()
    stale: tuple[IndexName, ...] = ()
    foreign: tuple[IndexName, ...] = ()
    skipped: tuple[IndexName, ...] = ()
    slow: tuple[Failure, ...] = ()
    failed: tuple[Failure, ...] = ()


async def reconcile_indexes(store: Store, plans: Iterable[IndexPlan]) -> Report:
    """Builds what is missing, collections side by side; drops nothing, and answers when the last index is ready.

    Raises StoreError only where nothing can be told; what is wrong with one index stands in the report.
    """
    planned: dict[str, list[IndexPlan]] = defaultdict(list)
    for plan in plans:
        planned[plan.collection].append(plan)
    turns = asyncio.Semaphore(AT_ONCE)

    async def reconcile(collection: str) -> _Findings:
        async with turns:
            return await _reconcile_collection(store, collection, planned[collection])

    others = {name for name in await store.collection_names() if not name.startswith(OWN)}
    collections = sorted({*planned, *others})
    found = await asyncio.gather(*map(reconcile, collections), return_exceptions=True)
    merged = _Findings()
    for one in found:
        if isinstance(one, BaseException):
            raise one
        for outcome, items in one.items():
            merged[outcome] += items
    return Report(**{outcome: tuple(items) for outcome, items in merged.items()})


class _Findings(defaultdict[str, list[Any]]):
    """Lists under the names of Report's fields, while they grow."""

    def __init__(self) -> None:
        super().__init__(list)


async def _reconcile_collection(store: Store, collection: str, plans: list[IndexPlan]) -> _Findings:
    findings = _Findings()
    there = {index["name"]: index for index in await store.indexes(collection)}
    for plan in plans:
        name = IndexName(collection, plan.name)
        if lacking := _lacking(store, plan):
            log.warning("%s is left out: this database has no %s", name, lacking)
            findings["skipped"].append(name)
        elif any(_is_like(index, plan) for index in there.values()):
            findings["present"].append(name)
        elif plan.name in there:
            findings["conflicting"].append(name)
            if plan.unique:
                reason = f"the index {plan.name} is there in another form; drop it, and the next start builds it anew"
                findings["failed"].append(Failure(collection, plan.name, reason))
        else:
            await _create(store, plan, findings)
    wanted = {plan.name for plan in plans}
    for other in there.keys() - wanted - {"_id_"}:
        findings["stale" if other.startswith(PREFIX) else "foreign"].append(IndexName(collection, other))
    return findings


def _lacking(store: Store, plan: IndexPlan) -> str | None:
    """What the plan needs and the database does not have."""
    if _is_text(plan) and not store.text_search:
        return "text search"
    return "index of lists of places" if plan.listed and not store.place_lists else None


async def _create(store: Store, plan: IndexPlan, findings: _Findings) -> None:
    try:
        await store.create_index(plan.collection, plan.name, plan.keys, _options(plan))
    except StoreUnavailable:
        raise
    except StoreError as error:
        if any(_is_like(index, plan) for index in await store.indexes(plan.collection)):  # another server was faster
            findings["present"].append(IndexName(plan.collection, plan.name))
            return
        failure = Failure(plan.collection, plan.name, _reason(plan, error))
        if plan.unique:
            findings["failed"].append(failure)
        else:
            log.warning("%s: the index %s could not be built: %s", plan.collection, plan.name, failure.reason)
            findings["slow"].append(failure)
    else:
        findings["created"].append(IndexName(plan.collection, plan.name))


def _options(plan: IndexPlan) -> dict[str, Any]:
    options: dict[str, Any] = dict(TEXT_OPTIONS) if _is_text(plan) else {}
    if plan.unique:
        options["unique"] = True
    if plan.partial is not None:
        options["partialFilterExpression"] = plan.partial
    if plan.sparse:
        options["sparse"] = True
    return options


def _reason(plan: IndexPlan, error: StoreError) -> str:
    if isinstance(error, DuplicateKey):
        paths = " and ".join(path for path, _ in plan.keys)
        return f"{paths} must be unique, but records that are there already have the same value; make them differ"
    return error.message


def _is_like(index: Document, plan: IndexPlan) -> bool:
    """Whether an index does what the plan wants, whatever its name."""
    if _is_text(plan):
        return set(index.get("weights", ())) == {path for path, _ in plan.keys}
    partial: Mapping[str, Any] | None = index.get("partialFilterExpression")
    same_sparseness = bool(index.get("sparse")) is plan.sparse
    same_documents = partial == plan.partial and same_sparseness and "collation" not in index
    return tuple(index["key"].items()) == plan.keys and bool(index.get("unique")) is plan.unique and same_documents


def _is_text(plan: IndexPlan) -> bool:
    return plan.keys[0][1] == TEXT
