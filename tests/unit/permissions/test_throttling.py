import pytest

from engine.permissions.throttling import MINUTE, BackOff, LoginPolicy
from tests.every import every

LOGIN = BackOff(free=5, longest=15 * MINUTE)


@every(
    ("failures", "seconds"),
    [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (8, 8), (14, 512), (15, 900), (16, 900), (10**9, 900)],
)
def test_waits_double_up_to_a_quarter_of_an_hour(failures, seconds):
    assert LOGIN.wait_after(failures) == seconds * 1000


@pytest.mark.parametrize(
    ("now", "left"), [(1_000, 4_000), (3_500, 1_500), (4_999, 1), (5_000, 0), (99_000, 0), (500, 4_000)]
)
def test_a_wait_runs_from_the_last_failure_and_a_clock_set_back_adds_nothing(now, left):
    assert LOGIN.remaining(7, since=1_000, now=now) == left


def test_one_account_gives_few_guesses_an_hour_however_many_addresses_ask():
    policy = LoginPolicy()
    now = guesses = last = 0
    while now < 60 * MINUTE:
        now += policy.account.remaining(guesses, last, now)
        last = now
        guesses += 1
    assert 10 < guesses <= 100
