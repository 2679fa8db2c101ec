"""Resources that are not alike: whom a resource suits, who waits for which, and what stays ready for anybody."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import trio

from ccproxy_trio.pool import PoolConfig, PoolTimeout, RetireReason, open_pool
from tests.pool.steps import borrow, settle
from tests.pool.workshop import Thing, slow

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio.testing import MockClock

    from ccproxy_trio.pool import Pool
    from tests.pool.workshop import Workshop


def wants(tag: str) -> Callable[[Thing], int | None]:
    """Suits: one with this tag best, one without any also."""

    def fit(thing: Thing) -> int | None:
        return {tag: 2, None: 1}.get(thing.tag)

    return fit


async def use(
    pool: Pool[Thing],
    tag: str,
    seconds: float = 0,
    log: list[tuple[str, float, int]] | None = None,
    **options: Any,
) -> int:
    """Bind a thing to a tag, and hold it."""
    async with pool.acquire(fit=wants(tag), **options) as lease:
        assert lease.value.tag in (None, tag)
        lease.value.tag = tag
        if log is not None:
            log.append((tag, trio.current_time(), lease.value.number))
        await trio.sleep(seconds)
        return lease.value.number


async def test_the_best_fit_is_chosen_and_the_most_recently_used_among_equals(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    async with open_pool(shop, PoolConfig(min_size=3, max_size=3)) as pool:
        async with trio.open_nursery() as nursery:
            for seconds, tag in enumerate("aba"):
                nursery.start_soon(use, pool, tag, seconds)
        by_time = [thing.tag for thing in shop.made]
        assert sorted(by_time) == ["a", "a", "b"]
        last = max((t for t in shop.made if t.tag == "a"), key=lambda t: t.number)
        assert await use(pool, "b") == next(t.number for t in shop.made if t.tag == "b")
        first_a = await use(pool, "a")
        assert first_a in {t.number for t in shop.made if t.tag == "a"}
        assert await use(pool, "a") == first_a
        assert last.tag == "a"


async def test_what_fits_better_wins_over_what_was_used_later(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    async with open_pool(shop, PoolConfig(min_size=2, max_size=2)) as pool:
        await pool.wait_ready()
        bound = await use(pool, "a")
        assert bound == await use(pool, "a")
        assert await use(pool, "b") != bound
        assert await use(pool, "a") == bound


async def test_when_none_fits_the_pool_grows(autojump_clock: MockClock, shop: Workshop) -> None:
    async with open_pool(shop, PoolConfig(min_size=1, max_size=3)) as pool:
        assert [await use(pool, tag) for tag in "abcabc"] == [1, 2, 3, 1, 2, 3]


async def test_with_no_room_to_grow_the_least_recently_used_is_replaced(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.create, shop.close = slow(1), slow(2)
    async with open_pool(shop, PoolConfig(min_size=1, max_size=2)) as pool:
        for tag in "aba":
            await use(pool, tag)
        start = trio.current_time()
        assert await use(pool, "c") == 3
        assert trio.current_time() - start == 3
        assert list(shop.closed) == [2]
        assert shop.peak == 2
        assert pool.statistics().retired[RetireReason.UNFIT] == 1


async def test_only_as_many_are_replaced_as_wait(autojump_clock: MockClock, shop: Workshop) -> None:
    shop.close = slow(2)
    async with open_pool(shop, PoolConfig(min_size=0, max_size=4)) as pool:
        async with trio.open_nursery() as nursery:
            for tag in "abcd":
                nursery.start_soon(use, pool, tag, 1)
        async with trio.open_nursery() as nursery:
            for tag in "xy":
                nursery.start_soon(use, pool, tag)
        assert pool.statistics().retired[RetireReason.UNFIT] == 2
        assert len(shop.made) == 6


async def test_a_released_resource_goes_to_the_longest_waiting_that_it_fits(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    log: list[tuple[str, float, int]] = []
    config = PoolConfig(min_size=0, max_size=2, acquire_timeout=math.inf, overtake_limit=math.inf)
    async with open_pool(shop, config) as pool:
        await use(pool, "a")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(use, pool, "a", 10)
            nursery.start_soon(use, pool, "b", 3)
            await settle()
            for tag in "aab":
                nursery.start_soon(use, pool, tag, 1, log)
                await settle()
    # The b that was free at 3 passed both waiters for an a.
    assert log == [("b", 3, 2), ("a", 4, 3), ("a", 5, 3)]


async def test_the_oldest_waiter_is_overtaken_for_a_bounded_time_only(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    log: list[tuple[str, float, int]] = []
    config = PoolConfig(min_size=0, max_size=1, acquire_timeout=math.inf, overtake_limit=5)
    async with open_pool(shop, config) as pool, trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(use, pool, "b", 2)
        await settle()
        nursery.start_soon(use, pool, "a", 0, log)
        await settle()
        for _ in range(20):
            nursery.start_soon(use, pool, "b", 2)
    # 20 were there before it, until 40; then it is overtaken, from 40 on, at 42 and 44; at 46 it is served.
    assert [(tag, had) for tag, had, _ in log] == [("a", 46)]
    # One was replaced for it, and then its own for those behind it.
    assert pool.statistics().retired[RetireReason.UNFIT] == 2


async def test_a_fit_that_raises_hurts_its_own_acquire_only(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    def broken(_: Thing) -> int:
        raise ZeroDivisionError("my fit")

    async with open_pool(shop, PoolConfig(min_size=1, max_size=1)) as pool:
        await pool.wait_ready()
        with pytest.raises(ZeroDivisionError):
            await borrow(pool, fit=broken)
        async with trio.open_nursery() as nursery:

            async def fails() -> None:
                with pytest.raises(ZeroDivisionError):
                    await borrow(pool, fit=broken)
                assert trio.current_time() == 3

            nursery.start_soon(borrow, pool, 3)
            await settle()
            nursery.start_soon(fails)
            await settle()
            nursery.start_soon(borrow, pool, 1)
        assert trio.current_time() == 4
        assert pool.statistics().idle == 1


async def test_an_acquire_that_not_even_a_fresh_resource_fits_causes_no_churn(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    async with open_pool(shop, PoolConfig(min_size=0, max_size=2)) as pool:
        with pytest.raises(PoolTimeout):
            await borrow(pool, fit=lambda _: None)
        assert len(shop.made) == 1
        with pytest.raises(PoolTimeout):
            await borrow(pool, fit=lambda _: None)
        assert len(shop.made) == 1


async def test_min_fresh_keeps_never_leased_resources_ready(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.create = slow(1)
    config = PoolConfig(min_size=2, max_size=4, min_fresh=2)
    async with open_pool(shop, config) as pool:
        await pool.wait_ready()
        for round_, tag in enumerate("abcdef"):
            assert pool.statistics().fresh == 2
            start = trio.current_time()
            await use(pool, tag)
            assert trio.current_time() == start
            await trio.sleep(1)
            await settle()
            assert pool.statistics().fresh == 2
            assert pool.statistics().total == min(4, 3 + round_)
        # In a full pool the least recently used gave way.
        assert sorted(t.tag for t in shop.open if t.tag) == ["e", "f"]
        assert pool.statistics().retired[RetireReason.UNFIT] == 4


async def test_fresh_ones_are_not_closed_for_being_idle(autojump_clock: MockClock, shop: Workshop) -> None:
    config = PoolConfig(min_size=0, max_size=4, min_fresh=1, idle_timeout=10)
    async with open_pool(shop, config) as pool:
        await use(pool, "a")
        await trio.sleep(1000)
        assert (pool.statistics().fresh, pool.statistics().total) == (1, 1)
        assert len(shop.made) == 2


async def test_single_use_is_fast_with_fresh_ones_ready(autojump_clock: MockClock, shop: Workshop) -> None:
    shop.create, shop.close = slow(1), slow(1)
    config = PoolConfig(min_size=0, max_size=6, min_fresh=2, max_uses=1)
    async with open_pool(shop, config) as pool:
        await trio.sleep(1)
        seen = set()
        for _ in range(10):
            start = trio.current_time()
            seen.add(await borrow(pool))
            assert trio.current_time() == start
            await trio.sleep(1)
        assert len(seen) == 10
    assert shop.peak <= 6
