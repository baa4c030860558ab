"""When a schedule comes: in goes a cron expression in a time zone, out come instants in ms.

When clocks are changed, a time of day that is skipped comes as soon as it has been, and one that is repeated comes the
first time only. Expressions whose minute or hour begins with a star follow what clocks show: they have nothing in an
hour that is skipped, and come in both that bear one name.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

FIRST_SPAN = 2 * 3_600_000
"""How far back, in ms, the last time is looked for at first; then sixteen times as far, and so on."""


class Timetable:
    """The times of one cron expression, five fields that `check_cron` finds nothing wrong with."""

    def __init__(self, cron: str, timezone: str) -> None:
        self.cron = cron
        self.timezone = timezone
        self._zone = ZoneInfo(timezone)

    def first(self, after: int) -> int | None:
        """The first time after an instant; None: there is none within fifty years."""
        return next(self._times(after), None)

    def last(self, after: int, until: int) -> int | None:
        """The last time after one instant and not after the other."""
        span = FIRST_SPAN
        while True:
            found = None
            for found_next in self._times(max(after, until - span)):
                if found_next > until:
                    break
                found = found_next
            if found is not None or until - span <= after:
                return found
            span *= 16

    def _times(self, after: int) -> Iterator[int]:
        for moment in CronSim(self.cron, datetime.fromtimestamp(after / 1000, UTC).astimezone(self._zone)):
            instant = int(moment.timestamp()) * 1000
            if instant > after:  # an hour that is repeated has begun, and the first one is not meant any more
                yield instant


def comes_never(cron: str) -> bool:
    """Whether no date is like this: 31 February."""
    try:
        return next(CronSim(cron, datetime(2000, 1, 1, tzinfo=UTC)), None) is None
    except CronSimError:
        return True


__all__ = ["Timetable", "comes_never"]
