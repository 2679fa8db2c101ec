"""How a pool ends: by its owner, by a cancellation, by a crash; bounded, in order, and with nothing open after."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from ccproxy_trio.pool import Pool, PoolClosed, PoolConfig, PoolTimeout, RetireReason, open_pool
from tests.pool.steps import borrow, settle
from tests.pool.workshop import Workshop, never, slow

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio.testing import MockClock

    from tests.pool.workshop import Thing


async def test_closing_refuses_new_acquires_and_those_that_wait(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    async with open_any(shop, PoolConfig(min_size=0, max_size=1)) as pool, trio.open_nursery() as nursery:

        async def refused() -> None:
            with pytest.raises(PoolClosed):
                await borrow(pool, timeout=100)
            assert trio.current_time() == 1

        async with pool.acquire():
            nursery.start_soon(refused)
            await trio.sleep(1)
            await pool.aclose()
        await refused()
        with pytest.raises(PoolClosed):
            await pool.wait_ready()
        with pytest.raises(PoolClosed):
            pool.resize(max_size=2)
        assert not pool.available
    shop.assert_clean()


async def test_leases_get_the_grace_to_come_back(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    async with open_any(shop, PoolConfig(min_size=1, max_size=2)) as pool, trio.open_nursery() as nursery:
        nursery.start_soon(borrow, pool, 3)
        nursery.start_soon(borrow, pool, 30)
        await settle()
        await pool.aclose(grace=10)
        assert trio.current_time() == 10
        shop.assert_clean()
        assert sorted(shop.closed.values()) == [3, 10]
        nursery.cancel_scope.cancel()
    assert pool.statistics().total == 0


async def test_closing_is_bounded_and_leaves_nothing_open_even_when_cancelled(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    shop.close = never
    async with (
        open_any(shop, PoolConfig(min_size=0, close_timeout=7)) as pool,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(borrow, pool, 100)
        await settle()
        with trio.move_on_after(2) as scope:
            await pool.aclose(grace=50)
        assert scope.cancelled_caught
        assert trio.current_time() == 9
        shop.assert_clean()
        nursery.cancel_scope.cancel()


async def test_a_creation_under_way_is_ended_by_closing(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    shop.create = never
    async with open_any(shop, PoolConfig(min_size=0, acquire_timeout=1)) as pool:
        with pytest.raises(PoolTimeout):
            await borrow(pool)
        await pool.aclose(grace=50)
        assert trio.current_time() == 1
        assert pool.statistics().create_failures == 0
    shop.assert_clean()


@pytest.mark.parametrize("hook", ["check", "reset"])
async def test_a_hook_under_way_is_ended_by_closing(
    autojump_clock: MockClock, shop: Workshop, hook: str
) -> None:
    setattr(shop, f"{hook}_gate", never)
    config = PoolConfig(min_size=1, health_check_interval=10, check_timeout=50, reset_timeout=50)
    async with open_pool(shop, config, check=shop.check, reset=shop.reset) as pool:
        if hook == "reset":
            await borrow(pool)
        await trio.sleep(20)
        stats = pool.statistics()
        assert stats.checking + stats.resetting == 1
        await pool.aclose()
        assert trio.current_time() == 20
        assert pool.statistics().check_failures + pool.statistics().reset_failures == 0
    shop.assert_clean()


async def test_what_the_body_raises_comes_out_bare(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    with pytest.raises(KeyError):
        async with open_any(shop):
            raise KeyError("mine")
    with pytest.RaisesGroup(KeyError, match="mine"):
        async with open_any(shop):
            raise ExceptionGroup("mine", [KeyError("a")])
    shop.assert_clean()


async def test_a_cancelled_body_ends_before_its_pool(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    shop.close = slow(1)
    with trio.move_on_after(5) as scope:
        async with open_any(shop, PoolConfig(min_size=0)) as pool, pool.acquire() as lease:
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await trio.sleep(2)
                    assert lease.value in shop.open
    assert scope.cancelled_caught
    assert shop.closed == {1: 8}
    shop.assert_clean()


async def test_a_pool_in_a_nursery_that_is_cancelled_closes_in_order(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.close = slow(1)
    async with trio.open_nursery() as nursery:
        pool = await nursery.start(Pool(shop, PoolConfig(min_size=2)).run)
        await pool.wait_ready()
        nursery.cancel_scope.cancel()
    assert trio.current_time() == 1
    assert pool.statistics().retired[RetireReason.CLOSING] == 2
    assert pool.statistics().close_failures == 0
    shop.assert_clean()


async def test_closing_a_pool_that_never_ran(autojump_clock: MockClock, shop: Workshop) -> None:
    pool: Pool[Thing] = Pool(shop)
    await pool.aclose()
    await pool.run()
    assert shop.begun == []
    with pytest.raises(PoolClosed, match="is closed"):
        await borrow(pool)


async def test_what_no_pool_can_survive_ends_it_and_closes_the_rest(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    class Stop(BaseException):
        pass

    async def stop() -> None:
        await trio.sleep(1)
        raise Stop

    shop.close = slow(1)
    with pytest.RaisesGroup(Stop, flatten_subgroups=True):
        async with open_pool(shop, PoolConfig(min_size=2)) as pool, trio.open_nursery() as nursery:
            await pool.wait_ready()
            nursery.start_soon(borrow, pool, 100)
            nursery.start_soon(borrow, pool, 100)
            await settle()
            shop.create = stop
            with contextlib.suppress(PoolClosed):
                await borrow(pool)
            await trio.sleep_forever()
    assert trio.current_time() == 2
    shop.assert_clean()
    assert pool.statistics().total == 0
