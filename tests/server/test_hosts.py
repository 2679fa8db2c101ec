"""Which addresses and names are this machine's own."""

from __future__ import annotations

import pytest

from ccproxy_trio.server.hosts import is_loopback, is_own_host


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.8.7", "::1", "::ffff:127.0.0.1"])
def test_addresses_of_this_machine_only(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1", "fe80::1%eth0", "localhost", "", "127.1"]
)
def test_addresses_that_others_may_reach(address: str) -> None:
    assert not is_loopback(address)


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LocalHost:8000", "localhost.", "127.0.0.1", "127.0.0.1:8000", "192.0.2.1:80"),
        *("[::1]", "[::1]:8000", "[2001:db8::1]", "proxy", "PROXY:80", "ai.example.com.:443"),
    ],
)
def test_hosts_that_are_meant_for_us(host: str) -> None:
    assert is_own_host(host, {"proxy", "ai.example.com"})


@pytest.mark.parametrize(
    "host",
    [
        *("", ":80", "evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example"),
        *(
            "notlocalhost",
            "localhost@evil.example",
            "evil.example#localhost",
            "::1",
            "[::1",
            "[evil]",
            "a b",
            "\xff",
        ),
        *("proxy.evil.example", "example.com", "evil.ai.example.com", "2130706433", "127.1", "localhost.."),
    ],
)
def test_hosts_that_are_not(host: str) -> None:
    assert not is_own_host(host, {"proxy", "ai.example.com"})
