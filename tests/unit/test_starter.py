"""The app that `castwork new` writes."""

import pytest

from engine.definitions import read_sources, validate_sources
from server.starter import FILES, CannotStart, app_name, write_starter


def test_it_is_a_sound_app(tmp_path):
    written = write_starter(tmp_path / "my-shop")
    assert [file.relative_to(tmp_path / "my-shop").as_posix() for file in written] == list(FILES)
    checked = validate_sources(read_sources(tmp_path / "my-shop"))
    assert checked.diagnostics == ()
    assert checked.app.name == "myShop"
    assert {"projects", "tasks"} <= set(checked.app.entities)


def test_an_empty_folder_is_taken_and_a_full_one_is_left_alone(tmp_path):
    (tmp_path / "empty").mkdir()
    write_starter(tmp_path / "empty")
    before = {file: file.read_bytes() for file in (tmp_path / "empty").rglob("*") if file.is_file()}
    with pytest.raises(CannotStart, match="not an empty folder"):
        write_starter(tmp_path / "empty")
    assert {file: file.read_bytes() for file in (tmp_path / "empty").rglob("*") if file.is_file()} == before


def test_a_file_is_left_alone(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CannotStart):
        write_starter(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("shop", "shop"),
        ("My-shop 2", "myShop2"),
        ("my_little.shop", "myLittleShop"),
        ("2fast", "fast"),
        ("---", "app"),
        ("42", "app"),
        ("Müller", "mLler"),
    ],
)
def test_names(folder, name):
    assert app_name(folder) == name
