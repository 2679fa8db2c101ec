"""Whoever borrows may give a label, and finds it in the pool's events about that, and in no others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import trio

from ccproxy_trio.pool import (
    AcquireFailed,
    PoolConfig,
    PoolEvent,
    PoolSaturated,
    PoolTimeout,
    ResetFailed,
    ResourceCreated,
    ResourceGone,
    ResourceLeased,
    ResourceReleased,
    ResourceRetired,
    open_pool,
)
from tests.pool.steps import settle
from tests.pool.workshop import error

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from trio.testing import MockClock

    from tests.pool.workshop import Workshop


def told(heard: list[PoolEvent]) -> list[tuple[type[PoolEvent], object]]:
    return [(type(event), event.label) for event in heard]


async def test_from_the_lease_to_the_end(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    heard: list[PoolEvent] = []
    async with open_any(shop, PoolConfig(min_size=0, max_uses=1), observer=heard.append) as pool:
        async with pool.acquire(label="one"):
            pass
        await settle()
    assert told(heard) == [
        (ResourceCreated, None),
        (ResourceLeased, "one"),
        (ResourceReleased, "one"),
        (ResourceRetired, "one"),
        (ResourceGone, "one"),
    ]


async def test_what_comes_to_rest_has_none(autojump_clock: MockClock, shop: Workshop) -> None:
    heard: list[PoolEvent] = []
    config = PoolConfig(min_size=1, max_size=1, check_after_idle=math.inf)
    async with open_pool(shop, config, reset=shop.reset, observer=heard.append) as pool:
        async with pool.acquire(label="one"):
            pass
        await settle()
        async with pool.acquire(label="two"):
            pass
        await settle()
        async with pool.acquire():
            pass
    assert told(heard) == [
        (ResourceCreated, None),
        *((kind, label) for label in ("one", "two", None) for kind in (ResourceLeased, ResourceReleased)),
        (ResourceRetired, None),
        (ResourceGone, None),
    ]


async def test_handed_on_and_lost_by_its_reset(autojump_clock: MockClock, shop: Workshop) -> None:
    """Each waiter's label is its own, and a reset that fails is the latest borrower's."""
    heard: list[PoolEvent] = []
    config = PoolConfig(min_size=1, max_size=1, max_waiting=1)
    async with open_pool(shop, config, reset=shop.reset, observer=heard.append) as pool:
        await pool.wait_ready()

        async def wait(label: str) -> None:
            async with pool.acquire(label=label):
                shop.reset_gate = error

        async with trio.open_nursery() as nursery:
            async with pool.acquire(label="one"):
                with pytest.raises(PoolTimeout):
                    await pool.acquire(label="too late", timeout=1).__aenter__()
                with trio.move_on_after(1):
                    await pool.acquire(label="gone").__aenter__()
                nursery.start_soon(wait, "two")
                await settle()
                with pytest.raises(PoolSaturated):
                    await pool.acquire(label="too many").__aenter__()
            await settle()
    assert told(heard)[:11] == [
        (ResourceCreated, None),
        (ResourceLeased, "one"),
        (AcquireFailed, "too late"),
        (AcquireFailed, "gone"),
        (AcquireFailed, "too many"),
        (ResourceReleased, "one"),
        (ResourceLeased, "two"),
        (ResourceReleased, "two"),
        (ResetFailed, "two"),
        (ResourceRetired, "two"),
        (ResourceGone, "two"),
    ]
