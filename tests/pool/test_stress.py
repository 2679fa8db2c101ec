"""Many clients, small integer delays that tie, faults and cancellations at any checkpoint, and then the invariants.

No double lease, never above max_size, no lost slot, no ghost waiter, no cancellation swallowed, nothing open.
Continuous delays hide the leaks that ties show, and deadlines alone never cancel a client that was just served.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import trio

from ccproxy_trio.pool import PoolConfig, PoolError, open_null_pool, open_pool
from ccproxy_trio.pool.testing import Chaos, Gates, assert_adds_up, open_chaos, run_seeded, wait_quiescent
from tests.pool.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ccproxy_trio.pool import Pool
    from tests.pool.workshop import Thing

QUIET = {"idle_timeout": math.inf, "health_check_interval": math.inf}
BUSY = {"idle_timeout": 3, "health_check_interval": 2, "max_lifetime": 15}
TAGS = "abc"
RUNS = 60


async def flaky() -> None:
    """Take 0, 1 or 2 seconds; fail at times, or never end."""
    dice = random.random()
    await trio.sleep(random.choice((0, 0, 1, 2)) if dice > 0.02 else math.inf)
    if dice > 0.94:
        raise OSError("flaky")


def fit_for(tag: str) -> Callable[[Thing], int | None]:
    """Suits: the same tag, or none yet."""
    return lambda thing: {tag: 2, None: 1}.get(thing.tag)


@dataclass
class Count:
    """What the clients saw."""

    served: int = 0
    refused: int = 0


async def client(pool: Pool[Thing], shop: Workshop, chaos: Chaos, count: Count, fits: bool) -> None:
    """Borrow, work, give back; at times break it, let it die, or be cancelled."""
    for _ in range(10):
        tag = random.choice(TAGS)
        with trio.move_on_after(random.choice((0, 1, 2, 3, 4, math.inf))) as scope, chaos.register(scope):
            try:
                async with pool.acquire(fit_for(tag) if fits else None) as lease:
                    count.served += 1
                    thing = lease.value
                    with shop.hold(thing):
                        if fits:
                            assert thing.tag in (None, tag)
                            thing.tag = tag
                        await trio.sleep(random.choice((0, 1, 2)))
                        dice = random.random()
                        if dice < 0.1:
                            raise ValueError
                        if dice < 0.15:
                            lease.retire()
                        elif dice < 0.2:
                            thing.die(OSError("died"))
                            await trio.sleep(random.choice((0, 1)))
            except (PoolError, ValueError):
                count.refused += 1
            if scope.cancel_called:
                await trio.lowlevel.checkpoint()
                pytest.fail("a cancellation was swallowed")
        assert_adds_up(pool)
        await trio.sleep(random.choice((0, 1)))


async def meddle(pool: Pool[Thing]) -> None:
    """Change the pool while it works."""
    while True:
        await trio.sleep(random.choice((5, 7)))
        if random.random() < 0.5:
            pool.replace_all()
        else:
            pool.resize(min_size=random.choice((0, 1)), max_size=3)


async def run_one(seed: int, open_any: Callable[..., Any], housekeeping: bool, fits: bool) -> int:
    """One run; how many leases were served."""
    shop, count = Workshop(), Count()
    shop.gates = Gates.every(flaky)
    config = PoolConfig(
        min_size=1,
        max_size=3,
        acquire_timeout=random.choice((2, 4, 8)),
        create_timeout=3,
        check_timeout=2,
        reset_timeout=2,
        close_timeout=2,
        check_after_idle=random.choice((0, 1, 2)),
        create_backoff=(1, 2),
        max_uses=random.choice((2, 5, math.inf)),
        min_fresh=random.choice((0, 0, 1)),
        overtake_limit=2,
        **(BUSY if housekeeping else QUIET),
    )
    async with open_any(shop, config, check=shop.check, reset=shop.reset) as pool:
        async with open_chaos(seed) as chaos, trio.open_nursery() as outer:
            if housekeeping:
                outer.start_soon(meddle, pool)
            async with trio.open_nursery() as clients:
                for _ in range(8):
                    clients.start_soon(client, pool, shop, chaos, count, fits)
            outer.cancel_scope.cancel()
        assert chaos.cancelled
        shop.gates = Gates()
        await trio.sleep(30)
        await wait_quiescent(pool)
        # No slot is lost: all places can be had at once, whatever is at rest there.
        async with (
            pool.acquire(timeout=20) as one,
            pool.acquire(timeout=20) as two,
            pool.acquire(timeout=20) as three,
        ):
            assert len({one.id, two.id, three.id}) == 3
        assert pool.statistics().acquired == count.served + 3
    assert shop.peak <= 3
    shop.assert_clean()
    stats = pool.statistics()
    assert stats.total == 0
    assert stats.created == stats.destroyed == sum(stats.retired.values()) == len(shop.made)
    return count.served


@pytest.mark.parametrize("housekeeping", [False, True], ids=["quiet", "busy"])
@pytest.mark.parametrize(
    ("open_any", "fits"),
    [(open_pool, False), (open_pool, True), (open_null_pool, False)],
    ids=["pool", "fit", "null"],
)
def test_stress(open_any: Callable[..., Any], fits: bool, housekeeping: bool) -> None:
    served = 0
    for seed in range(RUNS):
        served += run_seeded(run_one, seed, open_any, housekeeping, fits, seed=seed)
    assert served > RUNS * 15
