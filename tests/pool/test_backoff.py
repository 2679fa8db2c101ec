"""A factory that fails: asked again after pauses that double, one at a time, and never in a loop."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio._core._run as scheduler

from ccproxy_trio.pool import PoolConfig, PoolTimeout, ResourceUnavailable, open_pool
from ccproxy_trio.pool._engine import Engine
from ccproxy_trio.pool._policy import Backoff
from tests.pool.steps import borrow, settle
from tests.pool.workshop import error, never, ok, slow

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from trio.testing import MockClock

    from tests.pool.workshop import Workshop


async def test_upkeep_tries_again_after_pauses_that_double(autojump_clock: MockClock, shop: Workshop) -> None:
    shop.create = error
    config = PoolConfig(min_size=3, create_backoff=(0.5, 4), max_starting=4)
    async with open_pool(shop, config) as pool:
        await trio.sleep(17)
        # A volley of three, and then one at a time.
        assert shop.begun == [0, 0, 0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5]
        shop.create = slow(1)
        await pool.wait_ready()
        # 19.5: one to see whether it works again, then the rest at once.
        assert shop.begun[9:] == [19.5, 20.5, 20.5]
        assert trio.current_time() == 21.5
        assert pool.statistics().backoff_until is None
        assert pool.statistics().create_failures == 9


async def test_acquires_that_come_during_a_pause_do_not_shorten_it(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.create = error
    async with open_pool(shop, PoolConfig(min_size=0, create_backoff=(1, 8))) as pool:
        for _ in range(100):
            with pytest.raises(ResourceUnavailable):
                await borrow(pool)
            await trio.sleep(0.25)
        assert shop.begun == [0, 1, 3, 7, 15, 23]


async def test_many_acquires_are_no_stampede(autojump_clock: MockClock, shop: Workshop) -> None:
    async def create() -> None:
        await trio.sleep(1)
        raise OSError("no")

    shop.create = create
    async with open_pool(shop, PoolConfig(min_size=0, max_size=50, max_starting=4)) as pool:

        async def fails() -> None:
            with pytest.raises(ResourceUnavailable):
                await borrow(pool)

        for _ in range(2):
            async with trio.open_nursery() as nursery:
                for _ in range(50):
                    nursery.start_soon(fails)
            await trio.sleep(1)
        assert shop.begun == [0, 0, 0, 0, 2]


async def test_max_starting_bounds_a_burst(autojump_clock: MockClock, shop: Workshop) -> None:
    shop.create = slow(1)
    async with open_pool(shop, PoolConfig(min_size=0, max_size=8, max_starting=3)) as pool:
        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(borrow, pool, 10)
        assert shop.begun == [0, 0, 0, 1, 1, 1, 2, 2]


async def test_while_something_is_alive_acquires_wait_for_it(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    async with open_pool(shop, PoolConfig(min_size=1, max_size=2)) as pool:
        await pool.wait_ready()
        shop.create = error
        async with pool.acquire():
            with pytest.raises(PoolTimeout) as caught:
                await borrow(pool)
            assert trio.current_time() == 5
            assert isinstance(caught.value.__cause__, OSError)
        await borrow(pool)


async def test_when_the_last_one_dies_those_who_wait_are_told_at_once(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    async with (
        open_pool(shop, PoolConfig(min_size=1, max_size=2, create_backoff=(60, 60))) as pool,
        pool.acquire() as lease,
        trio.open_nursery() as nursery,
    ):
        shop.create = error

        async def fails() -> None:
            with pytest.raises(ResourceUnavailable):
                await borrow(pool, timeout=50)
            assert trio.current_time() == 7

        nursery.start_soon(fails)
        await trio.sleep(7)
        lease.value.die(OSError("killed"))


async def test_who_has_a_creation_under_way_is_not_failed_by_another(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    log: list[tuple[str, float, int]] = []
    async with open_pool(shop, PoolConfig(min_size=0)) as pool, trio.open_nursery() as nursery:
        shop.create = slow(3)
        nursery.start_soon(lambda: borrow(pool, log=log, mark="first"))
        await settle()
        shop.create = error

        async def fails() -> None:
            with pytest.raises(ResourceUnavailable):
                await borrow(pool)
            assert trio.current_time() == 0

        nursery.start_soon(fails)
    assert log == [("first", 3, 1)]


async def test_a_creation_that_hangs_ends_and_the_next_may_work(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.create = never
    config = PoolConfig(min_size=1, max_size=1, create_timeout=30, create_backoff=(2, 2))
    async with open_pool(shop, config) as pool:
        await trio.sleep(10)
        shop.create = ok
        await pool.wait_ready()
        assert (shop.begun, trio.current_time()) == ([0, 32], 32)


@pytest.mark.parametrize("seed", range(10))
async def test_a_creation_that_ends_at_the_very_tick_of_its_timeout(
    autojump_clock: MockClock, shop: Workshop, seed: int
) -> None:
    """Whichever comes first: it is one or the other, and nothing is left over."""
    scheduler._r.seed(seed)
    shop.create = slow(30)
    config = PoolConfig(min_size=1, max_size=1, acquire_timeout=31, create_backoff=(50, 50))
    async with open_pool(shop, config) as pool:
        failure: ResourceUnavailable | None = None
        try:
            await borrow(pool)
        except ResourceUnavailable as caught:
            failure = caught
        stats = pool.statistics()
        if failure is None:
            assert (stats.create_failures, stats.idle) == (0, 1)
        else:
            assert isinstance(failure.__cause__, trio.TooSlowError)
            assert (stats.create_failures, stats.total) == (1, 0)
        assert trio.current_time() == 30
    shop.assert_clean()


async def test_a_creation_that_ends_too_late_is_heard_of_by_nobody(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    """It may be deaf to its cancellation and succeed after all: it is closed, not handed out."""

    async def create() -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(4)

    shop.create = create
    config = PoolConfig(min_size=0, create_timeout=3, create_backoff=(50, 50))
    async with open_pool(shop, config) as pool:
        with pytest.raises(ResourceUnavailable) as caught:
            await borrow(pool)
        assert isinstance(caught.value.__cause__, trio.TooSlowError)
        assert (trio.current_time(), pool.statistics().created) == (4, 0)
        assert shop.closed == {1: 4}


def test_an_older_failure_does_not_shorten_a_pause() -> None:
    engine: Engine[Any] = Engine(PoolConfig(), check=None, reset=None, observers=(), name="p")
    first = engine.backoff
    engine.back_off(Backoff(0.5, 30, delay=4, until=0), OSError("a"), 10)
    assert engine.backoff.until == 18
    engine.back_off(first, OSError("b"), 12)
    assert engine.backoff.until == 18


async def test_resources_that_die_at_once_are_no_factory_that_fails(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    async with open_pool(shop, PoolConfig(min_size=3, create_backoff=(1, 16))) as pool:
        await settle()
        for thing in list(shop.open):
            thing.die(OSError("killed"))
        await settle()
        statistics = pool.statistics()
        assert (statistics.created, statistics.idle, statistics.backoff_until) == (6, 3, None)
    shop.assert_clean()


async def test_resources_that_die_at_birth_are_a_factory_that_fails(autojump_clock: MockClock) -> None:
    born: list[float] = []

    @asynccontextmanager
    async def stillborn() -> AsyncGenerator[int]:
        born.append(trio.current_time())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail)
            yield 1

    async def fail() -> None:
        await trio.sleep(0.25)
        raise OSError("exit code 1")

    async with open_pool(stillborn, PoolConfig(min_size=1, create_backoff=(1, 16))) as pool:
        await trio.sleep(30)
        # The first may be chance and is replaced at once; then the pauses double.
        assert born == [0, 0.25, 1.5, 3.75, 8, 16.25]
        assert repr(pool.statistics().last_error) == "OSError('exit code 1')"
