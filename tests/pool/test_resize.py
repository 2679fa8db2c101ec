"""Changing a pool that runs: its sizes, and all its resources."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import trio

from ccproxy_trio.pool import PoolConfig, RetireReason, open_null_pool, open_pool
from tests.pool.steps import assert_adds_up, borrow, settle
from tests.pool.workshop import slow

if TYPE_CHECKING:
    from trio.testing import MockClock

    from tests.pool.workshop import Workshop


async def test_a_higher_floor_is_filled_at_once(autojump_clock: MockClock, shop: Workshop) -> None:
    async with open_pool(shop, PoolConfig(min_size=1)) as pool:
        await pool.wait_ready()
        pool.resize(min_size=4)
        await pool.wait_ready()
        assert pool.statistics().idle == 4
        assert (pool.config.min_size, pool.config.max_size) == (4, 10)


async def test_a_lower_floor_lets_go_what_has_been_idle_for_long(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    async with open_pool(shop, PoolConfig(min_size=4, idle_timeout=100)) as pool:
        await trio.sleep(150)
        pool.resize(min_size=1)
        await settle()
        assert sorted(shop.closed.values()) == [150, 150, 150]
        assert pool.statistics().idle == 1


async def test_a_lower_limit_ends_the_idle_now_and_the_leased_on_return(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    async with open_pool(shop, PoolConfig(min_size=0, max_size=5)) as pool:
        async with trio.open_nursery() as nursery:
            for seconds in (1, 1, 10, 20, 30):
                nursery.start_soon(borrow, pool, seconds)
            await trio.sleep(2)
            pool.resize(max_size=2)
            await settle()
            assert sorted(shop.closed.values()) == [2, 2]
            await trio.sleep(10)
            assert_adds_up(pool)
            assert sorted(shop.closed.values()) == [2, 2, 10]
        assert pool.statistics().retired[RetireReason.SHRUNK] == 3
        assert pool.statistics().idle == 2


async def test_a_creation_under_way_above_the_new_limit_is_let_go(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.create = slow(5)
    async with open_pool(shop, PoolConfig(min_size=3, max_size=3)) as pool:
        await trio.sleep(1)
        pool.resize(min_size=1, max_size=1)
        await trio.sleep(5)
        assert pool.statistics().total == pool.statistics().idle == 1


async def test_impossible_sizes_change_nothing(autojump_clock: MockClock, shop: Workshop) -> None:
    async with open_pool(shop, PoolConfig(min_size=1, max_size=2)) as pool:
        with pytest.raises(ValueError, match=r"PoolConfig\.min_size = 3"):
            pool.resize(min_size=3)
        with pytest.raises(ValueError, match=r"PoolConfig\.max_size = 0"):
            pool.resize(max_size=0)
        assert (pool.config.min_size, pool.config.max_size) == (1, 2)


async def test_replace_all(autojump_clock: MockClock, shop: Workshop) -> None:
    shop.create = slow(2)
    config = PoolConfig(min_size=3, max_size=4, health_check_interval=math.inf)
    async with open_pool(shop, config) as pool:
        await pool.wait_ready()
        async with pool.acquire() as lease, trio.open_nursery() as nursery:
            pool.replace_all()
            await settle()
            assert set(shop.open) == {lease.value}
            # Even one whose creation began before: it is of yesterday when it is ready.
            await trio.sleep(1)
            pool.replace_all()
            nursery.start_soon(borrow, pool)
            await trio.sleep(10)
            old = lease.value.number
        await trio.sleep(2)
        await settle()
        assert old in shop.closed
        stats = pool.statistics()
        assert stats.idle == 3
        assert min(thing.number for thing in shop.open) > old
        assert stats.retired[RetireReason.REPLACED] == stats.destroyed
    shop.assert_clean()


async def test_a_null_pool_gives_each_lease_a_fresh_resource_and_keeps_none(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.create = slow(1)
    config = PoolConfig(min_size=2, max_size=3, min_fresh=1, check_after_idle=0)
    async with open_null_pool(shop, config, check=shop.check, reset=shop.reset) as pool:
        await pool.wait_ready()
        await trio.sleep(10)
        assert shop.begun == []
        for number in (1, 2, 3):
            start = trio.current_time()
            async with pool.acquire() as lease:
                assert trio.current_time() - start == 1
                assert (lease.value.number, lease.uses) == (number, 1)
            await settle()
            assert pool.statistics().total == 0
        # The acquire left before its resource was ready, and nobody else waits: it does not linger.
        with trio.move_on_after(0.5):
            await borrow(pool)
        await trio.sleep(0.5)
        await settle()
        assert (pool.statistics().created, pool.statistics().total) == (4, 0)
        pool.resize(min_size=3, max_size=4)
        await trio.sleep(10)
        assert (pool.statistics().total, pool.config.max_size) == (0, 4)
        assert pool.statistics().reused == 0
    assert all(not thing.checks and not thing.resets for thing in shop.made)
