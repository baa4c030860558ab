"""The JSON of a pipeline to the stages that it asks for; no schema is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from engine.aggregate.names import unknown
from engine.aggregate.stages import STAGES, Asked, Stage
from engine.errors import BadRequest, Forbidden
from engine.query.values import Budget

MOST_STAGES: Final = 20


@dataclass(frozen=True, slots=True)
class AskedStage:
    """One stage of a pipeline; `number` counts from 1."""

    number: int
    stage: Stage
    asked: Asked


def parse_pipeline(body: Any) -> tuple[AskedStage, ...]:
    """Reads an array of objects with one key each, or one object whose keys are stages in their order.

    Raises BadRequest, naming the stage.
    """
    budget = Budget()
    found: list[AskedStage] = []
    for number, (name, argument) in enumerate(_entries(body), 1):
        stage = STAGES.get(name)
        if stage is None:
            raise BadRequest(f"Stage {number}: {unknown(name, STAGES, 'stage').message}")
        with locating(number, stage):
            if stage.first and number > 1:
                raise BadRequest("must be the first stage")
            found.append(AskedStage(number, stage, stage.parse(argument, budget)))
    return tuple(found)


def _entries(body: Any) -> list[tuple[str, Any]]:
    if isinstance(body, dict):
        entries = list(body.items())
    elif isinstance(body, list):
        for number, item in enumerate(body, 1):
            if not isinstance(item, dict) or len(item) != 1:
                raise BadRequest(f'Stage {number} must be an object with one key, the name of a stage: {{"limit": 5}}')
        entries = [entry for item in body for entry in item.items()]
    else:
        raise BadRequest("A pipeline is an array of stages")
    if len(entries) > MOST_STAGES:
        raise BadRequest(f"A pipeline has at most {MOST_STAGES} stages, not {len(entries)}")
    return entries


@contextmanager
def locating(number: int, stage: Stage) -> Iterator[None]:
    """Puts the stage's number and name before the message of a refusal."""
    try:
        yield
    except (BadRequest, Forbidden) as error:
        raise type(error)(f"Stage {number} ({stage.name}): {error.message}") from None


__all__ = ["MOST_STAGES", "AskedStage", "locating", "parse_pipeline"]
