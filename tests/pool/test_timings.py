"""Every timing of docs' connection pool page, on virtual time, to the very second."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import trio
import trio._core._run as scheduler

from ccproxy_trio.pool import Pool, PoolConfig, PoolTimeout, RetireReason, open_pool
from tests.pool.steps import borrow, settle
from tests.pool.workshop import never, slow

if TYPE_CHECKING:
    from trio.testing import MockClock

    from tests.pool.workshop import Workshop


async def test_warm_up_creates_min_size_at_once(autojump_clock: MockClock, shop: Workshop) -> None:
    shop.create = slow(0.4)
    async with open_pool(shop, PoolConfig(min_size=3)) as pool:
        assert pool.statistics().starting == 3
        await pool.wait_ready()
        assert trio.current_time() == 0.4
        assert shop.begun == [0, 0, 0]
        assert pool.statistics().idle == 3
        async with pool.acquire() as lease:
            assert trio.current_time() == 0.4
            assert lease.uses == 1
            assert lease.age == 0


async def test_without_warm_up_nothing_is_created_before_the_first_acquire(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.create = slow(0.4)
    async with open_pool(shop, PoolConfig(min_size=2, warmup_on_startup=False)) as pool:
        await pool.wait_ready()
        await trio.sleep(1000)
        assert shop.begun == []
        await borrow(pool)
        assert trio.current_time() == 1000.4
        assert shop.begun == [1000, 1000]
        # From now on min_size is kept up, and idle clean-up stops there.
        await trio.sleep(1000)
        assert pool.statistics().idle == 2
        shop.made[0].die(OSError("gone"))
        await trio.sleep(0.4)
        await settle()
        assert pool.statistics().idle == 2
        assert shop.begun == [1000, 1000, 2000.4]


async def test_an_idle_resource_is_closed_after_idle_timeout_and_never_below_min_size(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    async with (
        open_pool(shop, PoolConfig(min_size=1, max_size=4, idle_timeout=300)) as pool,
        trio.open_nursery() as n,
    ):
        for seconds in (10, 20, 30, 40):
            n.start_soon(borrow, pool, seconds)
        await trio.sleep(309)
        assert pool.statistics().idle == 4
        await trio.sleep(1)
        await settle()
        assert sorted(shop.closed.values()) == [310]
        await trio.sleep(10_000)
        assert sorted(shop.closed.values()) == [310, 320, 330]
        stats = pool.statistics()
        assert (stats.idle, stats.retired[RetireReason.IDLE]) == (1, 3)


async def test_use_puts_the_idle_timeout_off(autojump_clock: MockClock, shop: Workshop) -> None:
    async with open_pool(shop, PoolConfig(min_size=0, idle_timeout=300)) as pool:
        for _ in range(4):
            assert await borrow(pool, 1) == 1
            await trio.sleep(299)
        await trio.sleep(2)
        assert shop.closed == {1: 4 * 300 + 1}


async def test_one_client_keeps_one_resource_and_lets_the_others_go(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    """A queue of idle resources would rotate them all, so that none is ever idle for long."""
    async with open_pool(shop, PoolConfig(min_size=2, max_size=10, idle_timeout=300)) as pool:
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(borrow, pool, 1)
        assert pool.statistics().idle == 10
        for _ in range(360):
            await trio.sleep(20)
            await borrow(pool)
        assert pool.statistics().retired[RetireReason.IDLE] == 8
        assert set(shop.closed.values()) == {301}


@pytest.mark.parametrize("idle", [0, math.inf])
async def test_the_ends_of_idle_timeout(autojump_clock: MockClock, shop: Workshop, idle: float) -> None:
    async with open_pool(shop, PoolConfig(min_size=0, idle_timeout=idle)) as pool:
        await borrow(pool, 1)
        await trio.sleep(0 if idle == 0 else 1e6)
        await settle()
        assert pool.statistics().total == (0 if idle == 0 else 1)


async def test_idle_resources_are_checked_every_interval_one_at_a_time(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.check_gate = slow(2)
    config = PoolConfig(min_size=3, health_check_interval=60, idle_timeout=math.inf)
    async with open_pool(shop, config, check=shop.check) as pool:
        await trio.sleep(61)
        assert (pool.statistics().checking, pool.statistics().idle) == (1, 2)
        await trio.sleep(100)
        times = sorted(time for thing in shop.made for time in thing.checks)
        assert times == [60, 62, 64, 120, 122, 124]


async def test_a_leased_resource_is_not_checked(autojump_clock: MockClock, shop: Workshop) -> None:
    async with open_pool(shop, PoolConfig(min_size=1), check=shop.check) as pool:
        await borrow(pool, 250)
    assert shop.made[0].checks == []


async def test_a_resource_that_fails_its_check_is_replaced_at_once(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.check_gate = never
    config = PoolConfig(min_size=1, health_check_interval=60, check_timeout=5)
    async with open_pool(shop, config, check=shop.check) as pool:
        await trio.sleep(66)
        stats = pool.statistics()
        assert (stats.check_failures, stats.retired[RetireReason.UNHEALTHY], stats.idle) == (1, 1, 1)
        assert isinstance(stats.last_error, trio.TooSlowError)
        assert shop.closed == {1: 65}
        assert shop.begun == [0, 65]


async def test_a_check_does_not_make_a_resource_look_used(autojump_clock: MockClock, shop: Workshop) -> None:
    config = PoolConfig(min_size=0, health_check_interval=60, idle_timeout=300)
    async with open_pool(shop, config, check=shop.check) as pool:
        await borrow(pool, 10)
        await trio.sleep(400)
        assert shop.made[0].checks == [60, 120, 180, 240, 300]
        assert shop.closed == {1: 310}


async def test_a_resource_at_rest_for_long_is_checked_before_reuse(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.check_gate = slow(1)
    config = PoolConfig(min_size=1, check_after_idle=30, health_check_interval=math.inf)
    async with open_pool(shop, config, check=shop.check) as pool:
        await pool.wait_ready()
        await trio.sleep(29)
        await borrow(pool)
        assert trio.current_time() == 29
        await trio.sleep(30)
        async with pool.acquire():
            assert trio.current_time() == 60
        assert shop.made[0].checks == [59]


async def test_a_good_check_vouches_for_a_while(autojump_clock: MockClock, shop: Workshop) -> None:
    config = PoolConfig(min_size=1, check_after_idle=30, health_check_interval=60)
    async with open_pool(shop, config, check=shop.check) as pool:
        await trio.sleep(80)
        await borrow(pool)
        assert shop.made[0].checks == [60]


async def test_acquire_waits_for_acquire_timeout(autojump_clock: MockClock, shop: Workshop) -> None:
    async with open_pool(shop, PoolConfig(min_size=1, max_size=1, acquire_timeout=5)) as pool:
        async with pool.acquire():
            with pytest.raises(PoolTimeout, match="1/1 resources: 0 idle, 1 in use") as caught:
                await borrow(pool)
            assert trio.current_time() == 5
            assert caught.value.statistics.in_use == 1
            with pytest.raises(PoolTimeout):
                await borrow(pool, timeout=2)
            assert trio.current_time() == 7
            with pytest.raises(PoolTimeout):
                await borrow(pool, timeout=0)
            assert trio.current_time() == 7
        assert pool.statistics().acquire_timeouts == 3
        await borrow(pool, timeout=0)


async def test_a_resource_that_comes_free_in_time_is_had_at_that_moment(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    log: list[tuple[str, float, int]] = []
    async with open_pool(shop, PoolConfig(min_size=1, max_size=1)) as pool, trio.open_nursery() as nursery:
        nursery.start_soon(lambda: borrow(pool, 4, log=log, mark="first"))
        await settle()
        nursery.start_soon(lambda: borrow(pool, 0, log=log, mark="second"))
    assert log == [("first", 0, 1), ("second", 4, 1)]


async def test_below_max_size_a_new_one_is_created(autojump_clock: MockClock, shop: Workshop) -> None:
    shop.create = slow(0.5)
    async with open_pool(shop, PoolConfig(min_size=1, max_size=2)) as pool:
        await pool.wait_ready()
        async with pool.acquire() as first, pool.acquire() as second:
            assert trio.current_time() == 1.0
            assert first.value is not second.value


async def test_min_size_is_kept_up(autojump_clock: MockClock, shop: Workshop) -> None:
    shop.create = slow(1)
    async with open_pool(shop, PoolConfig(min_size=2, health_check_interval=math.inf)) as pool:
        await pool.wait_ready()
        await trio.sleep(9)
        shop.made[0].die(OSError("gone"))
        await settle()
        assert (pool.statistics().idle, pool.statistics().starting) == (1, 1)
        await trio.sleep(1)
        await settle()
        assert pool.statistics().idle == 2
        assert shop.begun == [0, 0, 10]


async def test_what_breaks_is_replaced_before_it_is_closed_if_there_is_room(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.create, shop.close = slow(1), slow(4)
    async with open_pool(shop, PoolConfig(min_size=1, max_size=2)) as pool:
        await pool.wait_ready()
        async with pool.acquire() as lease:
            lease.retire()
        await pool.wait_ready()
        assert trio.current_time() == 2
        assert pool.statistics().retiring == 1


async def test_a_lifetime_ends_an_idle_resource_to_the_second_and_a_leased_one_on_release(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    config = PoolConfig(min_size=1, max_lifetime=100, lifetime_jitter=0)
    async with open_pool(shop, config) as pool:
        await trio.sleep(101)
        assert shop.closed == {1: 100}
        await borrow(pool, 150)
        await settle()
        assert shop.closed == {1: 100, 2: 251}
        assert pool.statistics().retired[RetireReason.LIFETIME] == 2
        assert pool.statistics().idle == 1


async def test_lifetimes_are_spread(autojump_clock: MockClock, shop: Workshop) -> None:
    config = PoolConfig(min_size=5, max_size=5, max_lifetime=100, lifetime_jitter=0.2)
    async with open_pool(shop, config):
        await trio.sleep(100)
        first = [shop.closed[number] for number in range(1, 6)]
        assert len(set(first)) == 5
        assert all(80 < end <= 100 for end in first)


async def test_every_bound_on_a_resource(shop: Workshop, autojump_clock: MockClock) -> None:
    config = PoolConfig(
        min_size=0,
        create_timeout=3,
        reset_timeout=4,
        close_timeout=6,
        acquire_timeout=math.inf,
        create_backoff=(50, 50),
    )
    async with open_pool(shop, config, reset=shop.reset) as pool:
        shop.create = never
        with pytest.raises(Exception, match="factory fails") as caught:
            await borrow(pool)
        assert trio.current_time() == 3
        assert isinstance(caught.value.__cause__, trio.TooSlowError)
        await trio.sleep(50)
        shop.create, shop.reset_gate, shop.close = slow(0), never, never
        await borrow(pool)
        assert trio.current_time() == 53
        await trio.sleep(4)
        await settle()
        assert (pool.statistics().reset_failures, pool.statistics().retiring) == (1, 1)
        await trio.sleep(6)
        await settle()
        stats = pool.statistics()
        assert (stats.total, stats.close_failures, shop.closed) == (0, 1, {1: 63})


async def test_run_in_a_nursery_of_ones_own(autojump_clock: MockClock, shop: Workshop) -> None:
    async with trio.open_nursery() as nursery:
        pool = await nursery.start(Pool(shop, PoolConfig(min_size=1)).run)
        assert await borrow(pool, 1) == 1
        await pool.aclose()
        assert trio.current_time() == 1
    shop.assert_clean()


@pytest.mark.parametrize("seed", range(8))
async def test_the_timeout_is_one_and_begins_with_the_acquire(
    autojump_clock: MockClock, shop: Workshop, seed: int
) -> None:
    """The time that passes before an acquire stands in line counts too."""
    scheduler._r.seed(seed)
    shop.create = never

    async def let_time_pass() -> None:
        autojump_clock.jump(2)

    async with open_pool(shop, PoolConfig(min_size=0)) as pool, trio.open_nursery() as nursery:
        start = trio.current_time()
        nursery.start_soon(let_time_pass)
        with pytest.raises(PoolTimeout):
            await borrow(pool, timeout=5)
        assert trio.current_time() - start == 5


@pytest.mark.parametrize("seed", range(8))
async def test_what_is_too_old_is_not_handed_over_before_it_is_swept(
    autojump_clock: MockClock, shop: Workshop, seed: int
) -> None:
    scheduler._r.seed(seed)
    config = PoolConfig(min_size=1, max_lifetime=100, lifetime_jitter=0)
    async with open_pool(shop, config) as pool:
        await pool.wait_ready()
        autojump_clock.jump(100)
        assert await borrow(pool) == 2


@pytest.mark.parametrize("hook", ["check", "reset"])
async def test_a_hook_that_is_late_and_ends_well_after_all_has_ended_well(
    autojump_clock: MockClock, shop: Workshop, hook: str
) -> None:
    """What counts is not that it was told to stop but whether it did."""

    async def deaf() -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(7)

    setattr(shop, f"{hook}_gate", deaf)
    config = PoolConfig(min_size=1, health_check_interval=10, check_timeout=5, reset_timeout=5)
    async with open_pool(shop, config, check=shop.check, reset=shop.reset) as pool:
        await borrow(pool)
        await trio.sleep(17)
        await settle()
        stats = pool.statistics()
        assert (stats.idle, stats.created, stats.check_failures, stats.reset_failures) == (1, 1, 0, 0)
