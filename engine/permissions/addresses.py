"""Network addresses of callers: texts in, comparable addresses out; allow lists, proxies, and blocks for throttling.

An IPv4 address written as IPv6 (`::ffff:1.2.3.4`) is the IPv4 address, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MOST_HOPS = 32
"""Entries of X-Forwarded-For that are looked at, from the right; no chain of proxies is that long."""
_LONGEST_ADDRESS = 64
_MAPPED_BITS = 96
_SITE_BITS = 64
"""A host on IPv6 owns at least this network, and can send from any address in it."""


class AllowList:
    """Networks in which an address may lie; an empty list holds no address."""

    def __init__(self, networks: Iterable[str]) -> None:
        """`networks` are addresses or CIDR blocks; raises ValueError with a message for one that is neither."""
        self._networks = tuple(parse_network(text) for text in networks)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: Address | None) -> bool:
        """Whether the address lies in one of the networks; an unknown address (None) never does."""
        return address is not None and any(
            address.version == network.version and address in network for network in self._networks
        )


def parse_network(text: str) -> Network:
    """An address or a CIDR block; raises ValueError for what is neither, or has bits set outside its mask."""
    network = ip_network(text.strip())
    if isinstance(network, IPv6Network):
        if network.network_address.scope_id is not None:
            raise ValueError(f"{text!r} names an interface; leave out the part from % on")
        mapped = network.network_address.ipv4_mapped
        if mapped is not None and network.prefixlen >= _MAPPED_BITS:
            return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))
    return network


@lru_cache(maxsize=4096)
def parse_address(text: str) -> Address | None:
    """The address that a text spells, or None. Takes `[::1]`, and a port behind (`1.2.3.4:80`, `[::1]:80`)."""
    text = text.strip()
    if not text.isascii() or len(text) > _LONGEST_ADDRESS:
        return None
    if text.startswith("["):
        text, bracket, port = text[1:].partition("]")
        if not bracket or (port and not _is_port(port)):
            return None
        if ":" not in text:
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not _is_port(f":{port}"):
            return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address


def _is_port(text: str) -> bool:
    return text[0] == ":" and text[1:].isdigit() and len(text) <= 6 and int(text[1:]) < 65_536


def find_client(peer: str | None, forwarded: Sequence[str], trusted: AllowList) -> Address | None:
    """Who sent a request: the peer of the connection, or who stands before it when the peer is a trusted proxy.

    `forwarded` are the X-Forwarded-For headers in their order. Each trusted proxy added the address it was asked from
    at the right end, so entries are read from the right and as far as trust goes; what stands left of that was
    written by the client and is ignored. An entry that is no address ends the reading: the proxy itself is the client.
    None: the server does not know the peer (a Unix socket).
    """
    client = parse_address(peer) if peer is not None else None
    if not forwarded or client not in trusted:
        return client
    entries = ",".join(forwarded).rsplit(",", MOST_HOPS)[-MOST_HOPS:]
    for entry in reversed(entries):
        address = parse_address(entry)
        if address is None:
            return client
        client = address
        if client not in trusted:
            return client
    return client


def render_address(address: Address | None) -> str | None:
    """The address as answers show it: IPv4 as `::ffff:1.2.3.4`."""
    if isinstance(address, IPv4Address):
        return "::ffff:" + str(address)  # its own way into an f-string costs three times as much
    return None if address is None else str(address)


def block_of(address: Address | None) -> str:
    """The part of the network that one sender is taken to own: an IPv4 address, an IPv6 /64, or `unknown`."""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _SITE_BITS), strict=False))
    return "unknown" if address is None else str(address)


__all__ = [
    "Address",
    "AllowList",
    "Network",
    "block_of",
    "find_client",
    "parse_address",
    "parse_network",
    "render_address",
]
