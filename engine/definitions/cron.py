"""A cron expression in, what is wrong with it out: minute, hour, day of the month, month, day of the week."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.jobs import comes_never

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_PART = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class CronFault:
    """What is wrong, and at which character of the text."""

    message: str
    offset: int


def check_cron(text: str) -> CronFault | None:
    """The first fault of a cron expression: numbers, ranges, lists and steps are known, names are not."""
    words = list(re.finditer(r"\S+", text))
    if len(words) != len(_FIELDS):
        return CronFault(f"a cron expression has five fields, not {len(words)}", 0)
    for word, (name, least, most) in zip(words, _FIELDS, strict=True):
        offset = word.start()
        for part in word[0].split(","):
            reason = _reason(part, least, most)
            if reason is not None:
                return CronFault(f"{name}: {reason}", offset)
            offset += len(part) + 1
    return CronFault("there is no such date", words[2].start()) if comes_never(text) else None


def _reason(part: str, least: int, most: int) -> str | None:
    found = _PART.fullmatch(part)
    if found is None:
        return f'"{part}" is not *, a number, a range such as 1-5, or one of these with a step such as */5'
    first, last, step = (None if group is None else int(group) for group in found.groups())
    if any(number is not None and not least <= number <= most for number in (first, last)):
        return f'"{part}" goes beyond {least}-{most}'
    if first is not None and last is not None and first > last:
        return f'"{part}" begins after its end'
    return "a step is at least 1" if step == 0 else None
