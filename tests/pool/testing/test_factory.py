"""The factory's book: what is open, what was, and what should not have happened."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio

from ccproxy_trio.pool import PoolConfig, RetireReason, open_pool
from ccproxy_trio.pool.testing import GatedFactory, Gates, error, never, raises, slow

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from trio.testing import MockClock


class Box:
    """A resource."""


@asynccontextmanager
async def open_box() -> AsyncGenerator[Box]:
    yield Box()


async def test_it_counts_what_is_under_way(autojump_clock: MockClock) -> None:
    factory = GatedFactory(open_box, Gates(create=slow(1), close=slow(2)))
    async with open_pool(factory, PoolConfig(min_size=3)):
        await trio.sleep(0.5)
        assert (factory.begun, factory.made, factory.open, factory.under_way) == ([0, 0, 0], [], [], 3)
        await trio.sleep(1)
        assert len(factory.open) == factory.under_way == 3
    assert factory.closed == {1: 3.5, 2: 3.5, 3: 3.5}
    assert (factory.open, factory.under_way, factory.peak) == ([], 0, 3)
    async with factory():
        assert (len(factory.open), factory.under_way, factory.peak) == (1, 1, 3)
    assert [record.number for record in factory.records] == [1, 2, 3, 4]
    assert [factory.record(value).value for value in factory.made] == factory.made
    factory.assert_clean()


async def test_what_failed_is_begun_but_not_made(autojump_clock: MockClock) -> None:
    factory = GatedFactory(open_box, Gates(create=error))
    with pytest.raises(OSError, match="gate"):
        async with factory():
            pass
    assert (factory.begun, factory.records, factory.under_way, factory.peak) == ([0], [], 0, 1)
    factory.assert_clean()


async def test_the_factory_behind_the_gate_fails_and_ends_as_ever(autojump_clock: MockClock) -> None:
    ended = []

    @asynccontextmanager
    async def open_noted() -> AsyncGenerator[Box]:
        try:
            yield Box()
        finally:
            ended.append(trio.current_time())

    factory = GatedFactory(open_noted, Gates(close=raises(BrokenPipeError)))
    with pytest.raises(BrokenPipeError):
        async with factory():
            await trio.sleep(1)
    with pytest.raises(KeyError):
        async with factory():
            raise KeyError
    with trio.move_on_after(1):
        async with factory():
            await trio.sleep_forever()
    assert ended == [1, 1, 2]
    factory.assert_clean()


async def test_hooks_pass_on_to_ones_own(autojump_clock: MockClock) -> None:
    seen: list[tuple[str, Box]] = []

    async def check(box: Box) -> None:
        seen.append(("check", box))

    async def reset(box: Box) -> None:
        seen.append(("reset", box))

    factory = GatedFactory(open_box, check=check, reset=reset)
    async with factory() as box:
        await factory.check(box)
        await factory.reset(box)
        assert seen == [("check", box), ("reset", box)]
        factory.gates = Gates.every(error)
        for hook in (factory.check, factory.reset):
            with pytest.raises(OSError, match="gate"):
                await hook(box)
        factory.gates.close = slow(0)
    assert len(seen) == 2
    assert (factory.records[0].checks, factory.records[0].resets) == ([0, 0], [0, 0])


@pytest.mark.parametrize("cause", [None, EOFError("killed")])
async def test_killed_is_dead(autojump_clock: MockClock, cause: Exception | None) -> None:
    factory = GatedFactory(open_box)
    async with open_pool(factory, PoolConfig(min_size=1, max_size=1)) as pool:
        await pool.wait_ready()
        factory.kill(factory.made[0], cause)
        await trio.sleep(1)
        stats = pool.statistics()
        assert stats.retired[RetireReason.DIED] == 1
        assert stats.last_error is cause
        assert factory.open == [factory.made[1]]
    factory.assert_clean()


async def test_killed_on_its_way_out_or_after_is_left_alone(autojump_clock: MockClock) -> None:
    factory = GatedFactory(open_box, Gates(close=slow(4)))
    async with trio.open_nursery() as nursery:

        async def kill_later() -> None:
            await trio.sleep(2)
            factory.kill(factory.made[0], EOFError())

        nursery.start_soon(kill_later)
        async with factory() as box:
            pass
    assert factory.closed == {1: 4}
    factory.kill(box, EOFError())
    factory.assert_clean()


def test_what_was_not_made_here_is_not_known() -> None:
    factory = GatedFactory(open_box)
    for look in (factory.record, factory.kill, lambda box: factory.hold(box).__enter__()):
        with pytest.raises(LookupError, match="was not made by this factory"):
            look(Box())


async def test_two_holders_are_noted(autojump_clock: MockClock) -> None:
    factory = GatedFactory(open_box)
    async with factory() as box:
        with factory.hold(box):
            pass
        assert factory.wrongs == []
        with factory.hold(box), factory.hold(box):
            pass
        assert factory.wrongs == ["resource 1 was used by two at once"]
    with pytest.raises(AssertionError, match="resource 1 was used by two at once"):
        factory.assert_clean()


async def test_use_after_the_end_is_noted(autojump_clock: MockClock) -> None:
    factory = GatedFactory(open_box)
    async with factory() as box:
        pass
    with factory.hold(box):
        pass
    assert factory.wrongs == ["resource 1 was used after it was closed"]


async def test_hooks_in_the_midst_of_use_are_noted(autojump_clock: MockClock) -> None:
    factory = GatedFactory(open_box)
    async with factory() as box:
        with factory.hold(box):
            await factory.check(box)
            await factory.reset(box)
    assert factory.wrongs == [
        "resource 1 was checked while somebody used it",
        "resource 1 was reset while somebody used it",
    ]


async def test_one_object_twice_is_noted(autojump_clock: MockClock) -> None:
    box = Box()

    @asynccontextmanager
    async def open_same() -> AsyncGenerator[Box]:
        yield box

    factory = GatedFactory(open_same)
    async with factory():
        pass
    async with factory(), factory():
        pass
    (wrong,) = factory.wrongs
    assert wrong.startswith("the factory gave resource 2 a second time: <")


async def test_what_is_open_or_being_created_is_not_clean(autojump_clock: MockClock) -> None:
    factory = GatedFactory(open_box)
    async with factory(), trio.open_nursery() as nursery:

        async def create() -> None:
            async with factory():
                pass

        factory.gates.create = never
        nursery.start_soon(create)
        await trio.sleep(1)
        with pytest.raises(AssertionError) as caught:
            factory.assert_clean()
        assert str(caught.value) == "resource 1 is open; 1 being created"
        nursery.cancel_scope.cancel()
    factory.assert_clean()
