"""When a client is told to come back: as long as the pool needs by its own measure, and within bounds."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from ccproxy_trio.pool import PoolClosed, PoolConfig, PoolError, PoolSaturated, ResourceUnavailable, open_pool
from ccproxy_trio.server.failures import failure_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ccproxy_trio.pool import Pool


@asynccontextmanager
async def make() -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def fail() -> AsyncIterator[None]:
    raise OSError("no luck")
    yield


async def told(pool: Pool[None], kind: type[PoolError] = PoolError) -> tuple[int, str | None]:
    """The status and the header with which one is refused."""
    with pytest.raises(kind) as caught:
        async with pool.acquire(timeout=0):
            pass
    failure = failure_of(caught.value)
    return failure.status, failure.retry_after_header()


async def borrow(pool: Pool[None], seconds: float) -> None:
    async with pool.acquire():
        await trio.sleep(seconds)


@pytest.mark.parametrize(
    ("took", "waiting", "header"),
    [(0.5, 0, "1"), (9, 0, "5"), (9, 1, "9"), (9, 2, "14"), (9, 9, "45"), (20, 9, "60"), (9, 14, "60")],
    ids=str,
)
async def test_the_longer_the_line_the_later(
    took: float, waiting: int, header: str, autojump_clock: trio.testing.MockClock
) -> None:
    config = PoolConfig(min_size=2, max_size=2, max_waiting=max(1, waiting), acquire_timeout=1000)
    async with open_pool(make, config) as pool, trio.open_nursery() as nursery:
        assert autojump_clock.current_time() == 0
        await borrow(pool, took)
        for _ in range(2 + waiting):
            nursery.start_soon(borrow, pool, 1000)
        await trio.testing.wait_all_tasks_blocked()
        assert await told(pool, PoolSaturated if waiting else PoolError) == (529, header)
        nursery.cancel_scope.cancel()


async def test_before_a_lease_has_ended_nothing_is_known(autojump_clock: trio.testing.MockClock) -> None:
    async with open_pool(make, PoolConfig(min_size=1, max_size=1)) as pool, pool.acquire():
        await trio.sleep(100)
        assert await told(pool) == (529, "1")


async def test_when_nothing_can_be_started_the_next_try_is_told(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_pool(fail, PoolConfig(create_backoff=(0.5, 300))) as pool:
        headers: list[tuple[int, str | None]] = []
        for _ in range(6):
            await trio.testing.wait_all_tasks_blocked()
            headers.append(await told(pool, ResourceUnavailable))
            until = pool.statistics().backoff_until
            assert until is not None
            await trio.sleep_until(until)
        assert headers == [(529, seconds) for seconds in ("1", "1", "2", "4", "8", "16")]
        await trio.testing.wait_all_tasks_blocked()
        await trio.sleep(10.5)
        assert await told(pool, ResourceUnavailable) == (529, "22")


async def test_the_end_is_near(autojump_clock: trio.testing.MockClock) -> None:
    async with open_pool(make) as pool:
        await borrow(pool, 100)
        await pool.aclose()
        assert await told(pool, PoolClosed) == (529, "1")
