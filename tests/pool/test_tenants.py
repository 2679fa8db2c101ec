"""Fairness between those on whose behalf resources are asked for: whose turn it is, and who may stand in the line."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio

from ccproxy_trio.pool import AcquireFailed, PoolConfig, PoolSaturated, ResourceUnavailable, open_pool
from ccproxy_trio.pool._waiters import REMEMBERED, Turns
from tests.pool.steps import borrow, settle
from tests.pool.test_fit import use
from tests.pool.workshop import error, slow

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from trio.testing import MockClock

    from ccproxy_trio.pool import Pool
    from tests.pool.workshop import Thing, Workshop

Log = list[tuple[Any, float, int]]


async def flood(
    nursery: trio.Nursery, pool: Pool[Thing], tenant: Hashable, times: int, seconds: float, log: Log
) -> None:
    """Ask that many times at once; let them stand in the line."""
    for _ in range(times):
        nursery.start_soon(lambda: borrow(pool, seconds, log=log, mark=tenant, tenant=tenant))
        await settle()


def order(log: Log) -> str:
    """Who was served, one after the other."""
    return "".join(str(mark or "-") for mark, _, _ in log)


async def test_one_resource_goes_round(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    log: Log = []
    config = PoolConfig(max_size=1, min_size=1, acquire_timeout=math.inf)
    async with open_any(shop, config) as pool, trio.open_nursery() as nursery:
        await flood(nursery, pool, "a", 5, 1, log)
        await flood(nursery, pool, "b", 3, 1, log)
        await flood(nursery, pool, None, 2, 1, log)
    assert order(log) == "ab-ab-abaa"
    assert [had for _, had, _ in log] == list(range(10))


async def test_what_comes_free_goes_to_whoever_has_least(autojump_clock: MockClock, shop: Workshop) -> None:
    log: Log = []
    config = PoolConfig(max_size=4, min_size=4, acquire_timeout=math.inf)
    async with open_pool(shop, config) as pool, trio.open_nursery() as nursery:
        await pool.wait_ready()
        for seconds in (1, 2, 3, 9):
            await flood(nursery, pool, "a", 1, seconds, log)
        await flood(nursery, pool, "a", 8, 10, log)
        await flood(nursery, pool, "b", 4, 10, log)
        await trio.sleep(8)
    # b had none, one, and two when a had two and one; at 9 they had two and one, and at 11 a had three of four.
    assert order(log) == "aaaa" + "bba" + "a" + "bb" + "aa" + "aaaa"
    assert [had for _, had, _ in log] == [0, 0, 0, 0, 1, 2, 3, 9, 11, 12, 13, 19, 21, 22, 23, 29]


async def test_within_a_tenant_who_comes_first_is_served_first(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    log: Log = []
    config = PoolConfig(max_size=1, min_size=1, acquire_timeout=99)
    async with open_pool(shop, config) as pool, trio.open_nursery() as nursery:
        for number in range(12):
            tenant = "aab"[number % 3]
            nursery.start_soon(partial(borrow, pool, 1, log=log, mark=number, tenant=tenant))
            await settle()
    assert [mark for mark, _, _ in log if mark % 3 == 2] == [2, 5, 8, 11]
    assert [mark for mark, _, _ in log if mark % 3 != 2] == [0, 1, 3, 4, 6, 7, 9, 10]


async def test_who_asks_one_at_a_time_is_not_behind_a_flood(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    log: Log = []
    config = PoolConfig(max_size=2, min_size=2, acquire_timeout=math.inf)
    async with open_pool(shop, config) as pool, trio.open_nursery() as nursery:
        await flood(nursery, pool, "a", 60, 4, log)
        await trio.sleep(1)
        for _ in range(5):
            await borrow(pool, 1, log=log, mark="b", tenant="b")
            await trio.sleep(0.5)
    # Each time it is the next to be served, however many of a's wait.
    assert [had for mark, had, _ in log if mark == "b"] == [4, 8, 13, 17, 22]


async def test_who_comes_and_goes_gets_no_more_than_those_who_wait(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    log: Log = []
    config = PoolConfig(max_size=1, min_size=1, acquire_timeout=math.inf)
    async with open_pool(shop, config) as pool, trio.open_nursery() as nursery:
        for tenant in "xy":
            await flood(nursery, pool, tenant, 9, 1, log)
        for _ in range(5):
            await borrow(pool, 1, log=log, mark="b", tenant="b")
    # It waits only from the moment in which the next has been served already, and yet its turn is kept.
    assert order(log)[:14] == "xybxybxybxybxy"


async def test_fit_goes_before_turn_and_the_overtaken_are_cared_for(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    log: list[tuple[str, float, int]] = []
    config = PoolConfig(min_size=0, max_size=1, acquire_timeout=math.inf, overtake_limit=5)
    async with open_pool(shop, config) as pool, trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(lambda: use(pool, "b", 2, log, tenant="many"))
        await settle()
        nursery.start_soon(lambda: use(pool, "a", 0, log, tenant="one"))
    # From 2 on it is passed over as it does not suit; at 8 it has been for longer than may be.
    assert [had for tag, had, _ in log if tag == "a"] == [8]
    assert [had for tag, had, _ in log if tag == "b"] == [0, 2, 4, 6, *range(8, 40, 2)]


async def test_the_place_of_the_latest_of_those_who_fill_the_line_goes_to_another(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    seen: list[object] = []
    ends: list[tuple[str, float]] = []
    config = PoolConfig(max_size=1, min_size=1, max_waiting=4, acquire_timeout=math.inf)
    async with open_pool(shop, config, observer=seen.append) as pool, trio.open_nursery() as nursery:

        async def ask(name: str) -> None:
            try:
                await borrow(pool, 20, tenant=name[0])
            except PoolSaturated as refused:
                name += f" ({refused.statistics.waiting} wait)"
            ends.append((name, trio.current_time()))

        for name in ["a0", "a1", "a2", "a3", "a4", "a5", "b1", "b2", "b3", "c1", "c2", "d1", "e1", "a6"]:
            nursery.start_soon(ask, name)
            await settle()
            await trio.sleep(1)
    # First what the others need is a's; then b has as much as a. e has no better claim than any of the four.
    refused = [
        ("a5", 5),
        ("a4", 6),
        ("a3", 7),
        ("b3", 8),
        ("b2", 9),
        ("c2", 10),
        ("a2", 11),
        ("e1", 12),
        ("a6", 13),
    ]
    served = [("a0", 20), ("b1", 40), ("c1", 60), ("d1", 80), ("a1", 100)]
    assert ends == [*((f"{name} (4 wait)", when) for name, when in refused), *served]
    assert pool.statistics().saturated == 9
    waits = [event.waited for event in seen if isinstance(event, AcquireFailed)]
    assert waits == [0, 2, 4, 0, 2, 0, 9, 0, 0]


async def test_the_only_place_in_the_line_goes_to_whose_turn_comes_first(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    ends: list[tuple[str, float]] = []
    config = PoolConfig(max_size=1, min_size=1, max_waiting=1, acquire_timeout=math.inf)
    async with open_pool(shop, config) as pool, trio.open_nursery() as nursery:

        async def ask(name: str) -> None:
            try:
                await borrow(pool, 10, tenant=name[0])
            except PoolSaturated:
                name += " refused"
            ends.append((name, trio.current_time()))

        for name in ("a0", "a1", "b1", "a2", "b2"):
            nursery.start_soon(ask, name)
            await settle()
            await trio.sleep(1)
    assert ends == [("a1 refused", 2), ("a2 refused", 3), ("b2 refused", 4), ("a0", 10), ("b1", 20)]


async def test_who_is_put_out_of_the_line_and_cancelled_at_once_is_cancelled(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    config = PoolConfig(max_size=1, min_size=1, max_waiting=2, acquire_timeout=math.inf)
    async with open_pool(shop, config) as pool, trio.open_nursery() as nursery:
        log: Log = []
        await flood(nursery, pool, "a", 2, 1, log)
        scope = trio.CancelScope()

        async def leave() -> None:
            with scope:
                await borrow(pool, tenant="a")

        nursery.start_soon(leave)
        await settle()
        scope.cancel()
        nursery.start_soon(lambda: borrow(pool, 1, log=log, mark="b", tenant="b"))
        await settle()
        assert scope.cancelled_caught
        stats = pool.statistics()
        assert (stats.waiting, stats.saturated, stats.acquire_cancelled) == (2, 0, 1)
    assert order(log) == "aba"


async def test_when_the_factory_fails_the_biggest_tenant_is_told_first(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.create = slow(3)
    ends: list[tuple[str, float]] = []
    config = PoolConfig(min_size=0, max_size=3, acquire_timeout=99, create_backoff=(60, 60))
    async with open_pool(shop, config) as pool, trio.open_nursery() as nursery:

        async def ask(name: str) -> None:
            try:
                await borrow(pool, 5, tenant=name[0])
            except ResourceUnavailable:
                name += " unavailable"
            ends.append((name, trio.current_time()))

        for name in ("a1", "a2", "b1"):
            if name == "b1":
                shop.create = error
            nursery.start_soon(ask, name)
            await settle()
            await trio.sleep(1)
    # Two creations were under way, and so one of the three could not be served.
    assert ends == [("a2 unavailable", 2), ("a1", 8), ("b1", 9)]


async def test_a_tenant_is_hashable(autojump_clock: MockClock, shop: Workshop) -> None:
    async with open_pool(shop) as pool:
        unhashable: Any = ["a"]
        with pytest.raises(TypeError, match="unhashable type: 'list'"):
            pool.acquire(tenant=unhashable)
        assert await borrow(pool, tenant=("a", 1)) in (1, 2)


def test_of_many_tenants_the_one_served_longest_ago_is_forgotten() -> None:
    turns = Turns()
    for tenant in range(REMEMBERED):
        turns.note(tenant)
    turns.note(0)
    turns.note("new")
    assert (turns.last(0), turns.last(1), turns.last(2)) == (REMEMBERED + 1, 0, 3)
    assert (turns.latest, turns.last("new"), turns.last("never")) == ("new", REMEMBERED + 2, 0)
