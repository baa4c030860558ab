"""How long whoever failed must wait before the next try: in go counts and times (ms), out come waits (ms); pure."""

from __future__ import annotations

from dataclasses import dataclass

SECOND = 1_000
MINUTE = 60 * SECOND


@dataclass(frozen=True, slots=True)
class BackOff:
    """After `free` failures the wait is one second, doubled by each further failure up to `longest` ms."""

    free: int
    longest: int

    def wait_after(self, failures: int) -> int:
        """The wait that so many failures have earned, in ms."""
        over = failures - self.free
        if over < 0:
            return 0
        return min(SECOND << min(over, 32), self.longest)

    def remaining(self, failures: int, since: int, now: int) -> int:
        """What is left of the wait that began with the last failure at `since`; a clock set back adds nothing to it."""
        wait = self.wait_after(failures)
        return wait - min(max(now - since, 0), wait)


@dataclass(frozen=True, slots=True)
class LoginPolicy:
    """What slows down guessing of passwords.

    Somebody who logged in to the account from the same address before (at most `familiar_for` ms ago) is counted by
    `pair` alone: by account and address together. A stranger is counted three times, and the longest wait counts: by
    `pair`, by `account` (all strangers together, so that many addresses do not give many guesses) and by `address` (so
    that many accounts do not). Thus nobody elsewhere can keep the owner of an account out of it where they usually
    are; where they never were before, an attack makes them wait for `account.longest` at most at a time.
    A counter is forgotten `forget_after` ms after its last failure.
    """

    pair: BackOff = BackOff(free=5, longest=15 * MINUTE)
    account: BackOff = BackOff(free=10, longest=MINUTE)
    address: BackOff = BackOff(free=20, longest=15 * MINUTE)
    familiar_for: int = 30 * 24 * 60 * MINUTE
    forget_after: int = 60 * MINUTE


__all__ = ["MINUTE", "SECOND", "BackOff", "LoginPolicy"]
