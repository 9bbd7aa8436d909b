"""Which addresses may be connected to: those of the public internet, and none that lead back.

Python's `is_global` is not enough: it says yes to `64:ff9b::7f00:1` and `2002:7f00:1::`, which translate to
127.0.0.1, and to multicast. So an IPv6 address must be global unicast and of no special purpose, and one
that carries an IPv4 address is judged by that as well.

Sources: https://www.iana.org/assignments/iana-ipv6-special-registry,
https://www.iana.org/assignments/iana-ipv4-special-registry, RFC 6052 (NAT64), RFC 3056 (6to4)
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # protocol assignments, among them anycast
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # AMT
            "192.88.99.0/24",  # relays of 6to4
            "192.175.48.0/24",  # AS112
            "2001::/23",  # protocol assignments, among them Teredo and ORCHID
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)


def address_of(text: str) -> Address | None:
    """The address that a text is, in the usual spelling; None for any other text, and for one with a zone."""
    bare = text.removeprefix("[").removesuffix("]")
    try:
        return None if "%" in bare else ipaddress.ip_address(bare)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, in itself and in every address that it carries."""
    if isinstance(address, ipaddress.IPv6Address):
        carried = tuple(_carried(address))
        if carried:
            return all(map(is_public, carried))
        if address not in _GLOBAL_UNICAST:
            return False
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return not any(address in network for network in _SPECIAL if network.version == address.version)


def _carried(address: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """IPv4 addresses that a packet to this address may end up at."""
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address in _NAT64:
        yield ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)


def is_own(address: Address) -> bool:
    """Whether an address belongs to this machine: only then can a socket be bound to it."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def refusal(text: str, owned: Callable[[Address], bool] = is_own) -> str | None:
    """None where an address may be connected to, else why not."""
    address = address_of(text)
    if address is None:
        return f"{text[:60]!r} is no address in its usual spelling"
    if not is_public(address):
        return f"{address} is not an address of the public internet"
    carried = _carried(address) if isinstance(address, ipaddress.IPv6Address) else ()
    if any(map(owned, (address, *carried))):
        return f"{address} is an address of this machine"
    return None
