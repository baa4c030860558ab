"""Guessing is slow: by account, by address, over several processes, and without locking anybody out of their own place."""

import asyncio

from engine.errors import TooManyRequests, Unauthorized
from engine.permissions.addresses import parse_address
from engine.permissions.throttling import LoginPolicy
from server.runtime.auth.hashing import Hasher
from tests.integration.auth.conftest import ELSEWHERE, HOME, PASSWORD

NOBODY = "nobody@example.com"


class CountingHasher(Hasher):
    """Counts how many guesses were really compared."""

    def __init__(self):
        super().__init__(memory_kib=64, passes=1)
        self.compared = 0

    async def verify(self, password, stored):
        self.compared += 1
        return await super().verify(password, stored)


async def guess(world, email, address=HOME, password="wrong"):
    """What a guess ends with: an error's status, or 200."""
    return await world.status(world.login(email, password, address))


async def test_five_failures_are_free_and_then_waits_double(open_world):
    world = await open_world()
    assert [await guess(world, NOBODY) for _ in range(5)] == [401] * 5
    waits = []
    for _ in range(12):
        error = await world.refused(world.login(NOBODY, "wrong"))
        if isinstance(error, TooManyRequests):
            waits.append(int(error.headers["retry-after"]))
            world.clock.pass_(seconds=waits[-1])
            error = await world.refused(world.login(NOBODY, "wrong"))
        assert isinstance(error, Unauthorized)
    assert world.clock.pauses == [1.0]
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


async def test_the_right_password_waits_too(world):
    await world.user("ann@example.com")
    for _ in range(8):
        await guess(world, "ann@example.com")
    assert await guess(world, "ann@example.com", password=PASSWORD) == 429
    world.clock.pass_(minutes=15)
    assert await guess(world, "ann@example.com", password=PASSWORD) == 200


async def test_success_starts_the_count_anew(world):
    await world.user("ann@example.com")
    for _ in range(3):
        assert [await guess(world, "ann@example.com") for _ in range(4)] == [401] * 4
        assert await guess(world, "ann@example.com", password=PASSWORD) == 200
    assert world.clock.pauses == []


async def test_known_and_unknown_addresses_wait_alike(open_world):
    world = await open_world()
    await world.user("ann@example.com")
    told = [[], []]
    for _ in range(9):
        for answers, email in zip(told, ("ann@example.com", NOBODY), strict=True):
            answers.append(await guess(world, email, parse_address(f"198.51.100.{len(email)}")))
    assert told[0] == told[1]
    assert 429 in told[0]


async def test_nobody_elsewhere_locks_the_owner_out_at_home(world):
    await world.user("ann@example.com")
    assert await guess(world, "ann@example.com", HOME, PASSWORD) == 200
    for number in range(300):
        await guess(world, "ann@example.com", parse_address(f"198.51.100.{number % 250}"))
        world.clock.pass_(seconds=10)
    assert await guess(world, "ann@example.com", ELSEWHERE, PASSWORD) == 429
    assert await guess(world, "ann@example.com", HOME, PASSWORD) == 200
    assert world.clock.pauses == [] or max(world.clock.pauses) <= 1


async def test_the_owner_somewhere_new_waits_a_minute_at_most_at_a_time(world):
    await world.user("ann@example.com")
    for number in range(60):
        await guess(world, "ann@example.com", parse_address(f"198.51.100.{number}"))
        world.clock.pass_(minutes=1)
    error = await world.refused(world.login("ann@example.com", "wrong", ELSEWHERE))
    if isinstance(error, TooManyRequests):
        assert int(error.headers["retry-after"]) <= 60
    world.clock.pass_(minutes=1)
    assert await guess(world, "ann@example.com", ELSEWHERE, PASSWORD) == 200


async def test_one_address_that_tries_many_accounts_waits(world):
    answers = [await guess(world, f"user{number}@example.com") for number in range(40)]
    assert answers[:20] == [401] * 20
    assert answers[22:] == [429] * 18
    assert await guess(world, "other@example.com", ELSEWHERE) == 401


async def test_the_addresses_of_one_network_are_one_sender(world):
    answers = [
        await guess(world, f"user{number}@example.com", parse_address(f"2001:db8::{number + 1:x}"))
        for number in range(40)
    ]
    assert answers.count(401) <= 22
    assert await guess(world, "other@example.com", parse_address("2001:db8:1::1")) == 401


async def test_ten_thousand_guesses_in_an_hour_from_a_hundred_addresses(open_world):
    hasher = CountingHasher()
    world = await open_world(hasher=hasher)
    await world.user("ann@example.com")
    addresses = [parse_address(f"203.0.113.{number}") for number in range(100)]
    started = world.clock.now
    answers = []
    for number in range(10_000):
        world.clock.now = max(world.clock.now, started + number * 360)
        answers.append(await guess(world, "ann@example.com", addresses[number % 100]))
    assert hasher.compared <= 100
    assert set(answers) == {401, 429}
    assert answers.count(401) == hasher.compared


async def test_guesses_at_the_same_moment_do_not_slip_through(open_world):
    hasher = CountingHasher()
    world = await open_world(hasher=hasher)
    answers = await asyncio.gather(*(guess(world, NOBODY) for _ in range(60)))
    assert (
        hasher.compared <= 5 + hasher.threads + 1
    )  # the ones already being compared, and the one after the first wait
    assert answers.count(401) == hasher.compared


async def test_processes_count_together_and_admit_one_after_a_wait(open_world):
    first = await open_world()
    second = await open_world(name=first.store._database.name, clock=first.clock)
    for number in range(8):
        await guess((first, second)[number % 2], NOBODY)
    assert await guess(first, NOBODY) == await guess(second, NOBODY) == 429
    first.clock.pass_(minutes=15)
    answers = await asyncio.gather(guess(first, NOBODY), guess(second, NOBODY))
    assert sorted(answers) == [401, 429]


async def test_what_happened_long_ago_is_forgotten(world):
    for _ in range(8):
        await guess(world, NOBODY)
    assert await guess(world, NOBODY) == 429
    world.clock.pass_(hours=1)
    assert [await guess(world, NOBODY) for _ in range(5)] == [401] * 5


async def test_a_familiar_place_is_forgotten_after_a_month(open_world):
    world = await open_world(policy=LoginPolicy(familiar_for=60_000))
    await world.user("ann@example.com")
    assert await guess(world, "ann@example.com", HOME, PASSWORD) == 200
    for number in range(14):
        await guess(world, "ann@example.com", parse_address(f"198.51.100.{number}"))
    assert await guess(world, "ann@example.com", HOME, PASSWORD) == 200
    world.clock.pass_(minutes=2)
    for number in range(14):
        await guess(world, "ann@example.com", parse_address(f"198.51.100.{number + 20}"))
    assert await guess(world, "ann@example.com", HOME, PASSWORD) == 429


async def test_the_throttle_keeps_no_e_mail_address(world):
    await guess(world, "secret.name@example.com")
    kept = str(await world.store.find("sys.throttle", {}))
    assert "secret.name" not in kept
    assert "account:" in kept
