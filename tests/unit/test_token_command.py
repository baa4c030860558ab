import pytest

from server.token_command import BadArgument, parse_lifetime
from tests.every import every

DAY = 86_400_000


@pytest.mark.parametrize(("text", "ms"), [("90d", 90 * DAY), ("12h", DAY // 2), ("30m", 1_800_000), ("1d", DAY)])
def test_lifetimes_are_numbers_with_a_unit(text, ms):
    assert parse_lifetime(text) == ms


@every("text", ["", "90", "d", "0d", "-1d", "1.5d", "90 d", "90days", "1y", "999999d", "٣d"])
def test_what_is_no_lifetime_is_refused_with_an_example(text):
    with pytest.raises(BadArgument, match="such as 90d"):
        parse_lifetime(text)
