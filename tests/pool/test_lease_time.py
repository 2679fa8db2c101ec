"""How long leases last, as the pool tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio

from ccproxy_trio.pool import PoolConfig, open_pool
from tests.pool.steps import borrow, settle
from tests.pool.workshop import error, slow

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio.testing import MockClock

    from tests.pool.workshop import Workshop


async def test_of_the_mean_the_latest_lease_is_an_eighth(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    async with open_any(shop, PoolConfig(min_size=0, max_size=1)) as pool, trio.open_nursery() as nursery:
        assert pool.statistics().lease_time is None
        nursery.start_soon(borrow, pool, 4)
        await settle()
        assert pool.statistics().lease_time is None  # It has not ended.
        nursery.start_soon(borrow, pool, 12)  # What it waits is not counted.
        await trio.sleep(15)
        assert pool.statistics().lease_time == 4
        await trio.sleep(1)
        await settle()
        assert pool.statistics().lease_time == 5
        for _ in range(2):
            await borrow(pool, 5)
        assert pool.statistics().lease_time == 5


async def test_a_reset_counts_as_well(autojump_clock: MockClock, shop: Workshop) -> None:
    shop.reset_gate = slow(2)
    async with open_pool(shop, PoolConfig(min_size=1, max_size=1), reset=shop.reset) as pool:
        await borrow(pool, 6)
        assert pool.statistics().lease_time is None  # It is not over before that.
        await trio.sleep(10)
        assert pool.statistics().lease_time == 8
        shop.reset_gate = error
        await borrow(pool, 16)
        await settle()
        assert pool.statistics().lease_time == 9
        async with pool.acquire() as lease:
            await trio.sleep(1)
            lease.retire()
        assert pool.statistics().lease_time == 8  # It was retired, and there was no reset.
