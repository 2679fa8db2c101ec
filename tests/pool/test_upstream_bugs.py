"""Where other pools broke: one test for each, with housekeeping off, since periodic sweeps mask lost wake-ups."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING

import pytest
import trio
import trio._core._run as scheduler

from ccproxy_trio.pool import PoolClosed, PoolConfig, PoolTimeout, RetireReason, open_pool
from tests.pool.steps import assert_adds_up, borrow, settle
from tests.pool.workshop import error, never, ok, slow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trio.testing import MockClock

    from ccproxy_trio.pool import Pool
    from tests.pool.workshop import Thing, Workshop

ONE = PoolConfig(
    min_size=0,
    max_size=1,
    acquire_timeout=math.inf,
    idle_timeout=math.inf,
    health_check_interval=math.inf,
    create_backoff=(1, 1),
)


async def test_delivered_and_then_cancelled(autojump_clock: MockClock, shop: Workshop) -> None:
    """asyncpg#547, psycopg#509, psycopg#1401: the item was lost, or the cancellation was swallowed."""
    scope = trio.CancelScope()
    entered = False

    async def waiter() -> None:
        nonlocal entered
        with scope:
            async with pool.acquire():
                entered = True
                await trio.lowlevel.checkpoint()
                pytest.fail("the cancellation was swallowed")

    async with open_pool(shop, ONE) as pool, trio.open_nursery() as nursery:
        async with pool.acquire():
            nursery.start_soon(waiter)
            await settle()
        # It was handed over just now, and has not run since.
        assert pool.statistics().in_use == 1
        scope.cancel()
        await settle()
        assert entered
        assert scope.cancelled_caught
        assert pool.statistics().in_use == 0
        await borrow(pool, timeout=1)


async def test_cancelled_and_then_released(autojump_clock: MockClock, shop: Workshop) -> None:
    """The other order: who is about to leave is passed over, and the next in line is served."""
    scope = trio.CancelScope()
    log: list[tuple[str, float, int]] = []

    async def waiter() -> None:
        with scope:
            await borrow(pool, log=log, mark="cancelled")

    async with open_pool(shop, ONE) as pool, trio.open_nursery() as nursery:
        async with pool.acquire():
            nursery.start_soon(waiter)
            await settle()
            nursery.start_soon(lambda: borrow(pool, log=log, mark="next"))
            await settle()
            scope.cancel()
        await settle()
        assert log == [("next", 0, 1)]
        assert (pool.statistics().waiting, pool.statistics().acquire_cancelled) == (0, 1)


@pytest.mark.parametrize("way", ["cancelled", "expired"])
async def test_no_room_is_made_for_who_is_about_to_leave(
    autojump_clock: MockClock, shop: Workshop, way: str
) -> None:
    scope = trio.CancelScope()

    async def waiter() -> None:
        with scope:
            await borrow(pool, timeout=5)

    async def late() -> None:
        with pytest.raises(PoolTimeout):
            await waiter()

    async with open_pool(shop, ONE) as pool, trio.open_nursery() as nursery:
        async with pool.acquire():
            nursery.start_soon(waiter if way == "cancelled" else late)
            await settle()
            if way == "cancelled":
                scope.cancel()
            else:
                autojump_clock.jump(6)
        await settle()
        stats = pool.statistics()
        assert (stats.idle, stats.created, sum(stats.retired.values())) == (1, 1, 0)


@pytest.mark.parametrize("seed", range(40))
async def test_cancelled_at_the_tick_of_the_assignment(
    autojump_clock: MockClock, shop: Workshop, seed: int
) -> None:
    """encode/httpcore#1093: a slot was stuck for ever, but only when delays tie."""
    scheduler._r.seed(seed)
    shop.create = slow(1)
    shop.close = slow(1)
    config = PoolConfig(min_size=0, max_size=2, acquire_timeout=math.inf, health_check_interval=math.inf)
    async with open_pool(shop, config) as pool:

        async def client(patience: float) -> None:
            with trio.move_on_after(patience):
                await borrow(pool, 1)

        async with trio.open_nursery() as nursery:
            for number in range(9):
                nursery.start_soon(client, number % 3 + 1)
        await settle()
        assert (pool.statistics().in_use, pool.statistics().waiting) == (0, 0)
        with trio.fail_after(10):
            async with pool.acquire(), pool.acquire():
                pass
        assert_adds_up(pool)
    shop.assert_clean()


async def test_waiters_whose_time_is_up_are_not_served(autojump_clock: MockClock, shop: Workshop) -> None:
    """vitessio/vitess#20310: everything was handed to those who could no longer use it."""
    log: list[tuple[str, float, int]] = []

    async def late() -> None:
        with pytest.raises(PoolTimeout):
            await borrow(pool, timeout=5, log=log, mark="late")

    async with open_pool(shop, ONE) as pool, trio.open_nursery() as nursery:
        async with pool.acquire():
            for _ in range(5):
                nursery.start_soon(late)
            await settle()
            nursery.start_soon(lambda: borrow(pool, log=log, mark="in time"))
            await settle()
            # The clock moves on while a task computes: the deadlines have passed, and trio has not looked yet.
            autojump_clock.jump(6)
        await settle()
    assert log == [("in time", 6, 1)]
    assert pool.statistics().acquire_timeouts == 5


async def test_a_creation_whose_acquire_was_dropped_serves_the_next(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    """launchbadge/sqlx#622, #1211: who was woken and dropped did not pass the wake on."""
    shop.create = slow(3)
    log: list[tuple[str, float, int]] = []
    async with open_pool(shop, ONE) as pool, trio.open_nursery() as nursery:
        with trio.move_on_after(1):
            await borrow(pool)
        nursery.start_soon(lambda: borrow(pool, log=log))
        await trio.sleep(5)
        assert log == [(None, 3, 1)]


async def test_a_check_whose_acquire_was_dropped_serves_the_next(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.check_gate = slow(3)
    log: list[tuple[str, float, int]] = []
    config = PoolConfig(min_size=1, max_size=1, check_after_idle=0, health_check_interval=math.inf)
    async with open_pool(shop, config, check=shop.check) as pool, trio.open_nursery() as nursery:
        await pool.wait_ready()
        with trio.move_on_after(1) as scope:
            await borrow(pool)
        assert scope.cancelled_caught
        assert pool.statistics().checking == 1
        nursery.start_soon(lambda: borrow(pool, log=log))
        await trio.sleep(5)
        assert log == [(None, 3, 1)]
        assert shop.made[0].checks == [0]


async def by_breaking(pool: Pool[Thing], shop: Workshop) -> None:
    """A lease whose body raises."""
    with contextlib.suppress(KeyError):
        async with pool.acquire():
            await trio.sleep(1)
            raise KeyError


async def by_death(pool: Pool[Thing], shop: Workshop) -> None:
    """A resource that dies while leased."""
    async with pool.acquire() as lease:
        await trio.sleep(1)
        lease.value.die(OSError("killed"))
        await trio.sleep(9)


async def by_reset_failure(pool: Pool[Thing], shop: Workshop) -> None:
    """A resource that cannot be reset."""
    shop.reset_gate = error
    await borrow(pool, 1)


async def by_reset_timeout(pool: Pool[Thing], shop: Workshop) -> None:
    """A resource whose reset never ends."""
    shop.reset_gate = never
    await borrow(pool, 1)


async def by_last_use(pool: Pool[Thing], shop: Workshop) -> None:
    """A lease that says it is the last."""
    async with pool.acquire() as lease:
        await trio.sleep(1)
        lease.retire(RetireReason.USES)


async def by_growing(pool: Pool[Thing], shop: Workshop) -> None:
    """Room where there was none."""
    async with pool.acquire():
        await trio.sleep(1)
        pool.resize(max_size=2)
        await trio.sleep(9)


@pytest.mark.parametrize(
    ("way", "served_at"),
    [
        (by_breaking, 1),
        (by_death, 1),
        (by_reset_failure, 1),
        (by_reset_timeout, 6),
        (by_last_use, 1),
        (by_growing, 1),
    ],
)
async def test_whatever_frees_capacity_serves_who_waits(
    autojump_clock: MockClock,
    shop: Workshop,
    way: Callable[[Pool[Thing], Workshop], Awaitable[None]],
    served_at: float,
) -> None:
    """djc/bb8#122, #167, commons-pool PR#346: capacity was freed and nobody was told."""
    log: list[tuple[str, float, int]] = []
    async with open_pool(shop, ONE, reset=shop.reset) as pool, trio.open_nursery() as nursery:
        nursery.start_soon(way, pool, shop)
        await settle()
        nursery.start_soon(lambda: borrow(pool, log=log))
        await trio.sleep(0.5)
        assert pool.statistics().waiting == 1
        await trio.sleep(20)
        assert log == [(None, served_at, 2)]


async def test_a_failed_creation_does_not_forget_who_waits(autojump_clock: MockClock, shop: Workshop) -> None:
    log: list[tuple[str, float, int]] = []
    config = PoolConfig(min_size=0, max_size=2, create_backoff=(4, 4), acquire_timeout=math.inf)
    async with open_pool(shop, config) as pool, trio.open_nursery() as nursery:
        nursery.start_soon(borrow, pool, 100)
        await settle()
        shop.create = error
        nursery.start_soon(lambda: borrow(pool, log=log))
        await settle()
        shop.create = ok
        await trio.sleep(20)
        assert log == [(None, 4, 2)]


async def test_a_failed_check_does_not_forget_who_waits(autojump_clock: MockClock, shop: Workshop) -> None:
    """Of three at rest the first two fail their check: the acquire gets the third, and nothing is created for it."""
    outcomes = [error, error, ok]

    async def check_gate() -> None:
        await outcomes.pop(0)()

    shop.check_gate = check_gate
    config = PoolConfig(min_size=0, max_size=3, check_after_idle=10, health_check_interval=math.inf)
    async with open_pool(shop, config, check=shop.check) as pool:
        async with pool.acquire(), pool.acquire(), pool.acquire():
            pass
        await trio.sleep(10)
        async with pool.acquire() as lease:
            assert lease.uses == 2
        assert len(shop.made) == 3
        assert pool.statistics().check_failures == 2


async def test_resources_above_min_size_are_not_closed_on_return(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    """devinus/poolboy#30: overflow workers were killed on return, so that subprocesses churned."""
    async with open_pool(shop, PoolConfig(min_size=1, max_size=5)) as pool:
        for _ in range(10):
            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(borrow, pool, 1)
            await trio.sleep(1)
        assert len(shop.made) == 5
        assert pool.statistics().reused == 45


async def test_a_burst_does_not_grow_the_pool_for_nothing(autojump_clock: MockClock, shop: Workshop) -> None:
    """brettwooldridge/HikariCP#774: the need is looked at again before each creation."""
    shop.create = slow(4)
    config = PoolConfig(min_size=1, max_size=10, max_starting=2, acquire_timeout=math.inf)
    async with open_pool(shop, config) as pool:
        await pool.wait_ready()
        async with trio.open_nursery() as nursery:
            for _ in range(30):
                nursery.start_soon(borrow, pool, 0.1)
        # The one resource served them all before the two creations ended; the other seven never began.
        assert len(shop.begun) == 3


async def test_a_creation_decided_on_is_dropped_if_a_release_comes_first(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    async with open_pool(shop, PoolConfig(min_size=1, max_size=5)) as pool:
        first = pool.acquire()
        await first.__aenter__()
        async with trio.open_nursery() as nursery:

            async def acquire_and_see() -> None:
                await borrow(pool)

            # Both in one turn of the scheduler: the acquire decides to grow, and the release serves it.
            nursery.start_soon(acquire_and_see)
            while not pool.statistics().starting:
                await trio.lowlevel.cancel_shielded_checkpoint()
            await first.__aexit__(None, None, None)
        await settle()
        assert pool.statistics().total == len(shop.begun)
        assert pool.statistics().create_failures == 0


@pytest.mark.parametrize("gate", [ok, error, slow(3), never])
@pytest.mark.parametrize("moment", [0, 1, 3])
async def test_closing_while_warming_up(
    autojump_clock: MockClock, shop: Workshop, gate: Callable[[], Awaitable[None]], moment: float
) -> None:
    """launchbadge/sqlx#3217, HikariCP#76, #229."""
    shop.create = gate
    async with open_pool(shop, PoolConfig(min_size=4)) as pool, trio.open_nursery() as nursery:

        async def told() -> None:
            with contextlib.suppress(PoolClosed):
                while True:
                    await pool.wait_ready()
                    await trio.sleep(0.5)

        nursery.start_soon(told)
        await trio.sleep(moment)
        await pool.aclose(grace=10)
        assert trio.current_time() == moment
        shop.assert_clean()
        begun = len(shop.begun)
        await trio.sleep(100)
        assert len(shop.begun) == begun


@pytest.mark.parametrize("stuck", ["create", "check", "reset", "close"])
async def test_there_is_one_acquire_timeout(autojump_clock: MockClock, shop: Workshop, stuck: str) -> None:
    """knex#1694: two layers of timeouts. Here whatever is stuck, an acquire ends with its own, and on time."""
    config = PoolConfig(
        min_size=0,
        max_size=1,
        acquire_timeout=5,
        create_timeout=100,
        check_timeout=100,
        reset_timeout=100,
        close_timeout=100,
        check_after_idle=0,
        health_check_interval=math.inf,
        max_uses=1 if stuck == "close" else 3,
    )
    async with open_pool(shop, config, check=shop.check, reset=shop.reset) as pool:
        if stuck == "create":
            shop.create = never
        else:
            setattr(shop, stuck if stuck == "close" else f"{stuck}_gate", never)
            await borrow(pool)
            await settle()
        with pytest.raises(PoolTimeout):
            await borrow(pool)
        assert trio.current_time() == 5
        shop.close = ok
