"""At rest or not, and what the assertions say of it."""

from __future__ import annotations

import dataclasses
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio

from ccproxy_trio.pool import PoolConfig, PoolStatistics, open_pool
from ccproxy_trio.pool.testing import (
    GatedFactory,
    Gates,
    assert_adds_up,
    assert_quiescent,
    error,
    slow,
    wait_quiescent,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from trio.testing import MockClock

    from ccproxy_trio.pool import Pool

SLOW = Gates.every(slow(2))
CONFIG = PoolConfig(min_size=0, max_size=1, check_after_idle=0, acquire_timeout=50)


@asynccontextmanager
async def plain() -> AsyncGenerator[object]:
    yield object()


async def use(pool: Pool[object], start: float = 0) -> None:
    await trio.sleep_until(start)
    async with pool.acquire():
        await trio.sleep(2)


async def test_each_state_is_named(autojump_clock: MockClock) -> None:
    factory = GatedFactory(plain, SLOW)
    said: dict[float, str] = {}
    async with (
        open_pool(factory, CONFIG, check=factory.check, reset=factory.reset) as pool,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(use, pool)
        nursery.start_soon(use, pool, 8)
        for moment in (1, 3, 5, 7, 9, 11, 13, 15, 18):
            await trio.sleep_until(moment)
            assert_adds_up(pool)
            if moment == 15:
                pool.replace_all()
            try:
                assert_quiescent(pool)
            except AssertionError as fault:
                said[moment] = str(fault).partition("(")[0].removeprefix("pool 'pool': ").rstrip()
    assert said == {
        1: "1 waiting, 1 starting",
        3: "1 leased",
        5: "1 being reset",
        9: "1 waiting, 1 being checked",
        11: "1 leased",
        13: "1 being reset",
        15: "1 retiring",
    }


async def test_the_gauges_stand_behind_the_fault(autojump_clock: MockClock) -> None:
    async with open_pool(plain, PoolConfig(max_size=3), name="mail") as pool:
        async with pool.acquire():
            with pytest.raises(AssertionError) as caught:
                assert_quiescent(pool)
        assert str(caught.value) == (
            "pool 'mail': 1 leased (2/3 resources: 1 idle, 1 in use, 0 starting, 0 checking, 0 resetting, "
            "0 retiring; 0 waiting)"
        )


async def test_a_closed_pool_is_at_rest(autojump_clock: MockClock) -> None:
    async with open_pool(plain, CONFIG) as pool:
        await use(pool)
    assert_quiescent(pool)
    assert_adds_up(pool)
    await wait_quiescent(pool, 0)


@dataclasses.dataclass
class Faked:
    """Has statistics and nothing else."""

    stats: PoolStatistics

    def statistics(self) -> PoolStatistics:
        return self.stats


async def fake(**changes: Any) -> Faked:
    """A pool of one idle resource, with other numbers."""
    async with open_pool(plain, PoolConfig(min_size=1, max_size=3)) as pool:
        await pool.wait_ready()
        return Faked(dataclasses.replace(pool.statistics(), **changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"total": 2}, "the gauges add up to 1, not to the total of 2"),
        ({"idle": 2, "in_use": -1}, "a gauge is below 0"),
        ({"waiting": -1}, "a gauge is below 0"),
        ({"fresh": 2}, "2 fresh resources among 1 at rest"),
    ],
)
@pytest.mark.parametrize("look", [assert_adds_up, assert_quiescent])
async def test_a_contradiction_is_told(
    autojump_clock: MockClock, look: Callable[[Faked], None], changes: dict[str, int], said: str
) -> None:
    look(await fake())
    with pytest.raises(AssertionError, match=f"^pool 'pool': {said}"):
        look(await fake(**changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"created": 2}, "2 created, 0 destroyed, 1 there"),
        ({"created": 2, "destroyed": 1}, "0 retired, 1 destroyed"),
    ],
)
async def test_a_loss_is_told(autojump_clock: MockClock, changes: dict[str, int], said: str) -> None:
    assert_adds_up(await fake(**changes))
    with pytest.raises(AssertionError, match=f"^pool 'pool': {said}"):
        assert_quiescent(await fake(**changes))


async def test_waiting_ends_when_the_pool_comes_to_rest(autojump_clock: MockClock) -> None:
    factory = GatedFactory(plain, SLOW)
    async with open_pool(factory, CONFIG, reset=factory.reset) as pool:
        await wait_quiescent(pool)
        assert trio.current_time() == 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(use, pool)
            await wait_quiescent(pool)
            assert trio.current_time() == 2 + 2 + 2


async def test_waiting_is_bounded(autojump_clock: MockClock) -> None:
    async with open_pool(plain, CONFIG) as pool, pool.acquire():
        with pytest.raises(AssertionError, match="1 leased"):
            await wait_quiescent(pool)
        assert trio.current_time() == 60
        with pytest.raises(AssertionError, match="1 leased"):
            await wait_quiescent(pool, 5)
        assert trio.current_time() == 65


async def test_rest_at_the_last_moment_is_rest(autojump_clock: MockClock) -> None:
    async with open_pool(plain, CONFIG) as pool, trio.open_nursery() as nursery:
        nursery.start_soon(use, pool)
        await wait_quiescent(pool, 2)


async def test_a_pool_that_leaves_its_factory_alone_is_at_rest(autojump_clock: MockClock) -> None:
    factory = GatedFactory(plain, Gates(create=error))
    async with open_pool(factory, PoolConfig(min_size=1, create_backoff=(8, 8))) as pool:
        await wait_quiescent(pool)
        assert trio.current_time() == 0
        assert pool.statistics().backoff_until == 8


async def test_it_waits_for_what_no_deadline_tells_on_the_real_clock() -> None:
    done = threading.Event()

    async def wait_in_thread(_: object) -> None:
        await trio.to_thread.run_sync(done.wait, 10)

    config = dataclasses.replace(CONFIG, reset_timeout=1000)
    async with open_pool(plain, config, reset=wait_in_thread) as pool:
        async with pool.acquire():
            pass
        assert pool.statistics().resetting == 1
        timer = threading.Timer(0.05, done.set)
        timer.start()
        with trio.fail_after(9):  # Found by looking again: nothing else is due until then.
            await wait_quiescent(pool, 10)
        assert done.is_set()
        assert pool.statistics().idle == 1
        timer.join()
