"""Clients that leave, at every stage of every endpoint: the instance is free again, and upstream is not kept busy."""

from __future__ import annotations

import pytest
import trio

from tests.server.asking import COUNT, ENDPOINTS, MESSAGES, Endpoint, read_until
from tests.server.proxy import Backend, Proxy, children, eventually, open_proxy

WAITS = (0.0, 0.003, 0.02, 0.1)
BEGINS = "left [[deltas=2000; gap=0.05]]"
paths = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path[4:])


async def check_at_rest(proxy: Proxy, child: set[int]) -> None:
    """By the same process, which has forgotten everything."""
    statistics = await proxy.settle()
    assert statistics.created == 1, statistics.last_error
    assert statistics.reset_failures == 0
    assert children() == child
    assert '"left' not in (await proxy.ask("[[dump]]")).text


@paths
async def test_in_the_queue(demo: Backend, endpoint: Endpoint) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        await proxy.settle()
        child = children()
        async with MESSAGES.open(proxy, "left [[hang]]", stream=True) as first:
            await first.start()
            for stream in endpoint.ways:
                async with endpoint.open(proxy, "left", stream=stream):
                    await proxy.until(lambda now: now.waiting == 1)
                await proxy.until(lambda now: now.waiting == 0)
        assert proxy.statistics.acquired == 1
        await check_at_rest(proxy, child)


@paths
async def test_while_the_history_is_fed(demo: Backend, endpoint: Endpoint) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        await proxy.settle()
        child = children()
        for stream in endpoint.ways:
            for wait in WAITS:
                before = proxy.statistics.acquired
                async with endpoint.open(proxy, "left [[delay=30]]", stream=stream, history=60):
                    await proxy.until(lambda now: now.acquired > before)  # noqa: B023 -- awaited in this round
                    await trio.sleep(wait)
                await proxy.until(lambda now: now.in_use == 0)
        await check_at_rest(proxy, child)


async def test_while_the_answer_is_under_way(backend: Backend) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        await proxy.settle()
        child = children()
        for endpoint in ENDPOINTS:
            for stream in endpoint.ways:
                before, acquired = len(proxy.upstream), proxy.statistics.acquired
                async with endpoint.open(proxy, BEGINS, stream=stream) as exchange:
                    if stream:
                        await read_until(exchange, endpoint.first)
                    elif endpoint is COUNT or backend.demo:
                        await proxy.until(lambda now: now.acquired > acquired)  # noqa: B023 -- likewise
                    else:
                        await eventually(lambda: len(proxy.upstream) > before)  # noqa: B023 -- likewise
                await proxy.until(lambda now: now.in_use == 0)
                if proxy.api is not None and endpoint is not COUNT:
                    await eventually(lambda: proxy.upstream[before].outcome == "client_gone")  # noqa: B023 -- likewise
        await check_at_rest(proxy, child)


@pytest.mark.cli
async def test_while_upstream_counts(cli: Backend) -> None:
    """The CLI cannot be told to give up a count, so the instance ends, and takes the count with it."""
    async with open_proxy(cli, pool={"max_size": 1, "reset_timeout": 0.5}) as proxy:
        await proxy.settle()
        assert proxy.api is not None
        async with COUNT.open(proxy, "left [[delay=30]]"):
            await eventually(lambda: any("left" in str(request.body) for request in proxy.api.requests))
        await eventually(lambda: all(request.outcome is not None for request in proxy.api.requests))
        assert "client_gone" in [request.outcome for request in proxy.api.requests]
        assert (await proxy.ask("well")).text == "Demo echo: well"
        assert (await proxy.settle()).created == 2


@paths
async def test_between_the_last_event_and_the_end(demo: Backend, endpoint: Endpoint) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        await proxy.settle()
        child = children()
        for stream in endpoint.ways:
            for number in range(10):
                async with endpoint.open(proxy, "left", stream=stream) as exchange:
                    if stream:
                        await read_until(exchange, endpoint.last)
                    else:
                        assert await exchange.start() == 200
                await proxy.until(lambda now: now.in_use == 0)
                assert (await proxy.ask(f"next {number}")).text == f"Demo echo: next {number}"
        await check_at_rest(proxy, child)


async def test_while_the_body_is_sent(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        await proxy.settle()
        child, tasks = children(), trio.lowlevel.current_statistics().tasks_living
        for endpoint in ENDPOINTS:
            body = endpoint.body("left")
            head = f"POST {endpoint.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            for piece in (head[:20], head, head + body[:-1]):
                stream = await trio.open_tcp_stream("127.0.0.1", proxy.port)
                await stream.send_all(piece)
                await stream.aclose()
        await eventually(lambda: trio.lowlevel.current_statistics().tasks_living <= tasks)
        assert proxy.statistics.acquired == 0
        await check_at_rest(proxy, child)
