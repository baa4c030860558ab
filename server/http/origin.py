"""Where a client reached the server: in go the headers of a request and its peer, out comes a scheme with a host.

Absolute links are made with it. What proxies say of the address that they were asked under is believed of trusted ones
only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from starlette.types import Scope

from engine.permissions.addresses import AllowList, parse_address

_is_host = re.compile(r"(?:[A-Za-z0-9_.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?").fullmatch
_is_scheme = re.compile("https?").fullmatch


def read_origin(scope: Scope, trusted: AllowList) -> str:
    """`https://example.com`, without a slash at its end; the server's own address where the request names no host."""
    headers: dict[bytes, str] = {name: value.decode("latin-1") for name, value in scope["headers"]}
    scheme, host = scope["scheme"], headers.get(b"host", "")
    peer = scope.get("client")
    if peer is not None and parse_address(peer[0]) in trusted:
        scheme = _last(headers, b"x-forwarded-proto", _is_scheme) or scheme
        host = _last(headers, b"x-forwarded-host", _is_host) or host
    return f"{scheme}://{host if _is_host(host) else _own_host(scope)}"


def _last(headers: Mapping[bytes, str], name: bytes, is_valid: Callable[[str], object]) -> str | None:
    """The value that the nearest proxy gave; those left of it were there before."""
    value = headers.get(name, "").rsplit(",", 1)[-1].strip()
    return value if is_valid(value) else None


def _own_host(scope: Scope) -> str:
    name, port = scope.get("server") or ("localhost", None)
    host = f"[{name}]" if ":" in name else name
    return host if port is None else f"{host}:{port}"


__all__ = ["read_origin"]
