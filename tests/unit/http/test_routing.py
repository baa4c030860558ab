"""Paths and where they lead: to the first of all shapes that fits, as trying one after the other would find it."""

import itertools
import re

import pytest

from engine.routes import IN_PLACE_OF_ID, SHAPES
from server.http.routing import PathTree

SHAPE_PATHS = list(dict.fromkeys(shape.path for shape in SHAPES if shape.path not in IN_PLACE_OF_ID.values()))


async def ask(tree, path):
    scope = {"type": "http", "path": path}
    await tree(scope, None, None)
    return scope.get("led"), scope.get("path_params", {})


def leading_to(name):
    async def app(scope, receive, send):
        scope["led"] = name

    return app


def first_fit(paths, path):
    """One after the other, as a reader of the list would."""
    for one in paths:
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(one))
        if found := re.fullmatch(pattern, path):
            return one, found.groupdict()
    return None, {}


@pytest.mark.parametrize("prefix", ["", "/api", "/{app}/api"])
async def test_every_path_leads_where_the_first_fitting_shape_leads(prefix):
    paths = [prefix + path for path in SHAPE_PATHS]
    tree = PathTree([(path, leading_to(path)) for path in paths], leading_to(None))
    words = [*sorted({word for path in SHAPE_PATHS for word in path.split("/") if word and "{" not in word}), "x", ""]
    start = prefix.replace("{app}", "crm")
    asked = 0
    for depth in range(1, 4):
        for segments in itertools.product(words, repeat=depth):
            path = start + "".join(f"/{word}" for word in segments)
            assert await ask(tree, path) == first_fit(paths, path), path
            asked += 1
    for deep in itertools.product(
        ("data", "files"), ("sys.users", "x", "shared", ""), ("x", "files"), words, ("x", "")
    ):
        path = start + "".join(f"/{word}" for word in deep)
        assert await ask(tree, path) == first_fit(paths, path), path
        asked += 1
    assert asked > 10_000


@pytest.mark.parametrize("path", ["", "/", "//", "data/x", "/data/", "/data//", "/data//x", "/data/x/", "/data/x\n"])
async def test_odd_paths_fit_nothing_but_what_is_written(path):
    tree = PathTree([("/data/{entity}", leading_to("records"))], leading_to("nothing"))
    led = ("records", {"entity": "x\n"}) if path == "/data/x\n" else ("nothing", {})
    assert await ask(tree, path) == led


async def test_the_first_of_equal_paths_stays():
    tree = PathTree([("/{a}/x", leading_to("one")), ("/{b}/x", leading_to("two"))], leading_to(None))
    assert await ask(tree, "/1/x") == ("one", {"a": "1"})
