"""The resources of a pool, one by one, in every state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from ccproxy_trio.pool import PoolConfig, ResourceSnapshot, RetireReason, open_pool
from tests.pool.steps import borrow, settle
from tests.pool.workshop import Gate, error, never, slow

if TYPE_CHECKING:
    from trio.testing import MockClock

    from ccproxy_trio.pool import Pool
    from tests.pool.workshop import Thing, Workshop


def sole(pool: Pool[Thing]) -> ResourceSnapshot[Thing]:
    """The only one."""
    (resource,) = pool.resources()
    return resource


async def test_through_every_state(autojump_clock: MockClock, shop: Workshop) -> None:
    shop.create, shop.reset_gate, shop.check_gate, shop.close = slow(1), slow(1), slow(1), slow(1)
    config = PoolConfig(min_size=0, max_size=1, warmup_on_startup=False, check_after_idle=2)
    start = trio.current_time()
    async with (
        open_pool(shop, config, check=shop.check, reset=shop.reset) as pool,
        trio.open_nursery() as nursery,
    ):
        assert pool.resources() == ()
        nursery.start_soon(borrow, pool, 2)
        await settle()
        assert sole(pool) == ResourceSnapshot(
            id=1, state="starting", since=start, born=None, uses=0, reason=None, value=None
        )
        assert not sole(pool).fresh

        await trio.sleep(1.5)
        leased = sole(pool)
        assert leased == ResourceSnapshot(
            id=1, state="in_use", since=start + 1, born=start + 1, uses=1, reason=None, value=leased.value
        )
        assert leased.value is not None
        assert leased.value.number == 1

        await trio.sleep(2)
        assert (sole(pool).state, sole(pool).since) == ("resetting", start + 1)
        await trio.sleep(1)
        assert (sole(pool).state, sole(pool).since) == ("idle", start + 4)

        await trio.sleep(2.5)
        nursery.start_soon(borrow, pool)
        await settle()
        assert (sole(pool).state, sole(pool).uses) == ("checking", 1)
        await trio.sleep(3)

        pool.replace_all()
        assert (sole(pool).state, sole(pool).reason) == ("retiring", RetireReason.REPLACED)
        assert sole(pool).uses == 2
        await trio.sleep(2)
        assert pool.resources() == ()


async def test_fresh_until_the_first_lease(autojump_clock: MockClock, shop: Workshop) -> None:
    async with open_pool(shop, PoolConfig(min_size=2)) as pool:
        await pool.wait_ready()
        assert [(one.id, one.fresh) for one in pool.resources()] == [(1, True), (2, True)]
        async with pool.acquire() as lease:
            assert {one.id for one in pool.resources() if not one.fresh} == {lease.id}
        assert {one.id for one in pool.resources() if one.fresh} == {1, 2} - {lease.id}


@pytest.mark.parametrize("gate", [error, never])
async def test_one_that_cannot_be_created(autojump_clock: MockClock, shop: Workshop, gate: Gate) -> None:
    shop.create = gate
    async with open_pool(shop, PoolConfig(min_size=1, create_timeout=1)) as pool:
        await trio.sleep(1.1)
        assert all(one.state == "starting" and one.value is None for one in pool.resources())


async def test_one_that_died_has_no_reason_of_the_pools(autojump_clock: MockClock, shop: Workshop) -> None:
    shop.close = slow(1)
    async with open_pool(shop, PoolConfig(min_size=1, max_size=1)) as pool:
        await pool.wait_ready()
        thing = sole(pool).value
        assert thing is not None
        thing.die(None)
        await settle()
        assert (sole(pool).id, sole(pool).state, sole(pool).reason) == (1, "retiring", None)
