"""HTTP requests of actions to other systems: in go a method, a URL and a body, out comes nothing but that it went well.

Only public addresses are asked, unless the server allows private ones: a name is looked up once, all its addresses are
judged, and the connection goes to the very address that was judged. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

import httpcore
import httpx

from engine.actions import Call
from engine.errors import BadRequest
from engine.fields.json_text import encode_json

MOST_ANSWER = 1024 * 1024
"""Bytes of an answer that are read."""
MOST_TOLD = 200
"""Characters of a URL that messages repeat; its query and its password never are among them."""
NO_LIMIT = httpx.Timeout(None)
"""The whole request has one limit, which is kept outside of the client."""
_UNICAST = IPv6Network("2000::/3")
"""All addresses that were ever given to hosts of the public internet."""
_TRANSLATED = (IPv6Network("2001::/32"), IPv6Network("2002::/16"))
"""Networks whose addresses hold an IPv4 address, which a gateway would go to."""


class Refused(Exception):
    """An address that may not be asked."""


def check_address(text: str) -> str:
    """The address in its usual form; raises Refused unless it is one of the public internet."""
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    hidden = isinstance(address, IPv6Address) and (
        address not in _UNICAST or any(address in network for network in _TRANSLATED)
    )
    if hidden or not address.is_global or address.is_multicast:
        raise Refused(f"{address} is no public address")
    return str(address)


class _Network(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only."""

    def __init__(self) -> None:
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as the library asks for it
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        """Looks the name up, judges every address, and connects to the first that answers."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"{host} could not be looked up in time") from None
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} is not known: {error}") from error
        failure: Exception = httpcore.ConnectError("The name has no address")
        for address in dict.fromkeys([check_address(str(entry[4][0])) for entry in found]):
            try:
                return await self._network.connect_tcp(address, port, timeout, None, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - as the library asks for it
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never: no URL leads there."""
        raise Refused("a socket of the machine is no public address")

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await self._network.sleep(seconds)


@dataclass
class Calls:
    """Sends the requests. `allow_private` lets them go anywhere."""

    allow_private: bool = False
    _context: ssl.SSLContext | None = field(default=None, repr=False)

    async def send(self, call: Call) -> None:
        """Raises BadRequest unless the other system answers with success in time."""
        url = _read_url(call.url)
        where = f"{call.method} {url.copy_with(userinfo=b'', query=None, fragment=None)}"[:MOST_TOLD]
        try:
            async with asyncio.timeout(call.timeout / 1000), self._client() as client:
                await self._send(client, call, url, where)
        except (TimeoutError, httpx.TimeoutException, httpcore.TimeoutException):
            raise BadRequest(f"{where} did not answer within {call.timeout} ms") from None
        except Refused as error:
            raise BadRequest(f"{where} is not allowed: {error}") from None
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            httpcore.ProtocolError,
            httpcore.NetworkError,
            UnicodeError,
        ) as error:
            raise BadRequest(f"{where} could not be reached: {error or type(error).__name__}") from None

    def _client(self) -> httpx.AsyncClient:
        if self._context is None:
            self._context = ssl.create_default_context()
        transport = httpx.AsyncHTTPTransport(verify=self._context, trust_env=False)
        if not self.allow_private:  # the library has no other place for a network of one's own
            transport._pool = httpcore.AsyncConnectionPool(ssl_context=self._context, network_backend=_Network())
        return httpx.AsyncClient(transport=transport, follow_redirects=False, timeout=NO_LIMIT, trust_env=False)

    async def _send(self, client: httpx.AsyncClient, call: Call, url: httpx.URL, where: str) -> None:
        content = None if call.json is None else encode_json(call.json)
        headers = {"user-agent": "castwork"} | ({} if content is None else {"content-type": "application/json"})
        async with client.stream(call.method, url, content=content, headers=headers) as answer:
            size = 0
            async for chunk in answer.aiter_raw():
                size += len(chunk)
                if size > MOST_ANSWER:
                    raise BadRequest(f"{where} answers with more than {MOST_ANSWER:,} bytes")
            if not answer.is_success:
                raise BadRequest(f"{where} answered {answer.status_code}")


def host_of(call: Call) -> str:
    """Whom a call goes to, without its path; `?` where its URL is none."""
    try:
        url = httpx.URL(call.url)
    except (httpx.InvalidURL, UnicodeError):
        return "?"
    return f"{url.scheme}://{url.netloc.decode()}"[:MOST_TOLD] if url.host else "?"


def _read_url(text: str) -> httpx.URL:
    told = text.partition("?")[0].rpartition("@")[2][:MOST_TOLD]
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise BadRequest(f"{told!r} is no URL: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise BadRequest(f"{told!r} is no URL of the form https://host/path")
    return url


__all__ = ["MOST_ANSWER", "Calls", "Refused", "check_address", "host_of"]
