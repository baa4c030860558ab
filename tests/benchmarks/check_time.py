"""How long `castwork validate` takes on 500 entities with 20 fields each, and a second time: `make bench`."""

import argparse
import gc
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.definitions import KnownFiles, read_sources, validate_sources
from tests.benchmarks.compile_time import sources

CHANGED = "entities/entity0.yaml"


def write_app(folder: Path, entities: int) -> None:
    """Writes the app of the other benchmark."""
    for name, text in sources(entities).files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def run(folder: Path, cache: Path) -> tuple[float, float]:
    """Wall and processor seconds of the whole command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    command = [sys.executable, "-m", "server", "validate", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "CASTWORK_CACHE": str(cache)})
    taken = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def told(what: str, runs: list[tuple[float, float]]) -> None:
    """Prints the best of several runs."""
    wall, processor = (min(column) for column in zip(*runs, strict=True))
    print(f"{what}: {wall:.3f} s, {processor:.3f} s of processor time, best of {len(runs)} runs")


def recheck(folder: Path, known: KnownFiles) -> tuple[float, float]:
    """Wall and processor seconds of a check in a process that has checked before."""
    gc.collect()
    started, began = time.perf_counter(), time.process_time()
    assert validate_sources(read_sources(folder), known).ok
    return time.perf_counter() - started, time.process_time() - began


def main() -> None:
    """Checks the app anew, unchanged, and with one changed file in a process that goes on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=500)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    size = f"castwork validate, {options.entities} entities x 20 fields"
    with tempfile.TemporaryDirectory() as place:
        folder, cache = Path(place) / "app", Path(place) / "cache"
        write_app(folder, options.entities)
        told(size, [run(folder, cache / str(number)) for number in range(options.runs)])
        told(f"{size}, nothing changed", [run(folder, cache / "0") for _ in range(options.runs)])
        known = KnownFiles()
        recheck(folder, known)
        runs = []
        for number in range(options.runs):
            file = folder / CHANGED
            file.write_text(f"{file.read_text()}# {number}\n")
            runs.append(recheck(folder, known))
        told(f"{options.entities} entities in a running process, one file changed", runs)


if __name__ == "__main__":
    main()
