"""When schedules come: by the clocks of the app's time zone, also on the days on which those are changed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from engine.definitions.cron import check_cron
from engine.jobs import Timetable

BERLIN = "Europe/Berlin"


def at(text, zone="UTC"):
    """The instant in ms at which clocks show this; the second time with a trailing #2."""
    moment = datetime.fromisoformat(text.removesuffix("#2")).replace(tzinfo=ZoneInfo(zone), fold=text.endswith("#2"))
    return int(moment.astimezone(UTC).timestamp() * 1000)


def times(cron, zone, begin, count):
    """What clocks show at the first times after an instant."""
    table, now, found = Timetable(cron, zone), at(begin, zone), []
    for _ in range(count):
        now = table.first(now)
        found.append(datetime.fromtimestamp(now / 1000, ZoneInfo(zone)).isoformat()[:22])
    return found


@pytest.mark.parametrize(
    ("cron", "begin", "expected"),
    [
        ("0 6 * * 1-5", "2026-11-20T06:00", ["2026-11-23T06:00:00+01", "2026-11-24T06:00:00+01"]),
        ("0 0 1 * *", "2026-01-31T23:59", ["2026-02-01T00:00:00+01", "2026-03-01T00:00:00+01"]),
        ("15,45 */12 * * *", "2026-01-01T00:20", ["2026-01-01T00:45:00+01", "2026-01-01T12:15:00+01"]),
        (
            "0 12 13 * 5",
            "2026-02-01T00:00",
            ["2026-02-06T12:00:00+01", "2026-02-13T12:00:00+01"],
        ),  # the 13th or a Friday
        ("0 12 29 2 *", "2026-01-01T00:00", ["2028-02-29T12:00:00+01", "2032-02-29T12:00:00+01"]),
        ("0 12 * * 7", "2026-11-21T12:00", ["2026-11-22T12:00:00+01", "2026-11-29T12:00:00+01"]),
    ],
)
def test_fields_mean_what_cron_makes_of_them(cron, begin, expected):
    assert times(cron, BERLIN, begin, 2) == expected


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("30 2 * * *", ["2026-03-29T03:00:00+02", "2026-03-30T02:30:00+02"]),  # comes when the hour has been skipped
        ("0,30 2 * * *", ["2026-03-29T03:00:00+02", "2026-03-30T02:00:00+02"]),  # once
        ("0 3 * * *", ["2026-03-29T03:00:00+02", "2026-03-30T03:00:00+02"]),
        ("*/30 2 * * *", ["2026-03-30T02:00:00+02", "2026-03-30T02:30:00+02"]),  # clocks showed none of these
        ("30 * * * *", ["2026-03-29T00:30:00+01", "2026-03-29T01:30:00+01", "2026-03-29T03:30:00+02"]),
    ],
)
def test_an_hour_that_is_skipped(cron, expected):
    assert times(cron, BERLIN, "2026-03-29T00:00", len(expected)) == expected


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("30 2 * * *", ["2026-10-25T02:30:00+02", "2026-10-26T02:30:00+01"]),  # the first time only
        ("*/30 2 * * *", ["2026-10-25T02:00:00+02", "2026-10-25T02:30:00+02", "2026-10-25T02:00:00+01"]),
        ("30 1-3 * * *", ["2026-10-25T01:30:00+02", "2026-10-25T02:30:00+02", "2026-10-25T03:30:00+01"]),
        ("30 * * * *", ["2026-10-25T01:30:00+02", "2026-10-25T02:30:00+02", "2026-10-25T02:30:00+01"]),
    ],
)
def test_an_hour_that_is_repeated(cron, expected):
    assert times(cron, BERLIN, "2026-10-25T01:00", len(expected)) == expected


def test_in_an_hour_that_is_repeated_what_has_been_does_not_come_again():
    table, now = Timetable("50 2 * * *", BERLIN), at("2026-10-25T02:10#2", BERLIN)
    assert table.first(now) == at("2026-10-26T02:50", BERLIN)
    assert table.last(at("2026-10-20T00:00"), now) == at("2026-10-25T02:50", BERLIN)


@pytest.mark.parametrize(
    ("after", "until", "expected"),
    [
        ("2026-01-01T03:00", "2026-01-02T02:59:59", None),
        ("2026-01-01T03:00", "2026-01-02T03:00", "2026-01-02T03:00"),
        ("2026-01-01T03:00", "2026-01-09T23:00", "2026-01-09T03:00"),
        ("2021-01-01T03:00", "2026-01-09T02:00", "2026-01-08T03:00"),
        ("2026-01-05T00:00", "2026-01-01T00:00", None),  # a clock that is behind
    ],
)
def test_the_last_time_after_an_instant_and_until_another(after, until, expected):
    found = Timetable("0 3 * * *", "UTC").last(at(after), at(until))
    assert found == (None if expected is None else at(expected))


def test_the_last_of_very_many_times_and_of_rare_ones():
    year = at("2026-01-01T00:00"), at("2027-01-01T00:00")
    assert Timetable("* * * * *", "UTC").last(*year) == year[1]
    assert Timetable("0 0 29 2 *", "UTC").last(at("2024-03-01T00:00"), at("2028-02-28T00:00")) is None
    assert Timetable("0 0 29 2 *", "UTC").last(at("2020-03-01T00:00"), at("2028-02-28T00:00")) == at("2024-02-29T00:00")


@pytest.mark.parametrize("cron", ["0 0 31 2 *", "0 0 31 4,6,9,11 *", "0 0 30 2 */1"])
def test_dates_that_there_are_none_of_are_told(cron):
    fault = check_cron(cron)
    assert fault is not None
    assert (fault.message, fault.offset) == ("there is no such date", 4)
