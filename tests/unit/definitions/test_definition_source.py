"""Reading of folders: which files make an app, and what is told of those that do not."""

import pytest

from engine.definitions import Sources, read_sources
from engine.definitions.source import LARGEST_FILE, NoApp, find_apps, find_files, read_data


@pytest.fixture
def folder(tmp_path):
    def make(*names, **texts):
        for name in names:
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(texts.get(name.replace("/", "_").replace(".", "_"), f"# {name}\n"))
        return tmp_path

    return make


def told(sources):
    return {item.at.file: (item.code, item.message, item.hint) for item in sources.problems}


def test_the_files_of_an_app_are_read_by_their_names(folder):
    app = folder("app.yaml", "entities/a.yaml", "entities/deep/b.json", "groups/g.yml", "tests/t.yaml", "hooks.py")
    sources = read_sources(app)
    assert sources == Sources(
        str(app),
        {
            "app.yaml": "# app.yaml\n",
            "entities/a.yaml": "# entities/a.yaml\n",
            "entities/deep/b.json": "# entities/deep/b.json\n",
            "groups/g.yml": "# groups/g.yml\n",
            "hooks.py": "# hooks.py\n",
            "tests/t.yaml": "# tests/t.yaml\n",
        },
    )
    assert list(sources.files) == sorted(sources.files)


def test_other_files_are_left_and_those_that_look_like_parts_are_told(folder):
    app = folder(
        "app.yaml",
        "notes.txt",
        "entitys/a.yaml",
        "entities/a.txt",
        "groups/deep/g.yaml",
        "entities/.hidden.yaml",
        "entities/.git/x.yaml",
        ".entities",
    )
    sources = read_sources(app)
    assert list(sources.files) == ["app.yaml"]
    problems = told(sources)
    assert problems.keys() == {"entities/a.txt", "groups/deep/g.yaml", "entitys"}
    assert {code for code, _, _ in problems.values()} == {"S116"}
    assert problems["entities/a.txt"][1] == "entities/a.txt is not read: definitions end in .yaml, .yml, .json"
    assert problems["groups/deep/g.yaml"][1] == "groups/deep/g.yaml is not read: groups/ has no folders inside"
    assert problems["entitys"][2] == 'did you mean "entities"?'


def test_text_that_is_no_utf_8_is_a_problem_of_its_file(folder):
    app = folder("app.yaml", "entities/b.yaml")
    (app / "entities/a.yaml").write_bytes(b"label: \xff\n")
    sources = read_sources(app)
    assert list(sources.files) == ["app.yaml", "entities/b.yaml"]
    assert told(sources)["entities/a.yaml"][::2] == ("S108", "save it as UTF-8 text")


def test_a_byte_order_mark_is_no_part_of_the_text(folder):
    app = folder("app.yaml")
    (app / "app.yaml").write_bytes(b"\xef\xbb\xbfname: a\n")
    assert read_sources(app).files["app.yaml"] == "name: a\n"


def test_a_file_over_the_limit_is_refused_unread(folder):
    app = folder("app.yaml")
    (app / "entities").mkdir()
    (app / "entities/a.yaml").write_bytes(b"#" * LARGEST_FILE)
    (app / "entities/b.yaml").write_bytes(b"#" * (LARGEST_FILE + 1))
    sources = read_sources(app)
    assert list(sources.files) == ["app.yaml", "entities/a.yaml"]
    assert told(sources)["entities/b.yaml"][1:] == (
        "entities/b.yaml is over 1,048,576 bytes",
        "split it into several files",
    )


@pytest.mark.parametrize("name", ["app.yaml", "app.yml", "app.json"])
def test_an_app_is_found_by_its_folder_and_by_its_file(folder, name):
    app = folder(name)
    assert find_apps(app) == [app]
    assert find_apps(app / name) == [app]


def test_a_folder_of_apps_has_them_in_the_order_of_names(folder):
    apps = folder("two/app.yaml", "one/app.json", "none/readme.md", "file.txt")
    assert find_apps(apps) == [apps / "one", apps / "two"]


@pytest.mark.parametrize(
    ("path", "message"),
    [("missing", "does not exist"), ("none", "holds no app"), ("none/readme.md", "holds no app"), ("", "holds no app")],
)
def test_where_there_is_no_app_it_is_said(folder, path, message):
    place = folder("none/readme.md") / path
    with pytest.raises(NoApp, match=message):
        find_apps(place)
    if message != "does not exist":
        with pytest.raises(NoApp, match="no app"):
            read_sources(place)


def test_definition_files_are_found_under_a_path(folder):
    apps = folder("one/app.yaml", "one/entities/a.yaml", "one/hooks.py", "two/app.yaml")
    assert find_files(apps) == [
        (apps / "one/app.yaml", "app.yaml"),
        (apps / "one/entities/a.yaml", "entities/a.yaml"),
        (apps / "two/app.yaml", "app.yaml"),
    ]
    assert find_files(apps / "one/entities/a.yaml") == [(apps / "one/entities/a.yaml", "entities/a.yaml")]


def test_a_file_outside_of_any_app_is_nobodys(folder):
    with pytest.raises(NoApp, match="belongs to no app"):
        find_files(folder("entities/a.yaml") / "entities/a.yaml")


def test_starting_records_are_read_beside_the_definitions(folder):
    app = folder("app.yaml", "data/b.csv", "data/a.json", "data/c.jsonl", "data/notes.md", "data/deep/d.json")
    assert read_data(app) == {
        "data/a.json": "# data/a.json\n",
        "data/b.csv": "# data/b.csv\n",
        "data/c.jsonl": "# data/c.jsonl\n",
    }
    assert read_data(app / "data") == {}
