"""Lines on their way to the database: written together, kept while it is away, dropped when there are too many."""

import asyncio

import pytest

from engine.logs import Line, make_id
from engine.query.lines import Level
from server.runtime import logs
from server.runtime.logs import AppLog
from server.store import NotStorable, StoreUnavailable

NOW = 1_700_000_000_000


class Database:
    """Keeps what it is given; `failure` is what the next writes raise."""

    def __init__(self):
        self.batches = []
        self.failure = None

    async def insert_many(self, collection, documents):
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        self.batches.append([one["message"] for one in documents])
        return {}


def say(log, *texts):
    for text in texts:
        log.add(Line(Level.INFO, text), NOW)


async def test_lines_are_written_together_and_in_order():
    log, database = AppLog(), Database()
    say(log, *map(str, range(1_234)))
    await log.flush(database)
    assert [len(batch) for batch in database.batches] == [500, 500, 234]
    assert [text for batch in database.batches for text in batch] == list(map(str, range(1_234)))
    await log.flush(database)
    assert len(database.batches) == 3


async def test_lines_wait_for_a_database_that_is_away():
    log, database = AppLog(), Database()
    say(log, "a", "b")
    database.failure = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        await log.flush(database)
    say(log, "c")
    database.failure = None
    await log.flush(database)
    assert database.batches == [["a", "b", "c"]]
    assert log.dropped == 0


async def test_the_oldest_are_dropped_when_too_many_wait(monkeypatch):
    monkeypatch.setattr(logs, "MOST_WAITING", 3)
    log, database = AppLog(), Database()
    say(log, *"abcde")
    assert log.dropped == 2
    await log.flush(database)
    assert database.batches == [["c", "d", "e"]]


async def test_lines_that_the_database_does_not_take_hold_up_no_others():
    log, database = AppLog(), Database()
    say(log, "bad")
    database.failure = NotStorable("bad")
    await log.flush(database)
    assert log.dropped == 1
    database.failure = None
    say(log, "good")
    await log.flush(database)
    assert database.batches == [["good"]]


async def test_two_flushes_at_once_write_each_line_once():
    log, database = AppLog(), Database()
    say(log, *"abc")
    await asyncio.gather(log.flush(database), log.flush(database))
    assert database.batches == [["a", "b", "c"]]


async def test_drops_are_told_once(monkeypatch, caplog):
    monkeypatch.setattr(logs, "MOST_WAITING", 1)
    monkeypatch.setattr(logs, "WRITE_EVERY", 0.01)
    log, database = AppLog(), Database()
    say(log, *"abc")
    running = type("Running", (), {"store": database, "clock": staticmethod(lambda: NOW)})()
    monkeypatch.setattr(log, "_keep_trim", lambda running: asyncio.sleep(0))
    task = asyncio.create_task(log.keep_writing(lambda: running))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [record.getMessage() for record in caplog.records if "dropped" in record.getMessage()] == [
        "2 lines of the log were dropped"
    ]
    assert database.batches == [["c"]]


def test_the_next_id_is_the_very_next():
    key = make_id(NOW, b"\xff\xff\xff", 0xFFFFFF)
    assert logs.make_id_after(key) > key
    assert logs.make_id_after(make_id(NOW, b"abc", 1)) == make_id(NOW, b"abc", 2)
