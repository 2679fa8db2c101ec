"""One way into each reason to retire, and what it leaves behind: a replacement, and one more of that count alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import trio

from ccproxy_trio.pool import PoolConfig, RetireReason, open_pool
from tests.pool.steps import borrow, settle
from tests.pool.workshop import error, never, slow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trio.testing import MockClock

    from ccproxy_trio.pool import Pool
    from tests.pool.workshop import Thing, Workshop


async def by_idle(pool: Pool[Thing], shop: Workshop) -> None:
    """Grow above min_size, and rest."""
    async with pool.acquire(), pool.acquire():
        pass
    await trio.sleep(300)


async def by_lifetime(pool: Pool[Thing], shop: Workshop) -> None:
    """Get old in a lease."""
    await borrow(pool, 1000)


async def by_uses(pool: Pool[Thing], shop: Workshop) -> None:
    """Be leased as often as is allowed."""
    for _ in range(3):
        await borrow(pool)


async def by_unhealthy(pool: Pool[Thing], shop: Workshop) -> None:
    """Fail a round of checks."""
    shop.check_gate = error
    await trio.sleep(60)


async def by_broken(pool: Pool[Thing], shop: Workshop) -> None:
    """Raise in the body."""
    with pytest.raises(KeyError):
        async with pool.acquire():
            raise KeyError


async def by_cancelled_body(pool: Pool[Thing], shop: Workshop) -> None:
    """Be cancelled in the body."""
    with trio.move_on_after(1):
        await borrow(pool, 2)


async def by_word(pool: Pool[Thing], shop: Workshop) -> None:
    """Say so in the body."""
    async with pool.acquire() as lease:
        lease.retire()
        lease.retire(RetireReason.UNHEALTHY)


async def by_death_at_rest(pool: Pool[Thing], shop: Workshop) -> None:
    """Die while idle."""
    await borrow(pool)
    shop.made[0].die(OSError("killed"))


async def by_quiet_death(pool: Pool[Thing], shop: Workshop) -> None:
    """Die without an error, while leased."""
    async with pool.acquire() as lease:
        lease.value.die(None)
        await trio.sleep(1)


async def by_reset(pool: Pool[Thing], shop: Workshop) -> None:
    """Fail the reset."""
    shop.reset_gate = error
    await borrow(pool)


async def by_slow_reset(pool: Pool[Thing], shop: Workshop) -> None:
    """Never end the reset."""
    shop.reset_gate = never
    await borrow(pool)
    await trio.sleep(5)


async def by_replacement_at_rest(pool: Pool[Thing], shop: Workshop) -> None:
    """Be replaced while idle."""
    await borrow(pool)
    await settle()
    pool.replace_all()


async def by_replacement_in_use(pool: Pool[Thing], shop: Workshop) -> None:
    """Be replaced while leased: it ends when it comes back."""
    async with pool.acquire() as lease:
        pool.replace_all()
        await settle()
        assert lease.value in shop.open


async def by_unfit(pool: Pool[Thing], shop: Workshop) -> None:
    """Make room for a fresh one."""
    pool.resize(max_size=1)
    async with pool.acquire() as lease:
        lease.value.tag = "a"
    await settle()
    await borrow(pool, fit=lambda thing: 1 if thing.tag is None else None)


async def by_shrinking(pool: Pool[Thing], shop: Workshop) -> None:
    """Be one too many."""
    async with pool.acquire(), pool.acquire():
        pass
    await settle()
    pool.resize(max_size=1)


@pytest.mark.parametrize(
    ("reason", "way"),
    [
        (RetireReason.IDLE, by_idle),
        (RetireReason.LIFETIME, by_lifetime),
        (RetireReason.USES, by_uses),
        (RetireReason.UNHEALTHY, by_unhealthy),
        (RetireReason.BROKEN, by_broken),
        (RetireReason.BROKEN, by_cancelled_body),
        (RetireReason.BROKEN, by_word),
        (RetireReason.DIED, by_death_at_rest),
        (RetireReason.DIED, by_quiet_death),
        (RetireReason.RESET_FAILED, by_reset),
        (RetireReason.RESET_FAILED, by_slow_reset),
        (RetireReason.REPLACED, by_replacement_at_rest),
        (RetireReason.REPLACED, by_replacement_in_use),
        (RetireReason.UNFIT, by_unfit),
        (RetireReason.SHRUNK, by_shrinking),
    ],
)
async def test_reason(
    autojump_clock: MockClock,
    shop: Workshop,
    reason: RetireReason,
    way: Callable[[Pool[Thing], Workshop], Awaitable[None]],
) -> None:
    config = PoolConfig(min_size=1, max_lifetime=1000, lifetime_jitter=0, max_uses=3)
    async with open_pool(shop, config, check=shop.check, reset=shop.reset) as pool:
        await way(pool, shop)
        await settle()
        shop.check_gate = shop.reset_gate = slow(0)
        await trio.sleep(0.5)
        stats = pool.statistics()
        assert {r: n for r, n in stats.retired.items() if n} == {reason: 1}
        assert (stats.destroyed, stats.idle, stats.total) == (1, 1, 1)
    assert pool.statistics().retired[RetireReason.CLOSING] == 1
    shop.assert_clean()


def test_every_reason_has_a_way() -> None:
    mark = next(mark for mark in test_reason.pytestmark if mark.name == "parametrize")
    assert {reason for reason, _ in mark.args[1]} == set(RetireReason) - {RetireReason.CLOSING}


async def test_the_cause_of_a_death_is_kept(autojump_clock: MockClock, shop: Workshop) -> None:
    async with open_pool(shop, PoolConfig(min_size=1)) as pool:
        await borrow(pool)
        shop.made[0].die(OSError("killed"))
        await trio.sleep(1)
        assert repr(pool.statistics().last_error) == "OSError('killed')"
        assert pool.statistics().close_failures == 0


async def test_a_resource_that_dies_while_leased_frees_its_slot_when_it_is_gone(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.close = slow(2)
    async with open_pool(shop, PoolConfig(min_size=0, max_size=1, acquire_timeout=math.inf)) as pool:
        async with trio.open_nursery() as nursery:
            async with pool.acquire() as lease:
                log: list[tuple[str, float, int]] = []
                nursery.start_soon(lambda: borrow(pool, log=log))
                await trio.sleep(3)
                lease.value.die(OSError("killed"))
                await settle()
                # It raised out of its own context, so there was nothing more to wait for.
                assert log == [(None, 3, 2)]
                await trio.sleep(7)
            assert pool.statistics().retired[RetireReason.BROKEN] == 0
        assert pool.statistics().idle == 1


async def test_a_dying_resource_is_out_of_circulation_before_it_is_gone(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.close = slow(2)
    async with open_pool(shop, PoolConfig(min_size=0, max_size=1, acquire_timeout=math.inf)) as pool:
        async with pool.acquire() as lease:
            lease.value.die(None)
            await settle()
            assert pool.statistics().retiring == 1
        async with pool.acquire() as lease:
            assert (trio.current_time(), lease.value.number) == (2, 2)
    shop.assert_clean()


async def test_a_resource_that_dies_during_its_check_is_replaced_for_who_waits(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.check_gate = never
    config = PoolConfig(min_size=1, max_size=1, check_after_idle=0, health_check_interval=math.inf)
    async with open_pool(shop, config, check=shop.check) as pool, trio.open_nursery() as nursery:
        await pool.wait_ready()
        log: list[tuple[str, float, int]] = []
        nursery.start_soon(lambda: borrow(pool, log=log))
        await trio.sleep(1)
        assert pool.statistics().checking == 1
        shop.made[0].die(OSError("killed"))
        await settle()
        assert log == [(None, 1, 2)]
        assert pool.statistics().check_failures == 0


async def test_a_closing_that_fails_is_counted_and_kept_from_the_user(
    autojump_clock: MockClock, shop: Workshop
) -> None:
    shop.close = error
    async with open_pool(shop, PoolConfig(min_size=2)) as pool:
        with pytest.raises(KeyError):
            async with pool.acquire():
                raise KeyError
        await settle()
        assert pool.statistics().close_failures == 1
    assert pool.statistics().close_failures == 3
    shop.assert_clean()


async def test_an_error_in_the_body_may_be_left_to_reset(autojump_clock: MockClock, shop: Workshop) -> None:
    config = PoolConfig(min_size=1, max_size=1, retire_on_error=False)
    async with open_pool(shop, config, reset=shop.reset) as pool:
        for leave in (by_broken, by_cancelled_body):
            await leave(pool, shop)
            await settle()
            assert pool.statistics().retired[RetireReason.BROKEN] == 0
        async with pool.acquire() as lease:
            assert lease.uses == 3
            lease.retire()
        await settle()
        assert pool.statistics().retired[RetireReason.BROKEN] == 1
    shop.assert_clean()
