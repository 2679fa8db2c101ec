"""What a lease says of its resource, and an error of its pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from ccproxy_trio.pool import (
    PoolClosed,
    PoolConfig,
    PoolError,
    PoolSaturated,
    PoolTimeout,
    ResourceUnavailable,
    RetireReason,
    open_pool,
)
from tests.pool.steps import borrow, settle
from tests.pool.workshop import error

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio.testing import MockClock

    from tests.pool.workshop import Workshop


async def test_a_lease_says_which_resource_it_is_and_how_old(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    async with open_pool(shop, PoolConfig(min_size=2, max_size=2), name="tools") as pool:
        await trio.sleep(3)
        async with pool.acquire() as first, pool.acquire() as second:
            assert {first.id, second.id} == {1, 2}
            await trio.sleep(4)
            assert (first.age, first.uses, first.retirement) == (7, 1, None)
            second.retire(RetireReason.UNHEALTHY)
            assert second.retirement is RetireReason.UNHEALTHY
        async with pool.acquire() as again, pool.acquire() as fresh:
            assert (again.id, again.value, again.uses) == (first.id, first.value, 2)
            assert (fresh.id, fresh.uses, fresh.age) == (3, 1, 0)  # A number is not used twice.
        assert pool.name == "tools"


@pytest.mark.parametrize("kind", [PoolTimeout, PoolSaturated, ResourceUnavailable, PoolClosed])
async def test_every_error_carries_the_pools_name_and_state(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop, kind: type[PoolError]
) -> None:
    config = PoolConfig(min_size=0, max_size=1, max_waiting=1)
    async with open_any(shop, config, name="tools") as pool, trio.open_nursery() as nursery:
        if kind is ResourceUnavailable:
            shop.create = error
        else:
            nursery.start_soon(borrow, pool, 100)
            await settle()
        if kind is PoolSaturated:
            nursery.start_soon(lambda: borrow(pool, timeout=200))
            await settle()
        if kind is PoolClosed:
            await pool.aclose()
        with pytest.raises(PoolError) as caught:
            await borrow(pool)
        assert type(caught.value) is kind
        assert caught.value.pool == "tools"
        assert caught.value.statistics.in_use == (kind in (PoolTimeout, PoolSaturated))
        assert str(caught.value.statistics) in str(caught.value)
        nursery.cancel_scope.cancel()
