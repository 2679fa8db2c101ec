"""What every pool promises, pooling or not: the bound, the order, the timeout, no loss, nothing open after."""

from __future__ import annotations

import contextlib
import contextvars
import math
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from ccproxy_trio.pool import (
    NullPool,
    Pool,
    PoolClosed,
    PoolConfig,
    PoolSaturated,
    PoolTimeout,
    ResourceUnavailable,
    RetireReason,
    open_pool,
)
from tests.pool.steps import assert_adds_up, borrow, settle
from tests.pool.workshop import Workshop, error, never, ok, slow

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from trio.testing import MockClock

    from tests.pool.workshop import Thing


async def test_max_size_is_hard_and_counts_starting_and_retiring(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    shop.create = slow(1)
    shop.close = slow(2)
    config = PoolConfig(min_size=0, max_size=3, acquire_timeout=math.inf, max_uses=1, close_timeout=10)
    async with open_any(shop, config) as pool, trio.open_nursery() as nursery:
        for _ in range(9):
            nursery.start_soon(borrow, pool, 1)
        for _ in range(30):
            await trio.sleep(0.5)
            assert_adds_up(pool)
            assert pool.statistics().total <= 3
    assert shop.peak == 3
    assert len(shop.made) == 9
    # Three a round; a round is create, use, close: the slot is free when the resource is gone.
    assert shop.begun == [0, 0, 0, 4, 4, 4, 8, 8, 8]


async def test_waiters_are_served_first_come_first_served(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    log: list[tuple[int, float, int]] = []
    config = PoolConfig(min_size=0, max_size=2, acquire_timeout=math.inf)
    async with open_any(shop, config) as pool, trio.open_nursery() as nursery:
        for mark in range(20):
            nursery.start_soon(lambda mark=mark: borrow(pool, 1, log=log, mark=mark))
            await settle()
    # Two at a time; within one moment trio shuffles who runs first.
    assert sorted((mark, had) for mark, had, _ in log) == [(mark, mark // 2) for mark in range(20)]


async def test_acquire_ends_within_its_timeout_whatever_the_factory_does(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    shop.create = never
    async with open_any(shop, PoolConfig(min_size=0, acquire_timeout=5)) as pool:
        with pytest.raises(PoolTimeout):
            await borrow(pool)
        assert trio.current_time() == 5


async def test_a_slow_start_serves_the_next_after_its_acquire_gave_up(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    """Created off the caller's path: a cold start of 6 s serves acquires of 5 s, and one creation is enough."""
    shop.create = slow(6)
    async with open_pool(shop, PoolConfig(min_size=0, acquire_timeout=5)) as pool:
        served = 0
        for _ in range(10):
            with contextlib.suppress(PoolTimeout):
                await borrow(pool)
                served += 1
        assert (served, len(shop.begun)) == (9, 1)


async def test_a_cancelled_acquire_aborts_no_creation(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    shop.create = slow(4)
    async with open_any(shop, PoolConfig(min_size=0, max_size=1)) as pool:
        with trio.move_on_after(1):
            await borrow(pool)
        assert (pool.statistics().acquire_cancelled, pool.statistics().starting) == (1, 1)
        async with pool.acquire():
            assert trio.current_time() == 4
        assert shop.begun == [0]


async def test_release_is_synchronous(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    shop.reset_gate = shop.close = never
    async with open_any(shop, PoolConfig(min_size=0), reset=shop.reset) as pool:
        acquisition = pool.acquire()
        await acquisition.__aenter__()
        with trio.testing.assert_no_checkpoints():
            await acquisition.__aexit__(None, None, None)
        assert pool.statistics().in_use == 0


async def test_acquire_and_the_other_waits_are_checkpoints(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    async with open_any(shop, PoolConfig(min_size=1)) as pool:
        for _ in range(2):
            with trio.testing.assert_checkpoints():
                async with pool.acquire():
                    pass
        with trio.testing.assert_checkpoints():
            await pool.wait_ready()
        for _ in range(2):
            with trio.testing.assert_checkpoints():
                await pool.aclose()


async def test_a_cancelled_acquire_takes_nothing(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    async with open_any(shop, PoolConfig(min_size=1)) as pool:
        await borrow(pool)
        before = pool.statistics().acquired
        with trio.CancelScope() as scope:
            scope.cancel()
            async with pool.acquire():
                pytest.fail("entered")
        assert scope.cancelled_caught
        assert (pool.statistics().acquired, pool.statistics().in_use) == (before, 0)


async def test_a_resource_is_entered_and_left_in_one_task_in_the_pools_nursery(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    async with open_any(shop, PoolConfig(min_size=0)) as pool:
        async with contextlib.AsyncExitStack() as stack, trio.open_nursery() as nursery:

            async def enter() -> None:
                await stack.enter_async_context(pool.acquire())

            nursery.start_soon(enter)
        assert pool.statistics().in_use == 0
    assert len(shop.made) == 1
    shop.assert_clean()


async def test_all_keepers_are_children_of_the_pools_own_nursery(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    parents: list[trio.Nursery | None] = []

    async def create() -> None:
        await trio.lowlevel.checkpoint()
        parents.append(trio.lowlevel.current_task().parent_nursery)

    shop.create = create
    async with open_any(shop, PoolConfig(min_size=0, max_size=3)) as pool:
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(borrow, pool, 1)
        assert len(parents) == 3
        assert len(set(parents)) == 1
        assert nursery not in parents
        assert parents[0] is not None
        assert parents[0].parent_task is not trio.lowlevel.current_task()


async def test_an_acquire_holds_no_scope_open_over_its_body(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    async with open_any(shop, PoolConfig(min_size=0, acquire_timeout=5)) as pool:
        for _ in range(2):
            async with pool.acquire():
                assert trio.current_effective_deadline() == math.inf
                await trio.sleep(100)


async def test_a_keeper_does_not_inherit_the_acquirers_context_variables(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    request = contextvars.ContextVar("request", default="none")
    seen: list[str] = []

    async def create() -> None:
        await trio.lowlevel.checkpoint()
        seen.append(request.get())

    shop.create = create
    async with open_any(shop, PoolConfig(min_size=0)) as pool:
        request.set("mine")
        await borrow(pool)
    assert seen == ["none"]


async def test_a_broken_factory_fails_the_waiters_at_once_with_its_cause(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    async def create() -> None:
        await trio.sleep(1)
        raise OSError("no such binary")

    shop.create = create
    failures: list[BaseException] = []
    async with open_any(shop, PoolConfig(min_size=0, max_size=2)) as pool:

        async def acquire() -> None:
            with pytest.raises(ResourceUnavailable) as caught:
                await borrow(pool)
            assert isinstance(caught.value.__cause__, OSError)
            failures.append(caught.value)

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(acquire)
        assert trio.current_time() == 1
        assert len(failures) == 5
        # During the pause the next one fails without any wait, and without a creation.
        await acquire()
        assert trio.current_time() == 1
        assert len(shop.begun) == 2
        assert not pool.available
        assert pool.statistics().backoff_until == 1.5


async def test_the_gauges_always_add_up(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    shop.create, shop.check_gate, shop.reset_gate, shop.close = slow(1), slow(1), slow(1), slow(1)
    config = PoolConfig(
        min_size=1, max_size=3, check_after_idle=1, health_check_interval=3, idle_timeout=4, max_uses=4
    )
    seen: set[str] = set()
    gauges = ("idle", "in_use", "starting", "checking", "resetting", "retiring")

    def look() -> None:
        assert_adds_up(pool)
        stats = pool.statistics()
        seen.update(gauge for gauge in gauges if getattr(stats, gauge))

    pool: Pool[Thing]
    async with open_any(shop, config, check=shop.check, reset=shop.reset) as pool:
        async with trio.open_nursery() as nursery:
            for start in range(12):
                await trio.sleep(start % 3)
                nursery.start_soon(lambda: borrow(pool, 1, timeout=math.inf))
                look()
        for _ in range(20):
            await trio.sleep(0.5)
            look()
    assert {"in_use", "starting", "retiring"} <= seen
    if not isinstance(pool, NullPool):
        assert seen == set(gauges)


async def test_statistics_count(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    async with open_any(shop, PoolConfig(min_size=0, max_size=1), name="tools") as pool:
        await borrow(pool)
        with pytest.raises(KeyError):
            async with pool.acquire():
                raise KeyError("x")
        await settle()
        stats = pool.statistics()
        assert stats.name == "tools"
        assert (stats.acquired, stats.total, stats.waiting) == (2, 0, 0)
        assert stats.created == stats.destroyed == len(shop.made)
        assert set(stats.retired) == set(RetireReason)
        assert stats.retired[RetireReason.BROKEN] == 1
        assert sum(stats.retired.values()) == stats.destroyed


async def test_max_waiting(autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop) -> None:
    config = PoolConfig(min_size=0, max_size=1, max_waiting=2)
    async with open_any(shop, config) as pool, pool.acquire(), trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(lambda: borrow(pool, timeout=50))
        await settle()
        with pytest.raises(PoolSaturated, match="2 waiting"):
            await borrow(pool)
        assert trio.current_time() == 0
        assert pool.statistics().saturated == 1
        nursery.cancel_scope.cancel()


async def test_misuse_is_named(autojump_clock: MockClock, shop: Workshop) -> None:
    pool: Pool[Thing] = Pool(shop)
    with pytest.raises(PoolClosed, match="not started"):
        await borrow(pool)
    async with open_pool(shop) as running:
        for timeout in (-1, math.nan):
            with pytest.raises(ValueError, match="timeout = "):
                running.acquire(timeout=timeout)
        with pytest.raises(ValueError, match="grace = -1"):
            await running.aclose(grace=-1)
        acquisition = running.acquire()
        async with acquisition:
            pass
        with pytest.raises(RuntimeError, match="once only"):
            await acquisition.__aenter__()
        with pytest.raises(RuntimeError, match="run already"):
            await running.run()
        await borrow(running)


async def test_available(autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop) -> None:
    async with open_any(shop, PoolConfig(min_size=0, max_size=1)) as pool:
        assert pool.available
        async with pool.acquire():
            assert not pool.available
        await settle()
        assert pool.available
        await pool.aclose()
        assert not pool.available


async def test_a_pool_whose_factory_fails_is_not_available(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    shop.create = error
    async with open_any(shop, PoolConfig(min_size=0)) as pool:
        with pytest.raises(ResourceUnavailable):
            await borrow(pool)
        assert not pool.available
        await trio.sleep(10)
        assert not pool.available
        shop.create = ok
        await borrow(pool)
        assert pool.available


@contextlib.asynccontextmanager
async def _not_a_resource() -> AsyncGenerator[int]:
    await trio.lowlevel.checkpoint()
    if trio.current_time() < 0:
        yield 1


@pytest.mark.parametrize(
    "factory", [_not_a_resource, lambda: 1 // 0, lambda: None], ids=["no yield", "raises", "no cm"]
)
async def test_whatever_a_factory_does_wrong_is_the_cause(
    autojump_clock: MockClock, open_any: Callable[..., Any], factory: Any
) -> None:
    async with open_any(factory, PoolConfig(min_size=0)) as pool:
        with pytest.raises(ResourceUnavailable) as caught:
            await borrow(pool)
        assert isinstance(
            caught.value.__cause__, (RuntimeError, ZeroDivisionError, TypeError, AttributeError)
        )
