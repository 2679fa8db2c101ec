"""What is this machine's own, and what a browser may be made to ask of it: addresses, Host and Origin. Pure.

A page in a browser can send requests to loopback, but not without saying so: an Origin stands in each request whose
answer it could read, or that could do something. By DNS rebinding, where the name of the page's own site turns into
127.0.0.1, both would look like requests to that site; then the name is still in Host. An address there is no sign of
it, as an address cannot be made to mean another.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

LOOPBACK = "localhost"

_HOST = re.compile(r"(\[(?P<address>[^]]+)\]|(?P<name>[^:\[\]]+?)\.?)(:\d*)?")


def is_loopback(address: str) -> bool:
    """Whether this is an address that only this machine has; an IPv4 address may be in the dress of IPv6."""
    found = _parse(address)
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped.is_loopback
    return found is not None and found.is_loopback


def is_own_host(host: str, names: Collection[str]) -> bool:
    """Whether a Host header can be meant for this server: an address, localhost, or one of `names` (lower case)."""
    found = _HOST.fullmatch(host.lower())
    if found is None:
        return False
    return _parse(found["address"] or found["name"]) is not None or found["name"] in {LOOPBACK, *names}


@lru_cache(maxsize=64)  # the same few come with every request
def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None
