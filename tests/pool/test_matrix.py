"""Every step of a resource may work, fail, take long or never end, and anybody may be cancelled meanwhile.

After deadpool's cancellation matrix: {ok, error, slow, never} at each of create, check, reset and close.
"""

from __future__ import annotations

import itertools

import pytest
import trio

from ccproxy_trio.pool import PoolConfig, PoolError, open_pool
from ccproxy_trio.pool.testing import Gates, run_seeded, wait_quiescent
from tests.pool.steps import assert_adds_up
from tests.pool.workshop import Workshop, error, never, ok, slow

GATES = {"ok": ok, "error": error, "slow": slow(1), "never": never}
CONFIG = PoolConfig(
    min_size=1,
    max_size=2,
    acquire_timeout=4,
    create_timeout=3,
    check_timeout=2,
    reset_timeout=2,
    close_timeout=2,
    check_after_idle=1,
    health_check_interval=5,
    idle_timeout=3,
    create_backoff=(1, 2),
)


async def run_one(create: str, check: str, reset: str, close: str) -> None:
    shop = Workshop()
    shop.gates = Gates(create=GATES[create], check=GATES[check], reset=GATES[reset], close=GATES[close])
    async with open_pool(shop, CONFIG, check=shop.check, reset=shop.reset) as pool:

        async def client(patience: float, work: float) -> None:
            for _ in range(2):
                with trio.move_on_after(patience):
                    try:
                        async with pool.acquire() as lease:
                            with shop.hold(lease.value):
                                await trio.sleep(work)
                    except PoolError:
                        assert create != "ok" or "never" in (check, reset, close)
                assert_adds_up(pool)
                await trio.sleep(1)

        async with trio.open_nursery() as nursery:
            for patience, work in ((1, 1), (2, 0), (3, 1), (9, 2)):
                nursery.start_soon(client, patience, work)
        await trio.sleep(10)
        # What was broken works again: nothing was lost, and all places can be had at once.
        shop.gates = Gates()
        await trio.sleep(10)
        await wait_quiescent(pool, 1)  # A check may be due at this very moment.
        async with pool.acquire(), pool.acquire():
            assert pool.statistics().in_use == 2
        shop.gates.close = GATES[close]
    assert shop.peak <= 2
    shop.assert_clean()
    stats = pool.statistics()
    assert stats.created == stats.destroyed == sum(stats.retired.values()) == len(shop.made)


@pytest.mark.parametrize("create", GATES)
@pytest.mark.parametrize("check", GATES)
def test_cancellation_matrix(create: str, check: str) -> None:
    for seed, (reset, close) in enumerate(itertools.product(GATES, GATES)):
        run_seeded(run_one, create, check, reset, close, seed=seed)
