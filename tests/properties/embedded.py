"""A real embedded database for the tests of one module."""

import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import MongoClient


@contextmanager
def running_database(folder):
    """A database whose process lives as long as the block."""
    (folder / "empty.toml").touch()
    log = folder / "log"
    command = [str(Path(sys.executable).parent / "secantusd-py"), "--config", str(folder / "empty.toml")]
    command += ["--host", "127.0.0.1", "--port", "0", "--storage-path", str(folder / "data")]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            port = None
            deadline = time.monotonic() + 30
            while port is None and process.poll() is None and time.monotonic() < deadline:
                found = re.search(r"listening on 127\.0\.0\.1:(\d+)", log.read_text())
                port = found and found[1]
                time.sleep(0.05)
            assert port, log.read_text()
            with MongoClient(f"mongodb://127.0.0.1:{port}/?directConnection=true") as client:
                yield client.get_database("test", CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS))
        finally:
            process.terminate()
            process.wait(10)
