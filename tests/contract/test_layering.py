"""Imports point one way: a room may import the rooms below it, never those above."""

import ast
from functools import cache
from pathlib import Path

from tests.every import every

ROOT = Path(__file__).parents[2]

LAYERS = (
    {"engine.errors"},
    {"engine.fields"},
    {"engine.schema"},
    {"engine.query"},
    {"engine.expressions"},
    {"engine.permissions"},
    {"engine.aggregate", "engine.records", "engine.jobs", "engine.routes", "engine.indexes"},
    {"engine.actions", "engine.scans", "engine.logs"},
    {"engine.definitions"},
    {"engine.openapi"},
    {"engine.compiler"},
    {"engine.examples"},
    {"engine"},
    {"server.settings", "server.log", "server.check_cache", "server.metrics", "server.tracing"},
    {"server.store"},
    {"server.runtime"},
    {"server.http"},
    {"server.database", "server.process", "server.workers", "server.starter"},
    {"server.app"},
    {"server.background", "server.reload", "server.telling", "server.record_files"},
    {"server.replay"},
    {
        "server.job_commands",
        "server.definition_commands",
        "server.token_command",
        "server.load_command",
        "server.explain_command",
        "server.example_command",
    },
    {"server.serve"},
    {"server.cli"},
    {"server.__main__"},
)
"""From the bottom to the top; the rooms of one layer do not import each other."""

HEIGHT = {room: height for height, rooms in enumerate(LAYERS) for room in rooms}

FOREIGN_TO_ENGINE = {"starlette", "pymongo", "gridfs", "uvicorn", "typer", "watchfiles", "asyncio", "server"}
MONGO_ONLY_IN = "server.store"
DISK_ONLY_IN = "engine.definitions.source"
DISK_CALLS = {
    "open",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "iterdir",
    "glob",
    "rglob",
    "exists",
    "is_file",
}


def module_name(file):
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(file): file for package in ("engine", "server") for file in sorted((ROOT / package).rglob("*.py"))
}


def room_of(module):
    """The room that a module lives in: the longest known prefix of its name."""
    parts = module.split(".")
    return next((room for size in range(len(parts), 0, -1) if (room := ".".join(parts[:size])) in HEIGHT), None)


@cache
def nodes_of(module):
    """What the laws of this page look at, in one walk over the whole module."""
    looked_at = ast.Import | ast.ImportFrom | ast.Call | ast.Await | ast.AsyncFor | ast.AsyncWith
    return [node for node in ast.walk(ast.parse(MODULES[module].read_text())) if isinstance(node, looked_at)]


def imports_of(module):
    for node in nodes_of(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively in line {node.lineno}"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES or inner in HEIGHT else node.module


def test_the_order_knows_every_module():
    strangers = [module for module in MODULES if module != "server" and room_of(module) in (None, *_own_room(module))]
    assert strangers == []


def _own_room(module):
    """`engine` is the room of its __init__ alone: a module that falls back to it has no room yet."""
    return ("engine",) if module != "engine" else ()


@every("module", [module for module in MODULES if module != "server"])
def test_imports_point_down(module):
    here = room_of(module)
    for imported in imports_of(module):
        there = room_of(imported) if imported.split(".")[0] in ("engine", "server") else None
        if there is None or there == here:
            continue
        assert HEIGHT[there] < HEIGHT[here], f"{module} imports {imported}, which is not below it"


@every("module", [module for module in MODULES if module.split(".")[0] == "engine"])
def test_the_engine_is_pure(module):
    assert not {name.split(".")[0] for name in imports_of(module)} & FOREIGN_TO_ENGINE
    assert not [node.lineno for node in nodes_of(module) if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith)]
    if module != DISK_ONLY_IN:
        called = {_called(node) for node in nodes_of(module) if isinstance(node, ast.Call)}
        assert not called & DISK_CALLS, f"{module} reads the disk"


def _called(call):
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", None)


@every("module", MODULES)
def test_only_the_store_talks_to_the_database_driver(module):
    drivers = {name for name in imports_of(module) if name.split(".")[0] in ("pymongo", "gridfs", "mongomock_motor")}
    assert not drivers or room_of(module) == MONGO_ONLY_IN
