"""Everything that the driver sends to the database, as it leaves."""

from copy import deepcopy

from pymongo.monitoring import CommandListener

READS = {"find", "aggregate", "count", "distinct"}


class Commands(CommandListener):
    """Keeps the commands that were sent since the last `clear`, without those of the driver itself."""

    def __init__(self):
        self.sent = []

    def started(self, event):
        self.sent.append((event.command_name, deepcopy(dict(event.command))))

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass

    def clear(self):
        self.sent.clear()

    @property
    def names(self):
        return [name for name, _ in self.sent]


def operators(value):
    """Every key that begins with $, at any depth; `$db` and the like of the command itself stay outside."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key.startswith("$"):
                yield key
            yield from operators(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from operators(inner)
