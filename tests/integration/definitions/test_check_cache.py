"""Remembered checks: the same answer as a new one, and a new one whenever anything has changed."""

import os
from pathlib import Path

import pytest

from engine.definitions import NoApp, Sources, check_sources, read_sources, validate_paths
from server import check_cache
from server.check_cache import MOST_KEPT, CheckCache, cache_folder

FILES = {"app.yaml": "name: shop\n", "entities/a.yaml": "lable: A\nauditLogs: {changed: true}\n"}


@pytest.fixture
def app(tmp_path):
    for name, text in FILES.items():
        file = tmp_path / "shop" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "shop"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    made = CheckCache(tmp_path / "cache")
    made.asked = []

    def check(sources):
        made.asked.append(sources)
        return check_sources(sources)

    monkeypatch.setattr(check_cache, "check_sources", check)
    return made


def test_a_remembered_check_is_the_check(app, cache):
    first, second = cache(read_sources(app)), cache(read_sources(app))
    assert first == second == check_sources(read_sources(app))
    assert {item.code for item in second} == {"S111", "D800"}
    assert len(cache.asked) == 1


def test_a_change_of_any_file_is_checked_anew(app, cache):
    cache(read_sources(app))
    (app / "entities/a.yaml").write_text("label: A\n")
    assert cache(read_sources(app)) == ()
    (app / "entities/a.yaml").rename(app / "entities/b.yaml")
    cache(read_sources(app))
    (app / "entities/c.txt").write_text("")
    assert [item.code for item in cache(read_sources(app))] == ["S116"]
    assert len(cache.asked) == 4


def test_texts_that_only_meet_elsewhere_are_not_the_same(cache):
    cache(Sources("", {"app.yaml": "name: a", "entities/a.yaml": "label: A"}))
    cache(Sources("", {"app.yaml": "name: a", "entities/a.yamll": "abel: A"}))
    assert len(cache.asked) == 2


def test_another_edition_of_the_product_checks_anew(app, cache, monkeypatch):
    cache(read_sources(app))
    monkeypatch.setattr(check_cache, "_product", lambda: iter(["another"]))
    cache(read_sources(app))
    assert len(cache.asked) == 2


def test_the_place_of_an_app_is_not_remembered(app, cache):
    validate_paths([app], check=cache)
    moved = app.rename(app.parent / "moved")
    text = validate_paths([moved], check=cache).text
    assert f"{moved}/entities/a.yaml:1:1: error S111" in text
    assert len(cache.asked) == 1


@pytest.mark.parametrize("spoiled", ["", "[", "{}", "[1]", '[{"code": "S111"}]', '[{"at": 1}]', "\xff"])
def test_a_spoiled_memory_is_no_memory(app, cache, spoiled):
    expected = cache(read_sources(app))
    (file,) = cache.folder.iterdir()
    file.write_bytes(spoiled.encode("latin-1"))
    assert cache(read_sources(app)) == expected
    assert len(cache.asked) == 2


def test_a_folder_that_cannot_be_written_costs_only_time(app, tmp_path, cache):
    (tmp_path / "file").write_text("")
    cache.folder = tmp_path / "file" / "below"
    assert cache(read_sources(app)) == cache(read_sources(app))
    assert len(cache.asked) == 2


def test_the_oldest_checks_give_way(app, cache):
    cache.folder.mkdir()
    for number in range(MOST_KEPT + 5):
        old = cache.folder / f"{number:03}.json"
        old.write_text("[]")
        os.utime(old, (number, number))
    cache(read_sources(app))
    kept = sorted(file.name for file in cache.folder.iterdir())
    assert len(kept) == MOST_KEPT
    assert "005.json" not in kept
    assert "006.json" in kept


def test_the_folder_is_the_users_to_choose():
    assert cache_folder({"CASTWORK_CACHE": "/a"}) == Path("/a")
    assert cache_folder({"XDG_CACHE_HOME": "/b"}) == Path("/b/castwork")
    assert cache_folder({}) == Path.home() / ".cache" / "castwork"


def test_a_path_without_an_app_is_told_all_the_same(tmp_path, cache):
    assert validate_paths([tmp_path / "nothing"], check=cache).exit_code == 2
    with pytest.raises(NoApp):
        read_sources(tmp_path)
