"""Clients that hardly read: they get every byte, but nobody waits for them longer than must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
import pytest
import trio

from ccproxy_trio.server.errors import refuse
from tests.server.asking import CHAT, COUNT, ENDPOINTS, RESPONSES, Endpoint
from tests.server.http_client import open_exchange
from tests.server.proxy import Backend, children, open_proxy
from tests.server.transport.small_app import put_in_place

if TYPE_CHECKING:
    from collections.abc import Sequence

LONG = "x" * 12_000_000
"""More than the kernel takes in for a client that does not read."""
WHOLE: Sequence[Endpoint] = [endpoint for endpoint in ENDPOINTS if endpoint is not COUNT]


@pytest.mark.parametrize("endpoint", WHOLE, ids=lambda endpoint: endpoint.path[4:])
async def test_a_whole_answer_holds_no_instance(demo: Backend, endpoint: Endpoint) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        await proxy.settle()
        child = children()
        async with open_exchange(
            proxy.port, endpoint.path, endpoint.body(LONG), receive_buffer=4096
        ) as exchange:
            assert await exchange.start() == 200
            await proxy.settle()
            assert (await proxy.ask("well")).text == "Demo echo: well"
            assert LONG.encode() in (await exchange.read()).body
        assert (await proxy.settle()).created == 1
        assert children() == child


@pytest.mark.parametrize("endpoint", [CHAT, RESPONSES], ids=lambda endpoint: endpoint.path[4:])
async def test_a_stream_holds_up_the_child(demo: Backend, endpoint: Endpoint) -> None:
    """The other endpoint's is in `test_leaving`."""
    async with open_proxy(demo, pool={"max_size": 1}, claude={"stall_timeout": 1.0}) as proxy:
        body = endpoint.body("left [[deltas=50000]]", stream=True)
        async with open_exchange(proxy.port, endpoint.path, body, receive_buffer=4096) as exchange:
            assert await exchange.start() == 200
            await trio.sleep(1.2)
            assert proxy.statistics.in_use == 1
            assert endpoint.last in (await exchange.read()).body[-200_000:]
        assert (await proxy.settle()).created == 1


async def test_who_takes_nothing_is_cut_off(demo: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_place(monkeypatch, repaired=True, write_timeout=0.5, refuse=refuse)
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        await proxy.settle()
        child = children()
        async with proxy.open("left [[deltas=200000]]", stream=True, receive_buffer=4096) as exchange:
            await proxy.until(lambda now: now.in_use == 1)
            await proxy.settle()
            with pytest.raises((trio.BrokenResourceError, h11.RemoteProtocolError)):
                await exchange.read()
        assert (await proxy.ask("well")).text == "Demo echo: well"
        assert (await proxy.settle()).created == 1
        assert children() == child
