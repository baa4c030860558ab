"""What many large uploads at once do to a server: how long others wait meanwhile, and how much memory it takes.

Run by `make uploads`: UPLOADS (20) files of UPLOAD_MB (50) at once, then one of UPLOAD_ONE_MB (100) up and down again.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx

from tests.integration.http.conftest import Serving

MIB = 1024 * 1024
BLOCK = os.urandom(64 * 1024)
HEAD = b'--limit\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\n\r\n'
TAIL = b"\r\n--limit--\r\n"
TYPE = {"content-type": "multipart/form-data; boundary=limit"}


@dataclass(frozen=True)
class Load:
    """Milliseconds that /healthz took, seconds that all uploads took, and how the server's memory grew, in MiB."""

    healthz: list[float]
    seconds: float
    grown: float
    megabytes: int

    def __str__(self):
        late = sorted(self.healthz)[len(self.healthz) * 99 // 100]
        waits = f"/healthz took {median(self.healthz):.1f} ms in the middle, {late:.0f} ms at 99 % and {max(self.healthz):.0f} ms at most"
        speed = self.megabytes / self.seconds
        return f"{self.megabytes} MiB in {self.seconds:.1f} s ({speed:.0f} MiB/s), memory grew by {self.grown:.0f} MiB; {waits} ({len(self.healthz)} asked)"


def start(folder, megabytes):
    """A server of an app that knows little more than files."""
    app = Path(folder) / "files"
    (app / "entities").mkdir(parents=True)
    (app / "app.yaml").write_text("name: files\n")
    (app / "entities" / "papers.yaml").write_text("fields: {scan: {type: file}}\n")
    return Serving(app, environment={"CASTWORK_MAX_UPLOAD": str((megabytes + 1) * MIB)})


def memory_of(pid):
    """The memory of a process that is not swapped, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


async def body(megabytes):
    yield HEAD
    for _ in range(megabytes * MIB // len(BLOCK)):
        yield BLOCK
    yield TAIL


async def upload(client, megabytes):
    """Sends a file without saying how long it is, and gives its id."""
    answer = await client.post("/files", content=body(megabytes), headers=TYPE)
    assert answer.status_code == 200, answer.text
    return answer.json()["fileId"]


async def download(client, key):
    """How many bytes come back."""
    size = 0
    async with client.stream("GET", f"/files/{key}") as answer:
        async for piece in answer.aiter_raw():
            size += len(piece)
    return size


PROBE = """
import sys, time, httpx
with httpx.Client(timeout=600) as client:
    while True:
        began = time.monotonic()
        assert client.get(sys.argv[1]).status_code == 200
        print((time.monotonic() - began) * 1000, flush=True)
        time.sleep(0.05)
"""


@contextlib.contextmanager
def asking(url):
    """A process of its own, which nothing but the server can slow down, asks a URL again and again; a list that holds
    the milliseconds of each answer at the end."""
    waits = []
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen([sys.executable, "-c", PROBE, url], stdout=told)
        try:
            while process.poll() is None and not os.fstat(told.fileno()).st_size:
                time.sleep(0.01)
            yield waits
        finally:
            process.terminate()
            process.wait()
            told.seek(0)
            waits += map(float, told.read().split())


async def load(serving, count, megabytes, work=upload):
    """So many pieces of work at once, while somebody asks how the server is."""
    before, highest, token = memory_of(serving.process.pid), 0.0, serving.token
    limits = httpx.Limits(max_connections=count)
    with asking(str(serving.root.join("/healthz"))) as waits:
        async with httpx.AsyncClient(
            base_url=serving.url, headers={"token": token}, timeout=600, limits=limits
        ) as client:
            began = time.monotonic()
            all_of_it = asyncio.gather(*(work(client, megabytes) for _ in range(count)))
            while not all_of_it.done():
                highest = max(highest, memory_of(serving.process.pid))
                await asyncio.wait([all_of_it], timeout=0.05)
            found, seconds = await all_of_it, time.monotonic() - began
    return found, Load(waits, seconds, highest - before, count * megabytes)


async def measure(serving, count, megabytes, one):
    """Prints what came of it."""
    _, idle = await load(serving, 1, 1, lambda client, _: asyncio.sleep(3))
    print(f"nothing to do: {idle}", flush=True)
    _, many = await load(serving, count, megabytes)
    print(f"{count} uploads of {megabytes} MiB at once: {many}", flush=True)
    (key,), up = await load(serving, 1, one)
    print(f"one upload: {up}", flush=True)
    (size,), down = await load(serving, 1, one, lambda client, _: download(client, key))
    print(f"its download: {down}", flush=True)
    assert size == one * MIB
    return many, up, down


def main():
    count, megabytes = int(os.environ.get("UPLOADS", "20")), int(os.environ.get("UPLOAD_MB", "50"))
    one = int(os.environ.get("UPLOAD_ONE_MB", "100"))
    with tempfile.TemporaryDirectory() as folder:
        serving = start(folder, max(megabytes, one))
        try:
            asyncio.run(measure(serving, count, megabytes, one))
        finally:
            serving.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
