"""What a gate does to the step behind it, alone and in a pool that runs."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from ccproxy_trio.pool import PoolConfig, ResourceUnavailable, RetireReason, open_pool
from ccproxy_trio.pool.testing import (
    GatedFactory,
    Gates,
    die_later,
    drawn,
    error,
    in_turn,
    never,
    ok,
    raises,
    slow,
    wait_quiescent,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from trio.testing import MockClock

ONE = PoolConfig(min_size=0, max_size=1, check_after_idle=0, close_timeout=5, reset_timeout=5)


@asynccontextmanager
async def plain() -> AsyncGenerator[object]:
    yield object()


async def test_ok_and_slow_let_it_happen(autojump_clock: MockClock) -> None:
    with trio.testing.assert_checkpoints():
        await ok()
    assert trio.current_time() == 0
    await slow(3)()
    assert trio.current_time() == 3


async def test_error_and_raises_fail(autojump_clock: MockClock) -> None:
    with pytest.raises(OSError, match="the gate is shut"), trio.testing.assert_checkpoints():
        await error()
    gate = raises(ConnectionResetError, 104, "reset")
    with pytest.raises(ConnectionResetError) as first:
        await gate()
    with pytest.raises(ConnectionResetError) as second:
        await gate()
    assert first.value.args == (104, "reset")
    assert first.value is not second.value


async def test_never_hangs_until_it_is_cancelled(autojump_clock: MockClock) -> None:
    with trio.move_on_after(1_000_000) as scope:
        await never()
    assert scope.cancelled_caught


async def test_in_turn_takes_one_after_the_other_and_stays_with_the_last(autojump_clock: MockClock) -> None:
    gate = in_turn(slow(1), slow(10), slow(100))
    times = []
    for _ in range(5):
        await gate()
        times.append(trio.current_time())
    assert times == [1, 11, 111, 211, 311]


async def test_drawn_depends_on_nothing_but_the_source(autojump_clock: MockClock) -> None:
    async def times(seed: int) -> list[float]:
        gate = drawn(random.Random(seed), slow(0), slow(1), slow(2))
        start, seen = trio.current_time(), []
        for _ in range(20):
            await gate()
            seen.append(trio.current_time() - start)
        return seen

    assert await times(1) == await times(1) != await times(2)


@pytest.mark.parametrize("build", [in_turn, lambda: drawn(random.Random(1))], ids=["in_turn", "drawn"])
def test_a_choice_of_no_gate_is_refused(build: type) -> None:
    with pytest.raises(ValueError, match="needs at least one gate"):
        build()


def test_every_gate_is_the_same_and_life_goes_on() -> None:
    assert Gates.every(error) == Gates(create=error, check=error, reset=error, close=error, life=never)


async def test_gates_stand_before_all_four_steps(autojump_clock: MockClock) -> None:
    factory = GatedFactory(plain, Gates(create=slow(1), check=slow(2), reset=slow(3), close=slow(4)))
    async with open_pool(factory, ONE, check=factory.check, reset=factory.reset) as pool:
        async with pool.acquire():
            assert trio.current_time() == 1
        await wait_quiescent(pool)
        assert trio.current_time() == 1 + 3
        await trio.sleep(1)
        async with pool.acquire():
            assert trio.current_time() == 5 + 2
        await wait_quiescent(pool)
        assert trio.current_time() == 7 + 3
    assert trio.current_time() == 10 + 4
    (record,) = factory.records
    assert (record.opened, record.resets, record.checks, record.closed) == (1, [1, 7], [5], 14)


async def test_gates_are_switched_while_the_pool_runs(autojump_clock: MockClock) -> None:
    factory = GatedFactory(plain, Gates.every(error))
    async with open_pool(factory, PoolConfig(min_size=0, create_backoff=(1, 1))) as pool:
        with pytest.raises(ResourceUnavailable):
            await pool.acquire().__aenter__()
        factory.gates.create = slow(7)
        await trio.sleep(1)
        async with pool.acquire(timeout=10):
            assert trio.current_time() == 8
        factory.gates = Gates()
        await trio.sleep(1)
    assert pool.statistics().close_failures == 0
    factory.assert_clean()


async def test_a_step_under_way_keeps_its_gate(autojump_clock: MockClock) -> None:
    factory = GatedFactory(plain, Gates(create=slow(7)))
    async with open_pool(factory, PoolConfig(min_size=1)) as pool:
        await trio.sleep(1)
        factory.gates.create = never
        await pool.wait_ready()
        assert trio.current_time() == 7


@pytest.mark.parametrize(
    ("gate", "cause"), [(die_later(10, EOFError, "gone"), "EOFError('gone')"), (die_later(10), "None")]
)
async def test_a_resource_dies_when_its_life_ends(autojump_clock: MockClock, gate: type, cause: str) -> None:
    factory = GatedFactory(plain, Gates(life=gate))
    async with open_pool(factory, PoolConfig(min_size=1, max_size=1, create_backoff=(1, 5))) as pool:
        await trio.sleep(35)
        stats = pool.statistics()
        assert stats.retired[RetireReason.DIED] == 3
        assert repr(stats.last_error) == cause
        assert [record.opened for record in factory.records] == [0, 10, 20, 30]
        assert factory.closed == {1: 10, 2: 20, 3: 30}
    factory.assert_clean()


async def test_a_life_that_ended_is_closed_through_the_gate_only_if_it_ended_quietly(
    autojump_clock: MockClock,
) -> None:
    for gate, closed in ((die_later(1), 3), (die_later(1, EOFError), 1)):
        start = trio.current_time()
        factory = GatedFactory(plain, Gates(life=gate, close=slow(2)))
        with pytest.RaisesGroup(EOFError, allow_unwrapped=True) if closed == 1 else trio.CancelScope():
            async with factory():
                await trio.sleep_forever()
        assert factory.closed == {1: start + closed}
