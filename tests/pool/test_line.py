"""What waiting is made of: the ends of many waits, and channels that serve one waiter after the other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from ccproxy_trio.pool import PoolConfig, PoolTimeout, open_pool
from ccproxy_trio.pool._waiters import Closed, Line, Refusal, Waiter

if TYPE_CHECKING:
    from trio.testing import MockClock

    from .workshop import Workshop


async def test_each_wait_ends_at_its_own_time(autojump_clock: MockClock, shop: Workshop) -> None:
    ends: list[tuple[float, float]] = []
    async with open_pool(shop, PoolConfig(min_size=1, max_size=1)) as pool:

        async def wait(timeout: float) -> None:
            with pytest.raises(PoolTimeout):
                async with pool.acquire(timeout=timeout):
                    pass
            ends.append((timeout, trio.current_time() - start))

        async with pool.acquire(), trio.open_nursery() as nursery:
            start = trio.current_time()
            for timeout in (7, 3, 5, 3, 0):
                nursery.start_soon(wait, timeout)
        assert sorted(ends) == [(0, 0), (3, 3), (3, 3), (5, 5), (7, 7)]
        assert pool.statistics().acquire_timeouts == 5
        assert pool.statistics().waiting == 0


async def test_the_end_of_a_wait_looks_after_no_resource(
    autojump_clock: MockClock, shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # If it did, it would mend by chance what a lost wake-up has broken, and no test could find that.
    async with open_pool(shop, PoolConfig(min_size=1, max_size=1)) as pool, pool.acquire():
        pumped: list[float] = []
        monkeypatch.setattr(pool._engine, "pump", lambda: pumped.append(trio.current_time()))
        start = trio.current_time()
        with pytest.raises(PoolTimeout):
            async with pool.acquire(timeout=2):
                pass
        assert trio.current_time() == start + 2
        assert set(pumped) == {start}


async def test_a_channel_serves_the_next_waiter_and_brings_it_nothing_old() -> None:
    line: Line[object] = Line()
    first: Waiter[object] = Waiter(None, 0, math.inf)
    line.join(first)
    channel = first.channel
    with trio.CancelScope() as scope:
        scope.cancel()
        await line.receive(first)
    assert scope.cancelled_caught
    assert first not in line

    second: Waiter[object] = Waiter(None, 0, math.inf)
    line.join(second)
    assert second.channel is channel
    answers = []

    async def receive() -> None:
        answers.append(await line.receive(second))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        assert not first.deliver(Closed())
        assert second.deliver(Refusal(None))
        assert not second.deliver(Closed())
    assert answers == [Refusal(None)]
    assert not line


async def test_waiters_that_wait_at_once_have_channels_of_their_own() -> None:
    line: Line[object] = Line()
    waiters: list[Waiter[object]] = [Waiter(None, 0, math.inf) for _ in range(3)]
    for waiter in waiters:
        line.join(waiter)
    assert len({waiter.channel for waiter in waiters}) == 3
