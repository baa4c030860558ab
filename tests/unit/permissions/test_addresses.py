from ipaddress import ip_address

import pytest

from engine.permissions.addresses import (
    AllowList,
    block_of,
    find_client,
    parse_address,
    parse_network,
    render_address,
)
from tests.every import every

PROXIES = AllowList(["10.0.0.0/8", "2001:db8:ffff::/48"])


@every(
    ("text", "expected"),
    [
        ("1.2.3.4", "1.2.3.4"),
        (" 1.2.3.4 ", "1.2.3.4"),
        ("1.2.3.4:5678", "1.2.3.4"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("::FFFF:102:304", "1.2.3.4"),
        ("[::ffff:1.2.3.4]:80", "1.2.3.4"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
    ],
)
def test_addresses_are_read_in_all_their_forms(text, expected):
    assert parse_address(text) == ip_address(expected)


@every(
    "text",
    [
        "", "unknown", "_hidden", "localhost", "1.2.3", "1.2.3.4.5", "01.2.3.4", "0x01020304", "16909060", "1.2.3.4/8",
        "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:99999", "[1.2.3.4]", "[::1", "::1]", "[::1]x", "[::1]:99999", "fe80::1%eth0",
        "１.2.3.4", "1.2.3.4\x00", "1" * 100, "for=1.2.3.4",
    ],
)  # fmt: skip
def test_what_is_no_address_is_none(text):
    assert parse_address(text) is None


@every(
    ("networks", "address", "inside"),
    [
        (["10.0.0.0/8"], "10.1.2.3", True),
        (["10.0.0.0/8"], "::ffff:10.1.2.3", True),
        (["10.0.0.0/8"], "11.0.0.1", False),
        (["1.2.3.4"], "1.2.3.4", True),
        (["1.2.3.4"], "1.2.3.5", False),
        (["::ffff:10.0.0.0/104"], "10.1.2.3", True),
        (["::ffff:1.2.3.4"], "1.2.3.4", True),
        (["2001:db8::/32"], "2001:db8:1::5", True),
        (["2001:db8::/32"], "2001:db9::5", False),
        (["::/0"], "1.2.3.4", False),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["1.2.3.4", "2001:db8::/32"], "2001:db8::9", True),
        ([], "1.2.3.4", False),
    ],
)
def test_allow_lists_know_both_families_and_mapped_forms(networks, address, inside):
    assert (parse_address(address) in AllowList(networks)) is inside


def test_an_unknown_address_is_in_no_list():
    assert None not in AllowList(["0.0.0.0/0", "::/0"])


@pytest.mark.parametrize("text", ["", "10.0.0.1/8", "office", "10.0.0.0/33", "1.2.3.4-1.2.3.9", "fe80::1%eth0"])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_network(text)


def client(peer, *forwarded, trusted=PROXIES):
    return str(find_client(peer, forwarded, trusted))


def test_without_trusted_proxies_the_peer_is_the_client_whatever_it_says():
    assert client("8.8.8.8", "1.2.3.4", trusted=AllowList([])) == "8.8.8.8"
    assert client("127.0.0.1", "1.2.3.4", trusted=AllowList([])) == "127.0.0.1"


def test_the_chain_is_read_from_the_right_as_far_as_trust_goes():
    assert client("10.0.0.1", "8.8.8.8") == "8.8.8.8"
    assert client("10.0.0.1", "8.8.8.8, 10.0.0.2") == "8.8.8.8"
    assert client("10.0.0.1", "8.8.8.8", "10.0.0.2,10.0.0.3") == "8.8.8.8"
    assert client("2001:db8:ffff::1", "2001:db8::7") == "2001:db8::7"
    assert client("10.0.0.1", "10.0.0.9, 10.0.0.2") == "10.0.0.9"
    assert client("10.0.0.1") == "10.0.0.1"
    assert find_client(None, ["1.2.3.4"], PROXIES) is None


INSIDE = "192.0.2.7"
ATTACKER = "8.8.8.8"
SPOOFS = [
    ("8.8.8.8", [INSIDE]),
    ("8.8.8.8", [f"{INSIDE}, 10.0.0.2"]),
    ("8.8.8.8", ["10.0.0.1"]),
    ("::ffff:8.8.8.8", [INSIDE]),
    ("8.8.8.8", [f"{INSIDE}"] * 5),
    ("10.0.0.1", [f"{INSIDE}, 8.8.8.8"]),
    ("10.0.0.1", [INSIDE, "8.8.8.8"]),
    ("10.0.0.1", [f"{INSIDE},8.8.8.8,10.0.0.2"]),
    ("10.0.0.1", [f"{INSIDE}, ::ffff:8.8.8.8"]),
    ("10.0.0.1", [f"{INSIDE}, [::ffff:8.8.8.8]:4444"]),
    ("10.0.0.1", [f"{INSIDE}, 8.8.8.8:4444"]),
    ("10.0.0.1", [f"{INSIDE},\t8.8.8.8"]),
    ("10.0.0.1", [f"{INSIDE}, 10.0.0.2, 8.8.8.8"]),
    ("10.0.0.1", [f"10.0.0.5, {INSIDE}, 8.8.8.8"]),
    ("10.0.0.1", [f"{', '.join([INSIDE] * 500)}, 8.8.8.8"]),
    ("10.0.0.1", [f"{', ' * 100}{INSIDE}, 8.8.8.8"]),
    ("10.0.0.1", [f"{INSIDE};8.8.8.8", "8.8.8.8"]),
    ("2001:db8:ffff::1", [f"{INSIDE}, 8.8.8.8"]),
]
UNREADABLE = [
    ("10.0.0.1", [f"{INSIDE}, unknown"]),
    ("10.0.0.1", [f"{INSIDE}, "]),
    ("10.0.0.1", [f"{INSIDE}, 8.8.8.8x"]),
    ("10.0.0.1", [f"for={INSIDE}"]),
    ("10.0.0.1", [f'"{INSIDE}"']),
    ("10.0.0.1", [f"{INSIDE} 8.8.8.8"]),
    ("10.0.0.1", [f"{INSIDE}, 0x08080808"]),
    ("10.0.0.1", [f"{INSIDE}\x00"]),
    ("10.0.0.1", ["192.0.2.7/32"]),
    ("10.0.0.1", [f"{INSIDE}, 134744072"]),
]


def test_no_forged_header_gives_an_address_inside():
    assert len(SPOOFS) + len(UNREADABLE) >= 20
    allowed = AllowList(["192.0.2.0/24"])
    assert [find_client(peer, said, PROXIES) for peer, said in SPOOFS] == [ip_address(ATTACKER)] * len(SPOOFS)
    for peer, said in UNREADABLE:
        assert find_client(peer, said, PROXIES) == ip_address(peer), said
        assert find_client(peer, said, PROXIES) not in allowed


def test_answers_show_ipv4_as_ipv6():
    assert render_address(parse_address("1.2.3.4")) == "::ffff:1.2.3.4"
    assert render_address(parse_address("2001:db8::1")) == "2001:db8::1"
    assert render_address(None) is None


def test_blocks_are_what_one_sender_owns():
    assert block_of(parse_address("1.2.3.4")) == "1.2.3.4"
    assert block_of(parse_address("2001:db8::1")) == block_of(parse_address("2001:db8::ffff:1")) == "2001:db8::/64"
    assert block_of(parse_address("2001:db8:0:1::1")) != block_of(parse_address("2001:db8::1"))
    assert block_of(None) == "unknown"
