"""date, dateYearMonth, dateMonthDay, dateTimeNoTimezone, time; dateTime and what records note; duration."""

from decimal import Decimal

import pytest
from bson.datetime_ms import DatetimeMS

from engine.errors import InvalidValue
from engine.fields import FIELD_TYPES, BadOption, Locale
from engine.fields.instant import EARLIEST, LATEST, LONGEST_DURATION
from tests.every import every

HOUR = 3_600_000
DAY = 24 * HOUR
MOMENTS = ["dateTime", "dateRecordCreated", "dateRecordModified"]


def kind(name):
    return FIELD_TYPES[name].configure({})


@every(
    ("name", "value"),
    [
        ("date", "2016-07-12"),
        ("date", "2016-02-29"),
        ("date", "0001-01-01"),
        ("date", "9999-12-31"),
        ("dateYearMonth", "2016-07"),
        ("dateMonthDay", "04-16"),
        ("dateMonthDay", "02-29"),
        ("dateTimeNoTimezone", "2016-11-05 19:00"),
        ("dateTimeNoTimezone", "2016-11-05 23:59"),
        ("time", "08:00"),
        ("time", "00:00"),
        ("time", "23:59"),
    ],
)
def test_calendar_text_is_the_same_everywhere(name, value):
    calendar = kind(name)
    assert calendar.parse_json(value) == calendar.parse_text(value) == calendar.csv_in(value) == value
    assert calendar.render(value) == calendar.csv_out(value) == calendar.plain_text(value, {}, Locale()) == value
    assert calendar.same_stored
    assert calendar.same_json


@every(
    ("name", "value"),
    [
        *(
            ("date", bad)
            for bad in (
                "2016-02-30",
                "2015-02-29",
                "20160712",
                "2016-W28-2",
                "2016-7-12",
                "0000-01-01",
                "10000-01-01",
                "12-07-2016",
            )
        ),
        *(
            ("date", bad)
            for bad in (
                "2016-07-12T00:00",
                "2016-07-12 ",
                " 2016-07-12",
                "2016-07-12\n",
                "٢٠١٦-07-12",
                "",
                20160712,
                Decimal(5),
                ["2016-07-12"],
            )
        ),
        *(("dateYearMonth", bad) for bad in ["2016-13", "2016-00", "2016-7", "2016", "0000-01", "2016-07-12"]),
        *(("dateMonthDay", bad) for bad in ["02-30", "13-01", "4-16", "04-31", "0416"]),
        *(
            ("dateTimeNoTimezone", bad)
            for bad in (
                "2016-11-05T19:00",
                "2016-11-05",
                "2016-11-05 24:00",
                "2016-11-05 19:00:00",
                "2016-11-05 19:00Z",
                5,
            )
        ),
        *(("time", bad) for bad in ["24:00", "8:00", "08:60", "08:00:00", "0800", "08:00Z", 800, "\ud800"]),
    ],
)
def test_what_the_calendar_does_not_have(name, value):
    with pytest.raises(InvalidValue, match=f"^Expected {FIELD_TYPES[name].expected}$"):
        kind(name).parse_json(value)


def test_instants_are_days_and_clocks_of_a_zone():
    instant = 1_484_578_380_000  # 2017-01-16T14:53Z
    assert kind("date").from_instant(instant, "UTC") == "2017-01-16"
    assert kind("date").from_instant(instant, "Pacific/Auckland") == "2017-01-17"
    assert kind("dateTimeNoTimezone").from_instant(instant, "America/New_York") == "2017-01-16 09:53"
    assert kind("dateTime").from_instant(instant, "America/New_York") == instant


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/New_York"])
def test_the_ends_of_time_have_a_day(zone):
    assert kind("date").from_instant(EARLIEST, zone).startswith("0001-01-01")
    assert kind("date").from_instant(LATEST, zone).startswith("9999-12-31")


@every("name", MOMENTS)
@every(
    ("written", "value"),
    [
        (1484578380000, 1484578380000),
        (0, 0),
        (-1, -1),
        (Decimal("1484578380000.0"), 1484578380000),
        (EARLIEST, EARLIEST),
        (LATEST, LATEST),
        ("2017-01-16T14:53:00Z", 1484578380000),
        ("2017-01-16t14:53:00z", 1484578380000),
        ("2017-01-16 14:53:00+00:00", 1484578380000),
        ("2017-01-16T12:53:00.5-02:00", 1484578380500),
        ("2017-01-16T14:53:00.123456789Z", 1484578380123),
        ("1969-12-31T23:59:59.9999Z", -1),
        ("0001-01-01T00:00:00Z", EARLIEST),
        ("9999-12-31T23:59:59.999Z", LATEST),
        ("0001-01-01T01:00:00+01:00", EARLIEST),
    ],
)
def test_instants(name, written, value):
    moment = kind(name)
    assert moment.parse_json(written) == value
    stored = moment.to_stored(value)
    assert isinstance(stored, DatetimeMS)
    assert moment.from_stored(stored) == moment.render_stored(stored) == value


@every(
    "value",
    [
        EARLIEST - 1,
        LATEST + 1,
        10**17,
        10**40,
        1.5,
        Decimal("NaN"),
        True,
        None,
        [],
        {"$date": 1},
        "",
        "now",
        "2017-01-16",
        "2017-01-16T14:53:00",
        "2017-01-16T14:53Z",
        "2017-02-30T00:00:00Z",
        "2017-01-16T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "2017-01-16T14:53:00+24:00",
        "20170116T145300Z",
        "2017-W03-1T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "٢٠١٧-01-16T14:53:00Z",
        "1484578380000",
        "\ud800",
    ],
)
def test_what_is_no_instant(value):
    with pytest.raises(InvalidValue, match="Expected milliseconds since 1970"):
        kind("dateTime").parse_json(value)


@pytest.mark.parametrize("text", ["1484578380000", "2017-01-16T14:53:00Z"])
def test_instants_as_text(text):
    assert kind("dateTime").parse_text(text) == kind("dateTime").csv_in(text) == 1484578380000


@pytest.mark.parametrize("text", ["", "9" * 17, "9" * 16, "x", "-", "14845783800.5"])
def test_what_is_no_instant_as_text(text):
    with pytest.raises(InvalidValue):
        kind("dateTime").parse_text(text)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (1484578380000, "2017-01-16T14:53:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (EARLIEST, "0001-01-01T00:00:00.000Z"),
        (LATEST, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_instants_in_csv(value, cell):
    assert kind("dateTime").csv_out(value) == cell
    assert kind("dateTime").csv_in(cell) == value


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (0, "0s"),
        (4 * HOUR + HOUR // 2, "4h 30m"),
        (3 * DAY, "3d"),
        (DAY + 2 * HOUR + 3 * 60_000 + 4_000, "1d 2h 3m 4s"),
        (1_500, "1s 500ms"),
        (7, "7ms"),
        (LONGEST_DURATION, "3660d"),
    ],
)
def test_durations_in_csv(value, cell):
    duration = kind("duration")
    assert duration.csv_out(value) == cell
    assert duration.csv_in(cell) == value


@pytest.mark.parametrize(
    ("cell", "value"), [("40h", 40 * HOUR), ("4h30m", 16_200_000), (" 1d  2s ", DAY + 2_000), ("90m", 5_400_000)]
)
def test_durations_in_cells_of_others(cell, value):
    assert kind("duration").csv_in(cell) == value


def test_durations_in_queries_are_milliseconds():
    assert kind("duration").parse_text("144000000") == 40 * HOUR
    for text in ("40h", "", "1.5", "-1"):
        with pytest.raises(InvalidValue, match="milliseconds"):
            kind("duration").parse_text(text)


@every("text", ["", " ", "3", "-1h", "1h 1d", "1.5h", "3w", "h", "3661d", "9999999999999d", "٣d"])
def test_what_is_no_duration_in_csv(text):
    with pytest.raises(InvalidValue, match="3,660 days"):
        kind("duration").csv_in(text)


@every("value", [-1, LONGEST_DURATION + 1, 1.5, True, "3h", "5", None, Decimal("NaN"), [], 2**64])
def test_what_is_no_duration(value):
    with pytest.raises(InvalidValue):
        kind("duration").parse_json(value)


@pytest.mark.parametrize(
    ("value", "display", "text"),
    [
        (40 * HOUR, {}, "1d 16h"),
        (40 * HOUR, {"formatUpTo": "hours"}, "40h"),
        (2 * HOUR + 30 * 60_000 + 15_000, {"formatDownTo": "minutes"}, "2h 30m"),
        (15_000, {"formatDownTo": "minutes"}, "0m"),
        (1_999, {}, "1s"),
        (DAY, {"formatUpTo": "minutes", "formatDownTo": "minutes"}, "1440m"),
    ],
)
def test_durations_in_plain_text(value, display, text):
    kind("duration").check_display(display)
    assert kind("duration").plain_text(value, display, Locale()) == text


@pytest.mark.parametrize(
    "display", [{"formatUpTo": "seconds", "formatDownTo": "hours"}, {"formatDownTo": "days", "formatUpTo": "hours"}]
)
def test_units_the_wrong_way_round(display):
    with pytest.raises(BadOption) as refused:
        kind("duration").check_display(display)
    assert refused.value.key == "formatUpTo"


PLAIN = [
    ("date", "2016-07-12", "dd-MM-yyyy", "en", "12-07-2016"),
    ("date", "2016-07-12", "EEEE, d MMMM yy G", "en", "Tuesday, 12 July 16 AD"),
    ("date", "2016-07-12", "EEE d MMM", "de", "Di. 12 Juli"),
    (
        "date",
        "2016-07-12",
        "'day' D 'of' yyyy, 'week' w, ''",
        "en",
        "day 194 of 2016, week 29, '",
    ),
    ("dateYearMonth", "2016-07", "MM/yyyy", "en", "07/2016"),
    ("dateMonthDay", "02-29", "d MMM", "en", "29 Feb"),
    ("dateTimeNoTimezone", "2016-11-05 19:00", "MMM dd, yyyy h:mm a", "en", "Nov 05, 2016 7:00 PM"),
    ("dateTimeNoTimezone", "2016-11-05 07:05", "hh:m:s.SSS H", "en", "07:5:0.000 7"),
]


@every(("name", "value", "pattern", "language", "text"), PLAIN)
def test_calendar_patterns(name, value, pattern, language, text):
    kind(name).check_display({"format": pattern})
    assert kind(name).plain_text(value, {"format": pattern}, Locale(language=language)) == text


@every("name", MOMENTS)
@every(
    ("pattern", "zone", "text"),
    [
        (None, "UTC", "2017-01-16 14:53"),
        (None, "America/New_York", "2017-01-16 09:53"),
        ("yyyy-MM-dd HH:mm z", "America/New_York", "2017-01-16 09:53 -0500"),
        ("HH:mm zzzz", "Asia/Kolkata", "20:23 +05:30"),
        ("HH:mm zzzz", "UTC", "14:53 +00:00"),
        ("HH:mm z", "UTC", "14:53 +0000"),
        ("ss.SSS", "UTC", "00.042"),
    ],
)
def test_instant_patterns(name, pattern, zone, text):
    display = {} if pattern is None else {"format": pattern}
    kind(name).check_display(display)
    assert kind(name).plain_text(1484578380042, display, Locale(timezone=zone)) == text


@every(
    ("name", "pattern"),
    [
        ("date", "HH:mm"),
        ("date", "yyyy-MM-dd z"),
        ("date", "YYYY"),
        ("date", "yyy"),
        ("date", "dd 'of MMMM"),
        ("date", "'"),
        ("dateYearMonth", "dd"),
        ("dateMonthDay", "yyyy"),
        ("dateTimeNoTimezone", "HH:mm z"),
        ("dateTime", "zz"),
        ("dateTime", "Q"),
        ("dateTime", "SS"),
    ],
)
def test_patterns_that_say_nothing(name, pattern):
    with pytest.raises(BadOption) as refused:
        kind(name).check_display({"format": pattern})
    assert refused.value.key == "format"
    assert refused.value.hint


def test_time_has_no_display():
    assert FIELD_TYPES["time"].display_keys == ()
