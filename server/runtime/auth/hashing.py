"""Passwords to argon2id hashes, and guesses to yes or no, in threads: one hash takes a core tens of milliseconds."""

from __future__ import annotations

import asyncio
import os
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

Result = TypeVar("Result")

MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1
"""OWASP's minimum for argon2id. Raising these takes effect on each user's next login."""

THREADS = max(1, (os.cpu_count() or 1) - 1)
"""Hashes made at the same time in one process: one core stays with requests."""


class Hasher:
    """Hashes and compares with one set of parameters."""

    def __init__(self, memory_kib: int = MEMORY_KIB, passes: int = PASSES, threads: int = THREADS) -> None:
        self.threads = threads
        self._argon2 = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=LANES, type=Type.ID)

    async def hash(self, password: str) -> str:
        """The hash to store: PHC text with salt and parameters in it."""
        return await self._run(self._argon2.hash, _composed(password))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether the password is the one that was hashed; without a stored hash it is not, after the same work."""
        return await self._run(self._verify, _composed(password), stored)

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(stored)

    def _verify(self, password: str, stored: str | None) -> bool:
        nobodys = self._nobodys  # made by the very first guess, whoever it is about
        try:
            return self._argon2.verify(stored or nobodys, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[..., Result], *arguments: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    @cached_property
    def _nobodys(self) -> str:
        """The hash that guesses at unknown users are compared with."""
        return self._argon2.hash(secrets.token_hex())

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads, "password")


def _composed(password: str) -> str:
    """Keyboards differ in how they spell an accented letter; people do not see the difference."""
    return unicodedata.normalize("NFC", password)


HASHER = Hasher()
"""The one of this process, whatever number of apps it serves."""

__all__ = ["HASHER", "LANES", "MEMORY_KIB", "PASSES", "THREADS", "Hasher"]
