"""Relative words, on a Saturday evening in Berlin."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from engine.errors import InvalidValue
from engine.query.periods import Clock, parse_period
from tests.every import every
from tests.unit.query.query_samples import CLOCK

BERLIN = ZoneInfo("Europe/Berlin")


def local(milliseconds, zone=BERLIN):
    return datetime.fromtimestamp(milliseconds / 1000, zone).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


@every(
    ("words", "first", "last"),
    [
        ("now", "2026-11-21 19:00:40.432", "2026-11-21 19:00:40.432"),
        ("today", "2026-11-21 00:00:00.000", "2026-11-21 23:59:59.999"),
        ("yesterday", "2026-11-20 00:00:00.000", "2026-11-20 23:59:59.999"),
        ("tomorrow", "2026-11-22 00:00:00.000", "2026-11-22 23:59:59.999"),
        ("this hour", "2026-11-21 19:00:00.000", "2026-11-21 19:59:59.999"),
        ("last hour", "2026-11-21 18:00:00.000", "2026-11-21 18:59:59.999"),
        ("next hour", "2026-11-21 20:00:00.000", "2026-11-21 20:59:59.999"),
        ("this day", "2026-11-21 00:00:00.000", "2026-11-21 23:59:59.999"),
        ("this week", "2026-11-16 00:00:00.000", "2026-11-22 23:59:59.999"),
        ("last week", "2026-11-09 00:00:00.000", "2026-11-15 23:59:59.999"),
        ("next week", "2026-11-23 00:00:00.000", "2026-11-29 23:59:59.999"),
        ("this month", "2026-11-01 00:00:00.000", "2026-11-30 23:59:59.999"),
        ("last month", "2026-10-01 00:00:00.000", "2026-10-31 23:59:59.999"),
        ("next month", "2026-12-01 00:00:00.000", "2026-12-31 23:59:59.999"),
        ("this year", "2026-01-01 00:00:00.000", "2026-12-31 23:59:59.999"),
        ("next year", "2027-01-01 00:00:00.000", "2027-12-31 23:59:59.999"),
        ("last 3 hours", "2026-11-21 16:00:40.432", "2026-11-21 19:00:40.432"),
        ("next 1 hours", "2026-11-21 19:00:40.432", "2026-11-21 20:00:40.432"),
        ("last 1 day", "2026-11-20 19:00:40.432", "2026-11-21 19:00:40.432"),
        ("last 30 days", "2026-10-22 19:00:40.432", "2026-11-21 19:00:40.432"),
        ("next 2 weeks", "2026-11-21 19:00:40.432", "2026-12-05 19:00:40.432"),
        ("next 3 months", "2026-11-21 19:00:40.432", "2027-02-21 19:00:40.432"),
        ("last 2 years", "2024-11-21 19:00:40.432", "2026-11-21 19:00:40.432"),
    ],
)
def test_words_name_a_period(words, first, last):
    bounds = parse_period(words).bounds(CLOCK)
    assert tuple(map(local, bounds)) == (first, last)


def at(text, zone):
    return Clock(int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000), zone)


def test_months_end_where_they_end():
    assert local(parse_period("last 1 months").bounds(at("2026-03-31 12:00", "UTC"))[0], UTC)[:10] == "2026-02-28"
    assert local(parse_period("next 1 years").bounds(at("2024-02-29 12:00", "UTC"))[1], UTC)[:10] == "2025-02-28"
    assert local(parse_period("last month").bounds(at("2026-01-31 12:00", "UTC"))[0], UTC)[:10] == "2025-12-01"


def test_days_have_the_length_that_they_have():
    hours = 3_600_000
    for day, length in (("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)):
        first, last = parse_period("today").bounds(at(f"{day} 12:00", "Europe/Berlin"))
        assert last + 1 - first == length * hours


def test_hours_pass_when_clocks_are_turned():
    before = at("2026-10-25 02:30", "Europe/Berlin")
    first, last = parse_period("next hour").bounds(before)
    assert (first - before.now, last + 1 - first) == (1_800_000, 3_600_000)
    first, last = parse_period("next 2 hours").bounds(before)
    assert last - first == 2 * 3_600_000


def test_zones_decide_when_a_day_begins():
    moment = 1_795_300_200_000  # 21 November 22:30 UTC
    starts = {zone: parse_period("today").bounds(Clock(moment, zone))[0] for zone in ("UTC", "Asia/Tokyo")}
    assert local(starts["UTC"], UTC)[:10] == "2026-11-21"
    assert local(starts["Asia/Tokyo"], ZoneInfo("Asia/Tokyo"))[:10] == "2026-11-22"


@every(
    "text", ["", "Today", "today ", "last", "last days", "last 3", "this 3 days", "last 3 daysx", "next fortnight", "last -1 days", "last ٣ days", "last  3 days", "now now", "2026-11-21"]
)  # fmt: skip
def test_other_text_is_no_period(text):
    assert parse_period(text) is None


@pytest.mark.parametrize("text", ["last 0 days", "next 100001 hours", "last 9999999999999999999999 days"])
def test_numbers_have_bounds(text):
    with pytest.raises(InvalidValue, match="from 1 to 100000"):
        parse_period(text)


@pytest.mark.parametrize("text", ["last 2026 years", "next 8000 years", "last 99999 months", "next 99999 months"])
def test_periods_stay_within_the_calendar(text):
    period = parse_period(text)
    with pytest.raises(InvalidValue, match="years 1 to 9999"):
        period.bounds(CLOCK)


def test_the_last_moments_of_the_calendar_count():
    assert parse_period("now").bounds(Clock(253_402_300_799_998)) == (253_402_300_799_998,) * 2
    with pytest.raises(InvalidValue):
        parse_period("tomorrow").bounds(Clock(253_402_300_799_998))
