"""What observers hear, and that they can do no harm."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

import pytest
import trio

from ccproxy_trio.pool import (
    AcquireFailed,
    CheckFailed,
    CreateFailed,
    PoolConfig,
    PoolEvent,
    PoolTimeout,
    ResetFailed,
    ResourceCreated,
    ResourceGone,
    ResourceLeased,
    ResourceReleased,
    ResourceRetired,
    ResourceUnavailable,
    RetireReason,
    open_pool,
)
from tests.pool.steps import assert_adds_up, borrow, settle
from tests.pool.workshop import error, slow

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from trio.testing import MockClock

    from tests.pool.workshop import Workshop


async def test_the_life_of_a_resource_as_told(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    shop.create = slow(2)
    heard: list[PoolEvent] = []
    config = PoolConfig(min_size=0, max_uses=1)
    async with open_any(shop, config, observer=heard.append, name="p") as pool:
        await borrow(pool, 3)
        await settle()
    assert heard == [
        ResourceCreated(pool="p", time=2, id=1, took=2),
        ResourceLeased(pool="p", time=2, id=1, uses=1, waited=2),
        ResourceReleased(pool="p", time=5, id=1, held=3, error=None),
        ResourceRetired(pool="p", time=5, id=1, reason=RetireReason.USES, cause=None),
        ResourceGone(pool="p", time=5, id=1, uses=1, age=3, error=None),
    ]


async def test_it_is_told_whose_fit_raised_while_it_waited(autojump_clock: MockClock, shop: Workshop) -> None:
    heard: list[PoolEvent] = []
    config = PoolConfig(min_size=0, max_size=1)
    async with (
        open_pool(shop, config, observer=heard.append) as pool,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(borrow, pool, 3)
        await trio.sleep(1)
        with pytest.raises(ZeroDivisionError) as raised:
            async with pool.acquire(fit=lambda thing: 1 // 0, label="mine"):
                raise AssertionError("nothing fits it")
    failed = [event for event in heard if isinstance(event, AcquireFailed)]
    assert [(event.label, event.waited, event.error) for event in failed] == [("mine", 2, raised.value)]


async def test_failures_are_told(autojump_clock: MockClock, shop: Workshop) -> None:
    heard: list[PoolEvent] = []
    config = PoolConfig(min_size=0, max_size=1, check_after_idle=1, health_check_interval=math.inf)
    async with open_pool(shop, config, check=shop.check, reset=shop.reset, observer=heard.append) as pool:
        shop.create = error
        with pytest.raises(ResourceUnavailable) as unavailable:
            await borrow(pool)
        await trio.sleep(10)
        shop.create = slow(0)
        shop.close = error
        async with pool.acquire():
            with pytest.raises(PoolTimeout) as timeout:
                await borrow(pool)
            with trio.move_on_after(1):
                await borrow(pool)
        await trio.sleep(10)
        shop.check_gate = error
        shop.reset_gate = error
        await borrow(pool)
        await settle()
    kinds = [type(event) for event in heard]
    assert kinds.count(CheckFailed) == kinds.count(ResetFailed) == kinds.count(CreateFailed) == 1
    create = next(event for event in heard if isinstance(event, CreateFailed))
    assert (create.time, create.retry_at, repr(create.error)) == (0, 0.5, "OSError('the gate is shut')")
    refused = [event for event in heard if isinstance(event, AcquireFailed)]
    assert [(event.waited, event.error) for event in refused] == [
        (0, unavailable.value),
        (5, timeout.value),
        (1, None),
    ]
    gone = [event for event in heard if isinstance(event, ResourceGone)]
    assert [repr(event.error) for event in gone] == ["OSError('the gate is shut')"] * 2
    reasons = [(event.reason, repr(event.cause)) for event in heard if isinstance(event, ResourceRetired)]
    assert reasons == [
        (RetireReason.UNHEALTHY, "OSError('the gate is shut')"),
        (RetireReason.RESET_FAILED, "OSError('the gate is shut')"),
    ]


async def test_an_error_in_an_observer_is_logged_and_goes_no_further(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(event: PoolEvent) -> None:
        raise ZeroDivisionError("observer")

    heard: list[PoolEvent] = []
    with caplog.at_level(logging.ERROR, logger="ccproxy_trio.pool"):
        async with open_any(shop, PoolConfig(min_size=0), observer=[broken, heard.append]) as pool:
            await borrow(pool)
    shop.assert_clean()
    assert len(heard) >= 4
    assert len(caplog.records) == len(heard)
    assert all(record.exc_info and record.exc_info[0] is ZeroDivisionError for record in caplog.records)


async def test_an_observer_may_look_at_the_pool_and_change_it(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    def look(event: PoolEvent) -> None:
        nonlocal looks
        if isinstance(event, ResourceLeased | ResourceGone) and looks < 100:
            looks += 1
            assert_adds_up(pool)
            pool.resize(max_size=3 if isinstance(event, ResourceLeased) else 2)

    looks = 0
    config = PoolConfig(min_size=1, max_size=2, acquire_timeout=math.inf, max_uses=2)
    async with open_pool(shop, config, observer=look) as opened:
        pool = opened
        async with trio.open_nursery() as nursery:
            for _ in range(12):
                nursery.start_soon(borrow, pool, 1)
        await settle()
        assert pool.statistics().in_use == 0
        looks, calls = 100, looks
    assert calls > 12
    assert shop.peak <= 3
    shop.assert_clean()


@pytest.mark.parametrize("first", ["replace_all", "resize", "sweep"])
async def test_an_observer_may_retire_what_is_about_to_be_retired(
    autojump_clock: MockClock, shop: Workshop, first: str
) -> None:
    def interfere(event: PoolEvent) -> None:
        nonlocal interfered
        if isinstance(event, ResourceRetired) and not interfered:
            interfered = True
            pool.replace_all()

    interfered = False
    async with open_pool(shop, PoolConfig(min_size=0, idle_timeout=10), observer=interfere) as opened:
        pool = opened
        async with trio.open_nursery() as nursery:
            for _ in range(6):
                nursery.start_soon(borrow, pool, 1)
        await settle()
        async with pool.acquire(), pool.acquire():
            if first == "replace_all":
                pool.replace_all()
            elif first == "resize":
                pool.resize(max_size=1)
            await trio.sleep(20)
            statistics = pool.statistics()
        assert interfered
        assert (sum(statistics.retired.values()), statistics.created, statistics.total) == (4, 6, 2)
    shop.assert_clean()


async def test_an_observer_that_ends_the_program_leaves_nothing_open(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    def end(event: PoolEvent) -> None:
        if isinstance(event, ResourceLeased):
            raise SystemExit(7)

    with pytest.RaisesGroup(SystemExit, flatten_subgroups=True, allow_unwrapped=True):
        async with open_pool(shop, PoolConfig(min_size=0), observer=end) as pool:
            await borrow(pool)
    shop.assert_clean()


async def test_one_that_comes_later_hears_the_rest(
    autojump_clock: MockClock, open_any: Callable[..., Any], shop: Workshop
) -> None:
    heard: list[PoolEvent] = []
    late: list[PoolEvent] = []
    async with open_any(shop, PoolConfig(min_size=0), observer=heard.append) as pool:
        await borrow(pool)
        await settle()
        before = len(heard)
        pool.observe(late.append)
        await borrow(pool)
    assert before
    assert late
    assert late == heard[before:]


async def test_one_may_bring_another_in_the_midst_of_an_event(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    heard: list[PoolEvent] = []
    async with open_pool(shop, PoolConfig(min_size=0, max_size=1)) as pool:

        def bring(event: PoolEvent) -> None:
            if not heard:
                heard.append(event)
                pool.observe(heard.append)

        pool.observe(bring)
        await borrow(pool)
    assert [type(event) for event in heard[:2]] == [ResourceCreated, ResourceLeased]
