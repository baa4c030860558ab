"""requirements.lock is what pyproject.toml asks for: `make lock` renews it."""

import re
import tomllib
from pathlib import Path

from tests.every import every

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ASKED = [*PROJECT["dependencies"], *(one for extra in PROJECT["optional-dependencies"].values() for one in extra)]
LOCK = (ROOT / "requirements.lock").read_text()


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


LOCKED = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK, re.MULTILINE))


@every("requirement", ASKED)
def test_a_dependency_is_pinned_and_locked(requirement):
    found = re.fullmatch(r"([A-Za-z0-9._-]+)==([^;\s]+)(\s*;.*)?", requirement)
    assert found, "pin it with =="
    assert LOCKED[normal(found[1])] == found[2]


def test_every_locked_package_has_hashes():
    packages = re.split(r"\n(?=[a-z0-9-]+==)", LOCK[LOCK.index("\n", LOCK.index("#")) :])
    assert len(packages) > 30
    assert not [package.split()[0] for package in packages if "==" in package and "--hash=sha256:" not in package]
