"""Clients that leave, and clients that hardly read: what they held is soon there for the next."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from tests.server.http_client import PATIENCE
from tests.server.proxy import Backend, Proxy, children, eventually, open_proxy

HISTORY = [{"role": "assistant" if n % 2 else "user", "content": f"message {n}"} for n in range(60)]


async def check_same_child(proxy: Proxy, child: set[int]) -> None:
    """At rest again, by the same process, which has forgotten everything."""
    statistics = await proxy.settle()
    assert statistics.created == 1, statistics.last_error
    assert children() == child
    assert (await proxy.ask("well")).text == "Demo echo: well"
    assert '"left' not in (await proxy.ask("[[dump]]")).text


@pytest.mark.parametrize("stream", [False, True])
async def test_before_and_after_the_first_byte(backend: Backend, stream: bool) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        await proxy.settle()
        child = children()
        for prompt in ("left [[delay=30]]", "left [[hang; at=5]]", "left [[deltas=2000; gap=0.05]]"):
            before = len(proxy.upstream)
            async with proxy.open(prompt, stream=stream) as exchange:
                if stream and "delay" not in prompt:
                    await exchange.until("content_block_delta")
                elif backend.demo:
                    await proxy.until(lambda now: now.in_use == 1)
                else:
                    await eventually(lambda: len(proxy.upstream) > before)  # noqa: B023 -- awaited here
            await proxy.until(lambda now: now.in_use == 0)
            if not backend.demo:
                await eventually(lambda: proxy.upstream[before].outcome is not None)  # noqa: B023 -- likewise
                assert proxy.upstream[before].outcome == "client_gone"
            await check_same_child(proxy, child)


async def test_while_the_history_is_fed(backend: Backend) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        await proxy.settle()
        child = children()
        for wait in (0.0, 0.02, 0.1):
            async with proxy.open([*HISTORY, {"role": "user", "content": "left [[delay=30]]"}]):
                await proxy.until(lambda now: now.in_use == 1)
                await trio.sleep(wait)
            await proxy.until(lambda now: now.in_use == 0)
            await check_same_child(proxy, child)
        assert proxy.statistics.reset_failures == 0


async def test_in_the_queue(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        await proxy.settle()
        child = children()
        async with proxy.open("left [[hang]]", stream=True) as exchange:
            await exchange.until("message_start")
            async with trio.open_nursery() as nursery:

                async def wait_in_vain() -> None:
                    async with proxy.open("left in the queue"):
                        await trio.sleep_forever()

                for _ in range(10):
                    nursery.start_soon(wait_in_vain)
                await proxy.until(lambda now: now.waiting == 10)
                nursery.cancel_scope.cancel()
            assert (await proxy.until(lambda now: now.waiting == 0)).acquire_cancelled == 10
        await check_same_child(proxy, child)
        assert proxy.statistics.acquired == 3


async def test_many_at_once(demo: Backend) -> None:
    """Whenever they leave, no slot is lost, and who stays gets an own answer."""
    async with open_proxy(demo, pool={"min_size": 2, "max_size": 3}) as proxy:
        texts: dict[int, str] = {}

        async def come(number: int) -> None:
            if number % 3 == 0:
                texts[number] = (await proxy.ask(f"number {number} [[gap=0.005]]", stream=True)).text
                return
            with trio.move_on_after(number % 17 / 100):
                await proxy.ask("left [[gap=0.02]]", stream=number % 2 == 0)

        async with trio.open_nursery() as nursery:
            for number in range(150):
                nursery.start_soon(come, number)
                await trio.sleep(0.002)
        assert texts == {number: f"Demo echo: number {number}" for number in range(0, 150, 3)}
        statistics = await proxy.settle()
        assert statistics.create_failures == statistics.close_failures == 0


@pytest.mark.parametrize("stay", [False, True])
async def test_a_slow_reader_holds_up_the_child(demo: Backend, stay: bool) -> None:
    """Nothing piles up in the server; who reads on gets every byte, and who leaves frees the instance.

    The time for which the reader holds up the child is no silence of the child's.
    """
    async with open_proxy(demo, pool={"max_size": 1}, claude={"stall_timeout": 1.0}) as proxy:
        await proxy.settle()
        child = children()
        async with proxy.open("left [[deltas=200000]]", stream=True, receive_buffer=4096) as exchange:
            await exchange.until("content_block_delta")
            assert await written_when_stuck(child) < 12_000_000
            assert proxy.statistics.in_use == 1
            if stay:
                await trio.sleep(1.2)
                rest = await exchange.read()
                assert rest.body.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
                assert rest.body.count(b"event: content_block_delta\n") > 190_000
        await check_same_child(proxy, child)


async def written_when_stuck(child: set[int]) -> int:
    """Wait until the child writes no more, as everything below it is full; how many bytes it has written by then."""
    (pid,) = child
    before, looks = -1, 0
    with trio.fail_after(PATIENCE):
        while looks < 3:  # A busy machine may hold it up for a moment.
            now = _written(pid)
            before, looks = now, looks + 1 if now == before else 0
            await trio.sleep(0.2)
    return before


def _written(pid: int) -> int:
    io = Path(f"/proc/{pid}/io").read_text()
    return int(dict(line.split(": ") for line in io.splitlines())["wchar"])
