"""Every cron expression that definitions take has times, and each of them has what the expression names."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st

from engine.definitions.cron import check_cron
from engine.jobs import Timetable, comes_never

RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia")
BEGIN, END = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000) for year in (2010, 2040))


@st.composite
def parts(draw, least, most):
    first = draw(st.integers(least, most))
    body = draw(st.sampled_from(["*", str(first), f"{first}-{draw(st.integers(first, most))}"]))
    return body + draw(st.one_of(st.just(""), st.integers(1, 20).map(lambda step: f"/{step}")))


fields = st.tuples(*(st.lists(parts(*bounds), min_size=1, max_size=3).map(",".join) for bounds in RANGES))
crons = fields.map(" ".join)


@given(crons, st.sampled_from(ZONES), st.integers(BEGIN, END))
def test_times_grow_and_show_what_is_asked_for(cron, zone, now):
    assume(not comes_never(cron))
    assert check_cron(cron) is None
    table = Timetable(cron, zone)
    for _ in range(3):
        following = table.first(now)
        assert following is not None
        assert following > now
        assert datetime.fromtimestamp(following / 1000, ZoneInfo(zone)).second == 0
        assert table.last(now, following) == following
        assert table.last(now, following - 1) is None
        now = following


@given(crons, st.sampled_from(ZONES), st.integers(BEGIN, END), st.integers(0, 300), st.integers(1, 10**9))
def test_the_last_time_is_the_one_that_a_walk_through_all_ends_at(cron, zone, now, steps, more):
    assume(not comes_never(cron))
    table, walked = Timetable(cron, zone), now
    for _ in range(steps):
        walked = table.first(walked)
    until = min(table.first(walked) - 1, walked + more)
    assert table.last(now, until) == (walked if steps else None)
