"""Another configuration for a pool that runs, and its resources replaced one by one."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import pytest
import trio

from ccproxy_trio.pool import PoolClosed, PoolConfig, PoolTimeout, RetireReason, open_null_pool, open_pool
from tests.pool.steps import assert_adds_up, borrow, settle
from tests.pool.workshop import slow

if TYPE_CHECKING:
    from trio.testing import MockClock

    from ccproxy_trio.pool import Pool
    from tests.pool.workshop import Thing, Workshop

QUIET = PoolConfig(min_size=1, max_size=4, health_check_interval=math.inf)


def change(pool: Pool[Thing], **changes: Any) -> None:
    pool.reconfigure(dataclasses.replace(pool.config, **changes))


async def test_the_rounds_of_checks_follow_the_interval(autojump_clock: MockClock, shop: Workshop) -> None:
    async with open_pool(shop, QUIET, check=shop.check) as pool:
        await trio.sleep(100)
        (thing,) = shop.made
        assert thing.checks == []
        change(pool, health_check_interval=10.0)
        await trio.sleep(25)
        assert thing.checks == [110, 120]
        change(pool, health_check_interval=3.0)
        await trio.sleep(7)
        assert thing.checks == [110, 120, 128, 131]
        change(pool, health_check_interval=math.inf)
        await trio.sleep(1000)
        assert len(thing.checks) == 4


async def test_what_lives_gets_another_lifetime(autojump_clock: MockClock, shop: Workshop) -> None:
    async with open_pool(shop, dataclasses.replace(QUIET, lifetime_jitter=0.0)) as pool:
        await trio.sleep(100)
        change(pool, max_lifetime=150.0)
        await trio.sleep(49)
        assert shop.closed == {}
        await trio.sleep(2)
        assert list(shop.closed.values()) == [150]
        change(pool, max_lifetime=math.inf)
        await trio.sleep(1000)
        assert len(shop.closed) == 1


async def test_idle_time_waits_and_uses_count_from_now_on(autojump_clock: MockClock, shop: Workshop) -> None:
    async with open_pool(shop, dataclasses.replace(QUIET, min_size=3, idle_timeout=1000.0)) as pool:
        await trio.sleep(100)
        change(pool, min_size=1, idle_timeout=120.0, acquire_timeout=2.0, max_uses=1, max_size=1)
        await settle()
        assert pool.statistics().retired[RetireReason.SHRUNK] == 2
        async with pool.acquire():
            start = trio.current_time()
            with pytest.raises(PoolTimeout):
                await borrow(pool)
            assert trio.current_time() - start == 2
        await settle()
        assert pool.statistics().retired[RetireReason.USES] == 1
        change(pool, min_size=0, max_uses=10, idle_timeout=5.0)
        await trio.sleep(6)
        assert pool.statistics().total == 0


async def test_another_back_off_keeps_the_pause_under_way(autojump_clock: MockClock, shop: Workshop) -> None:
    async def refuse(number: int) -> None:
        raise OSError

    shop.create = refuse
    async with open_pool(shop, dataclasses.replace(QUIET, create_backoff=(10.0, 40.0))) as pool:
        await settle()
        assert pool.statistics().backoff_until == 10
        change(pool, create_backoff=(1.0, 5.0))
        assert pool.statistics().backoff_until == 10
        await trio.sleep(11)
        assert pool.statistics().backoff_until == 15


async def test_a_closed_pool_and_a_null_pool(autojump_clock: MockClock, shop: Workshop) -> None:
    async with open_pool(shop, QUIET) as pool:
        pass
    with pytest.raises(PoolClosed):
        pool.reconfigure(QUIET)
    async with open_null_pool(shop, QUIET) as pool:
        change(pool, min_size=2, max_size=3, max_uses=7, min_fresh=1)
        await trio.sleep(10)
        assert pool.statistics().total == 0
        assert (pool.config.max_size, pool.config.max_uses, pool.config.min_fresh) == (3, 1, 0)


async def watch(pool: Pool[Thing], seen: list[int], until: float) -> None:
    """Note, at each turn of the scheduler and each second, how many could be had."""
    while trio.current_time() < until:
        statistics = pool.statistics()
        seen.append(statistics.idle + statistics.in_use)
        assert_adds_up(pool)
        await trio.sleep(0.5)


async def test_one_by_one_a_null_pool_keeps_none_meanwhile(autojump_clock: MockClock, shop: Workshop) -> None:
    async with open_null_pool(shop, QUIET) as pool:
        async with pool.acquire():
            pool.replace_all(one_by_one=True)
            await trio.sleep(20)
            assert (len(shop.made), pool.statistics().total) == (1, 1)
        await settle()
        assert len(shop.closed) == 1


async def test_one_by_one_there_are_never_fewer_where_there_is_room(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.create = slow(2)
    async with open_pool(shop, dataclasses.replace(QUIET, min_size=3)) as pool:
        await pool.wait_ready()
        old = set(shop.open)
        seen: list[int] = []
        pool.replace_all(one_by_one=True)
        await watch(pool, seen, until=trio.current_time() + 20)
        assert set(seen) == {3}
        assert not old & set(shop.open)
        assert (pool.statistics().idle, pool.statistics().created) == (3, 6)
        # One every two seconds: each goes when there is another.
        assert sorted(shop.closed.values()) == [4, 6, 8]


async def test_one_by_one_a_full_pool_misses_one_at_a_time(autojump_clock: MockClock, shop: Workshop) -> None:
    shop.create = slow(2)
    async with open_pool(shop, dataclasses.replace(QUIET, min_size=4)) as pool:
        await pool.wait_ready()
        old = set(shop.open)
        seen: list[int] = []
        pool.replace_all(one_by_one=True)
        await watch(pool, seen, until=trio.current_time() + 20)
        assert set(seen) == {3, 4}
        assert not old & set(shop.open)
        assert pool.statistics().retired[RetireReason.REPLACED] == 4


async def test_one_by_one_leases_go_on_and_those_that_come_back_wait_their_turn(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.create = slow(2)
    async with open_pool(shop, dataclasses.replace(QUIET, min_size=4)) as pool:
        await pool.wait_ready()
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(borrow, pool, 3.0)
            await settle()
            old = set(shop.open)
            pool.replace_all(one_by_one=True)
            await trio.sleep(2.9)
            assert set(shop.open) == old
        await settle()
        assert pool.statistics().idle == 3  # all four came back at once, and one of them has gone
        await trio.sleep(20)
        assert not old & set(shop.open)
        assert pool.statistics().idle == 4


async def test_one_by_one_ends_under_a_load_that_never_rests(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.create = slow(1)
    async with open_pool(
        shop, dataclasses.replace(QUIET, min_size=2, max_size=3, acquire_timeout=60)
    ) as pool:
        await pool.wait_ready()

        async def work() -> None:
            while trio.current_time() < 30:
                await borrow(pool, 0.5)

        async with trio.open_nursery() as nursery:
            for _ in range(12):
                nursery.start_soon(work)
            await trio.sleep(5)
            old = set(shop.open)
            pool.replace_all(one_by_one=True)
            await trio.sleep(10)
            assert not old & set(shop.open)
            assert pool.statistics().retired[RetireReason.REPLACED] == 3
        assert pool.statistics().acquire_timeouts == 0


async def test_one_by_one_nothing_goes_while_none_can_be_created(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    async with open_pool(shop, dataclasses.replace(QUIET, min_size=2)) as pool:
        await pool.wait_ready()
        old = set(shop.open)
        works, shop.create = shop.create, fail
        pool.replace_all(one_by_one=True)
        await trio.sleep(100)
        assert set(shop.open) == old
        shop.create = works
        await trio.sleep(40)
        assert len(shop.open) == 2
        assert not old & set(shop.open)


async def test_one_by_one_a_pool_that_is_full_by_now_tries_again_whether_one_can_be_created(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    async with open_pool(shop, dataclasses.replace(QUIET, min_size=3)) as pool:
        await pool.wait_ready()
        old = set(shop.open)
        works, shop.create = shop.create, fail
        pool.replace_all(one_by_one=True)
        await trio.sleep(100)
        assert set(shop.open) == old
        pool.resize(max_size=3)
        await trio.sleep(100)
        assert len(old & set(shop.open)) == 2
        shop.create = works
        await trio.sleep(100)
        assert len(shop.open) == 3
        assert not old & set(shop.open)


async def test_one_by_one_goes_on_after_a_start_for_somebody_has_failed(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.create = slow(2)
    async with open_pool(shop, dataclasses.replace(QUIET, min_size=2, max_size=6)) as pool:
        await pool.wait_ready()
        pool.replace_all(one_by_one=True)
        old = set(shop.open)
        await trio.sleep(1)
        async with pool.acquire(), pool.acquire(), pool.acquire():
            works, shop.create = shop.create, fail
            with pytest.raises(PoolTimeout):
                await borrow(pool, 0)
            shop.create = works
        await trio.sleep(100)
        assert not old & set(shop.open)


async def fail() -> None:
    raise OSError


async def test_one_by_one_and_then_at_once(autojump_clock: MockClock, shop: Workshop) -> None:
    shop.create = slow(2)
    async with open_pool(shop, dataclasses.replace(QUIET, min_size=3)) as pool:
        await pool.wait_ready()
        pool.replace_all(one_by_one=True)
        await trio.sleep(1)
        pool.replace_all()
        await settle()
        assert len(shop.open) == 0
        await trio.sleep(10)
        assert (pool.statistics().idle, min(thing.number for thing in shop.open)) == (3, 5)


async def test_one_by_one_twice_and_a_smaller_pool_meanwhile(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.create = slow(2)
    async with open_pool(shop, dataclasses.replace(QUIET, min_size=4, max_size=6)) as pool:
        await pool.wait_ready()
        pool.replace_all(one_by_one=True)
        await trio.sleep(5)
        pool.replace_all(one_by_one=True)
        youngest = max(thing.number for thing in shop.made)
        pool.resize(min_size=1, max_size=2)
        await trio.sleep(30)
        assert pool.statistics().total == 1
        assert all(thing.number > youngest for thing in shop.open)
