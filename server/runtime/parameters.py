"""System parameters that steer an operation rather than its query: taken out of the pairs, checked, typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engine.errors import BadRequest, did_you_mean

Pairs = Sequence[tuple[str, str]]

DELETE_FLAGS: Mapping[str, str] = {
    "_async": "asynchronous",
    "_lowPriority": "low_priority",
    "_triggerEvents": "trigger_events",
    "_cascadeOperations": "cascade",
    "_cascatdeOperations": "cascade",  # spelt so in the reference; clients send it
    "_all": "all",
}
"""Flags of deletions by their public name."""

ACTION_FLAGS: Mapping[str, str] = {"_async": "asynchronous", "_lowPriority": "low_priority", "_all": "all"}
"""Flags of actions by their public name."""

_TRUTH = {"true": True, "false": False}


def refuse_parameters(pairs: Pairs, known: Iterable[str] = ()) -> None:
    """Raises BadRequest for any parameter at all; `known` are those that the operation does take."""
    if not pairs:
        return
    name = pairs[0][0][:64]
    hint = did_you_mean(name, known)
    raise BadRequest(f"This operation takes no parameter {name}" + (f"; {hint}" if hint else ""))


def take_flags(pairs: Pairs, flags: Mapping[str, str]) -> tuple[dict[str, bool], list[tuple[str, str]]]:
    """The flags that were sent, by their inner name, and the other pairs. Raises BadRequest for what is no boolean."""
    taken: dict[str, bool] = {}
    rest: list[tuple[str, str]] = []
    for name, text in pairs:
        if name not in flags:
            rest.append((name, text))
        elif text not in _TRUTH:
            raise BadRequest(f"{name} takes true or false, not {text!r}")
        else:
            taken[flags[name]] = _TRUTH[text]
    return taken, rest
