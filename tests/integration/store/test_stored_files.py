"""Files in the database: what is written comes back, in ranges too, and nothing half written stays."""

import pytest
from bson import ObjectId

from engine.errors import TooLarge
from server.store import StoreError
from server.store.files import CHUNK_SIZE, CHUNKS, FILES

pytestmark = pytest.mark.asyncio

META = {"purpose": "upload", "user": None}


async def pieces(*given):
    for piece in given:
        yield piece


async def whole(files, *arguments):
    return b"".join([piece async for piece in files.read(*arguments)])


async def leftovers(store):
    return await store.find(FILES, {}), await store.find(CHUNKS, {})


@pytest.mark.parametrize("size", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 9 * CHUNK_SIZE + 7])
async def test_what_was_written_is_read(any_store, size):
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    stored = await any_store.files.write("a.bin", "image/png", pieces(content[:1000], content[1000:]), META)
    assert await any_store.files.find(stored.id) == stored
    assert (stored.name, stored.content_type, stored.size, stored.meta) == ("a.bin", "image/png", size, META)
    assert await whole(any_store.files, stored.id) == content


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, 1),
        (CHUNK_SIZE - 1, CHUNK_SIZE + 1),
        (CHUNK_SIZE, 2 * CHUNK_SIZE),
        (5, None),
        (0, 10**9),
        (7 * CHUNK_SIZE, None),
    ],
)
async def test_a_range_is_read(any_store, start, end):
    content = b"".join(number.to_bytes(4, "big") for number in range(2 * CHUNK_SIZE))
    stored = await any_store.files.write("a", "a/b", pieces(content), META)
    assert await whole(any_store.files, stored.id, start, end) == content[start:end]


async def test_over_the_limit_nothing_stays(any_store):
    with pytest.raises(TooLarge, match="300000 bytes"):
        await any_store.files.write("a", "a/b", pieces(b"x" * 300_000, b"y"), META, limit=300_000)
    assert await leftovers(any_store) == ([], [])


async def test_at_the_limit_all_stays(any_store):
    stored = await any_store.files.write("a", "a/b", pieces(b"x" * 300_000), META, limit=300_000)
    assert stored.size == 300_000


async def test_where_the_source_fails_nothing_stays(any_store):
    async def failing():
        yield b"x" * CHUNK_SIZE
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await any_store.files.write("a", "a/b", failing(), META)
    assert await leftovers(any_store) == ([], [])


async def test_a_deleted_file_is_gone(any_store):
    stored = await any_store.files.write("a", "a/b", pieces(b"x"), META)
    assert await any_store.files.delete(stored.id)
    assert not await any_store.files.delete(stored.id)
    assert await any_store.files.find(stored.id) is None
    assert await leftovers(any_store) == ([], [])
    with pytest.raises(StoreError, match="not whole"):
        await whole(any_store.files, stored.id)


@pytest.mark.parametrize("id", ["", "x", "0" * 24, "../etc/passwd", "f" * 23])
async def test_what_is_no_id_finds_nothing(any_store, id):
    assert await any_store.files.find(id) is None
    assert not await any_store.files.delete(id)


async def test_nobody_sees_a_file_before_it_is_whole(any_store):
    seen = []

    async def watching():
        yield b"x" * (2 * CHUNK_SIZE)
        (document,) = await any_store.find(FILES, {})
        seen.append(await any_store.files.find(str(document["_id"])))
        yield b"x"

    await any_store.files.write("a", "a/b", watching(), META)
    assert seen == [None]


async def test_what_a_killed_process_left_is_deleted(any_store):
    stored = await any_store.files.write("whole", "a/b", pieces(b"x" * 300_000), META)
    for _whole in (False, None):
        half = await any_store.files.write("half", "a/b", pieces(b"x" * 300_000), META)
        await any_store.update(FILES, {"_id": ObjectId(half.id)}, {"$set": {"metadata.whole": _whole}})
    assert await any_store.files.delete_broken(stored.uploaded) == 0
    assert await any_store.files.delete_broken(stored.uploaded + 60_000) == 2
    assert [document["filename"] for document in await any_store.find(FILES, {})] == ["whole"]
    assert len(await any_store.find(CHUNKS, {})) == 2


async def test_a_file_that_was_given_up_is_not_finished(any_store):
    async def slow():
        yield b"x" * CHUNK_SIZE
        await any_store.files.delete_broken(2**50)
        yield b"x" * CHUNK_SIZE

    with pytest.raises(StoreError, match="too long"):
        await any_store.files.write("a", "a/b", slow(), META)
    assert await leftovers(any_store) == ([], [])


async def test_other_tools_can_read_a_file(store, database):
    gridfs = pytest.importorskip("gridfs")
    pymongo = pytest.importorskip("pymongo")
    await store.files.prepare()
    stored = await store.files.write("report.csv", "text/csv", pieces(b"a,b\n" * CHUNK_SIZE), META)
    with pymongo.MongoClient(database.uri) as client:
        bucket = gridfs.GridFSBucket(client[store._database.name], "sys.fs")
        download = bucket.open_download_stream(ObjectId(stored.id))
        assert (download.filename, download.length) == ("report.csv", 4 * CHUNK_SIZE)
        assert download.read() == b"a,b\n" * CHUNK_SIZE


async def test_a_held_file_is_found_untouched_after_a_while_and_deleted_unless_it_is_touched(any_store):
    files = any_store.files
    stored = [await files.write(name, "a/b", pieces(b"x"), META) for name in "abc"]
    now = stored[-1].uploaded + 1000
    assert await files.hold([stored[0].id], now)
    assert not await files.hold([stored[0].id, "f" * 24], now)
    assert await files.untouched("export", now + 1, 10) == []
    assert [file.name for file in await files.untouched("upload", now, 10)] == ["b", "c"]
    (last,) = [file for file in await files.untouched("upload", now + 1, 10) if file.name == "a"]
    assert (last.held, last.touched) == (True, now)
    assert await files.touch(last, now + 5, held=False)
    assert not await files.touch(last, now + 6, held=True)
    assert not await files.delete_untouched(last)
    (again,) = [file for file in await files.untouched("upload", now + 10, 10) if file.name == "a"]
    assert (again.held, again.touched) == (False, now + 5)
    assert await files.delete_untouched(again)
    assert await files.find(again.id) is None
