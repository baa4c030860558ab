"""Every limit and option of the server, in one place: in go the environment and what the command line gave.

Each field can be set by an environment variable, CASTWORK_ and the field's name in capitals (CASTWORK_DB,
CASTWORK_MAX_BODY); the command line wins over it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

from engine.errors import CastworkError
from engine.permissions.addresses import AllowList

PREFIX = "CASTWORK_"
KIB = 1024
MIB = 1024 * KIB
POSITIVE = (
    "max_waiting_jobs",
    "max_body",
    "max_file_body",
    "max_upload",
    "max_import",
    "max_url",
    "max_export",
    "max_headers",
    "max_nesting",
    "log_rows",
    "log_days",
)
"""Settings that are whole numbers from 1 on."""


_is_origin = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?").fullmatch


class BadSetting(CastworkError):
    """A setting that cannot be understood; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one server runs. Sizes are in bytes, times in seconds."""

    host: str = "127.0.0.1"
    port: int = 8000
    db: str | None = None
    """A mongodb:// URI, `memory:`, or None for the embedded database beside the app."""
    base_path: str = "/api"
    workers: int = 1
    reload: bool = False
    access_log: bool = False
    """Whether every request is told on standard error; those that change something always are."""

    log_rows: int = 20_000
    """Lines of an app's log that are kept."""
    log_days: int = 30
    """How many days a line of an app's log is kept."""
    log_reads: bool = False
    """Whether an app's log tells of requests that only read, too."""
    metrics_token: str | None = field(default=None, repr=False)
    """What callers of /metrics show as `Authorization: Bearer`; without one only this machine itself is answered."""

    jobs: bool = True
    """Whether a serving process runs background jobs, too."""
    job_lease: float = 30.0
    """How long a process that runs background jobs may be silent before others take its jobs over."""
    max_waiting_jobs: int = 10_000
    """How many jobs of one user may wait in one queue; more are refused until some have begun."""

    action_timeout: float = 60.0
    """How long an action may take while the client waits."""
    allow_private_calls: bool = False
    """Whether steps of actions may send requests to addresses that are not of the public internet."""

    trusted_proxies: str = ""
    """Addresses and CIDR blocks, separated by commas, whose X-Forwarded-For is believed."""
    cors_origins: str = ""
    """Origins such as https://app.example.com, separated by commas, whose pages may use the API in browsers."""
    admin_email: str | None = None
    admin_password: str | None = field(default=None, repr=False)
    """Whom a database without users gets as its first developer; a missing password is generated and shown once."""

    max_body: int = MIB
    max_url: int = 8 * KIB
    max_export: int = 1_000_000
    """How many records one export may write."""
    max_headers: int = 64 * KIB
    max_nesting: int = 32
    max_file_body: int = 16 * MIB
    """What a JSON body may have where records point to files, which it may bring along."""
    max_import: int = 1024 * MIB
    """What the file of one import may have."""
    max_upload: int = 50 * MIB
    """What all files of one upload may have together."""
    upload_keep: float = 12 * 3600.0
    """How long an upload may wait for a record that points to it."""

    header_timeout: float = 10.0
    """How long a client may take to send the head of a request."""
    body_timeout: float = 60.0
    """How long a client may send nothing while more of a request's body is to come."""
    keep_alive: int = 60
    """How long an idle connection stays open."""
    drain: float = 1.0
    """How long a server that was told to stop still accepts requests, so that balancers see it is not ready."""
    stop_timeout: int = 25
    """How long requests under way may take to finish when the server stops."""
    ready_cache: float = 1.0
    """How long an answer of the database to a ping is believed."""

    @property
    def proxies(self) -> tuple[str, ...]:
        """`trusted_proxies` one by one."""
        return _listed(self.trusted_proxies)

    @property
    def origins(self) -> tuple[str, ...]:
        """`cors_origins` one by one."""
        return _listed(self.cors_origins)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def read_settings(environment: Mapping[str, str], **given: object) -> Settings:
    """Settings from the command line (`given`, None where an option was not used), then the environment, then
    defaults; raises BadSetting. Unknown variables with the prefix are other people's and are left alone.
    """
    values = {name: value for name, value in given.items() if value is not None}
    for item in fields(Settings):
        text = environment.get(PREFIX + item.name.upper())
        if text is not None and item.name not in values:
            values[item.name] = _parse(item.name, str(item.type), text)
    settings = Settings(**values)  # type: ignore[arg-type]  # the parsers follow the fields' own types
    _check(settings)
    return settings


def to_environment(settings: Settings, **changed: object) -> dict[str, str]:
    """The variables from which `read_settings` makes the same settings, but for what is changed."""
    values = {item.name: changed.get(item.name, getattr(settings, item.name)) for item in fields(Settings)}
    return {
        PREFIX + name.upper(): str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
        if value is not None
    }


def _parse(name: str, kind: str, text: str) -> object:
    try:
        return _PARSERS[kind](text)
    except (KeyError, ValueError):
        raise BadSetting(f"{PREFIX}{name.upper()} is {text!r}: expected {_EXPECTED[kind]}") from None


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "str": str,
    "str | None": str,
    "int": int,
    "float": float,
    "bool": {"true": True, "1": True, "false": False, "0": False}.__getitem__,
}
_EXPECTED = {"int": "a whole number", "float": "a number", "bool": "true or false"}


def _check(settings: Settings) -> None:
    path = settings.base_path
    if path and (not path.startswith("/") or path.endswith("/") or set(path) & set("{}?#% ")):
        raise BadSetting(f"The base path is {path!r}: expected a path such as /api, with no slash at its end")
    if not settings.job_lease > 0:
        raise BadSetting(f"CASTWORK_JOB_LEASE is {settings.job_lease}: expected a number of seconds above 0")
    if not settings.action_timeout > 0:
        raise BadSetting(f"CASTWORK_ACTION_TIMEOUT is {settings.action_timeout}: expected a number of seconds above 0")
    if settings.metrics_token == "":
        raise BadSetting(f"{PREFIX}METRICS_TOKEN is empty: give it a text that nobody guesses, or unset it")
    if settings.workers < 1:
        raise BadSetting(f"The number of workers is {settings.workers}: expected 1 or more")
    if settings.reload and settings.workers > 1:
        raise BadSetting("--reload works with one worker: leave --workers out")
    try:
        AllowList(settings.proxies)
    except ValueError as error:
        raise BadSetting(f"{PREFIX}TRUSTED_PROXIES: {error}; expected addresses such as 10.0.0.0/8,192.0.2.1") from None
    for origin in settings.origins:
        if not _is_origin(origin):
            raise BadSetting(
                f"{PREFIX}CORS_ORIGINS: {origin!r} is no origin; expected scheme and host, and a port that is not the "
                "usual one, as browsers send them: https://app.example.com,http://localhost:3000"
            )
    if not 0 <= settings.port <= 65535:
        raise BadSetting(f"The port is {settings.port}: expected 0 to 65535, where 0 takes any free one")
    if not settings.upload_keep > 0:
        raise BadSetting(f"CASTWORK_UPLOAD_KEEP is {settings.upload_keep}: expected a number of seconds above 0")
    for name in POSITIVE:
        if getattr(settings, name) < 1:
            raise BadSetting(f"{PREFIX}{name.upper()} is {getattr(settings, name)}: expected 1 or more")


__all__ = ["KIB", "MIB", "BadSetting", "Settings", "read_settings", "to_environment"]
