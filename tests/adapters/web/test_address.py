"""Which addresses may be connected to."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.adapters.web.address import Address, address_of, is_own, is_public, refusal

BACK = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "169.254.169.254",
    "172.16.0.1", "192.168.1.1", "192.0.0.9", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "::1",
    "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1", "64:ff9b:1::1", "2002:7f00:1::", "2002:808:808::", "2001::1", "2001:db8::1",
    "2001:10::1", "3fff::1", "fc00::1", "fd00::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
    "100::1", "::ffff:0:127.0.0.1", "5f00::1",
]  # fmt: skip
SPELLINGS = [
    "2130706433", "0x7f000001", "017700000001", "127.1", "127.0.1", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.01",
    "localhost", "localhost.", "LOCALHOST", "0", "", " 127.0.0.1", "127.0.0.1.", "::1 ", "[::1%lo]",
    "①②⑦.⓪.⓪.①", "127。0。0。1", "example.com", "1.2.3.4.5", "::ffff:127.0.0.1%1", "0:0:0:0:0:0:0:0:1",
    "127.0.0.1\0", "f" * 400,
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e",
    "::ffff:8.8.8.8", "64:ff9b::808:808",
]  # fmt: skip


def nowhere(_address: Address) -> bool:
    return False


@pytest.mark.parametrize("text", BACK)
def test_an_address_that_leads_back_is_refused(text: str) -> None:
    assert refusal(text, nowhere) is not None
    assert refusal(f"[{text}]", nowhere) is not None


@pytest.mark.parametrize("text", SPELLINGS)
def test_an_unusual_spelling_is_no_address(text: str) -> None:
    assert address_of(text) is None
    assert "is no address in its usual spelling" in (refusal(text, nowhere) or "")


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_not_refused(text: str) -> None:
    assert refusal(text, nowhere) is None


def test_an_address_of_this_machine_is_refused_even_if_it_is_public() -> None:
    own = ipaddress.ip_address("8.8.8.8")
    for text in ("8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::808:808"):
        assert "of this machine" in (refusal(text, lambda address: address == own) or "")
    assert is_own(ipaddress.ip_address("127.0.0.1"))
    assert not is_own(ipaddress.ip_address("8.8.8.8"))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_every_wrapping(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for wrapped in ((0xFFFF << 32) | number, (0x64FF9B << 96) | number):
        assert is_public(ipaddress.IPv6Address(wrapped)) == is_public(address)
    assert not is_public(ipaddress.IPv6Address((0x2002 << 112) | (number << 80)))
    if is_public(address):
        assert address.is_global


@given(st.ip_addresses(v=6))
def test_a_public_ipv6_address_is_global_unicast_or_carries_a_public_one(
    address: ipaddress.IPv6Address,
) -> None:
    if is_public(address):
        carries = int(address) >> 32 in (0xFFFF, 0x64FF9B << 64)
        assert carries or address in ipaddress.ip_network("2000::/3")


@given(st.text(max_size=50))
def test_any_text_is_refused_or_an_address(text: str) -> None:
    if refusal(text, nowhere) is None:
        socket.getaddrinfo(text.strip("[]"), 80, flags=socket.AI_NUMERICHOST)
