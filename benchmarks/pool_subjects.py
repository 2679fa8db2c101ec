"""What `benchmarks.pool` measures on trio, and how anything is measured.

A subject runs an event loop of its own for a moment: it opens itself, warms up, and is timed twice.

* Alone: one task takes a resource and gives it back, again and again.
* Crowd: `TASKS` tasks share `SIZE` resources, and each holds its own for one pass of the loop.

What is counted are the CPU seconds of this process, for no subject ever waits for anything but its own tasks.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from time import process_time
from typing import TYPE_CHECKING, Any, Final, Literal

import trio

from ccproxy_trio.pool import PoolConfig, open_pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

SIZE: Final = 4
TASKS: Final = 64
ALONE: Final = 3000
"""Cycles of the one task."""
EACH: Final = 50
"""Cycles of each task in the crowd."""

BARE_CHANNEL: Final = "bare memory channel"
OURS: Final = "ccproxy_trio.pool"

Kind = Literal["bare", "pool", "variant"]


@dataclass(frozen=True)
class Times:
    """One round of one subject."""

    alone: float
    """Seconds a cycle."""
    crowd: float
    """Seconds a cycle of any task."""
    first: float
    """When the first task of the crowd had all its turns, as a fraction of the time until the last had: near 1 if all
    are served in turn, 1/16 if four keep everything until they are done."""


@dataclass(frozen=True)
class Subject:
    """Something to measure."""

    name: str
    loop: str
    """What it runs on."""
    measure: Callable[[], Times]
    kind: Kind
    """No pool, but what one is made of; a pool; or one with something more to do."""


@dataclass(frozen=True)
class Cycles:
    """The two ways in which an open subject is used, each for a number of cycles."""

    alone: Callable[[int], Awaitable[None]]
    crowd: Callable[[int], Awaitable[None]]


def borrowing(acquire: Callable[[], Any], rest: Callable[[], Awaitable[object]]) -> Cycles:
    """The cycles of a pool whose `acquire()` is an async context manager; `rest` is one pass of the loop."""

    async def alone(count: int) -> None:
        for _ in range(count):
            async with acquire():
                pass

    async def crowd(count: int) -> None:
        for _ in range(count):
            async with acquire():
                await rest()

    return Cycles(alone, crowd)


def times(alone: float, started: float, ends: list[float]) -> Times:
    """What was measured, a cycle."""
    last = ends[-1] - started
    return Times(alone=alone / ALONE, crowd=last / (TASKS * EACH), first=(ends[0] - started) / last)


def run_on_trio(open_subject: Callable[[], AbstractAsyncContextManager[Cycles]]) -> Times:
    """Measure one subject in a trio loop of its own."""

    async def main() -> Times:
        async with open_subject() as cycles:
            await cycles.alone(ALONE // 10)
            started = process_time()
            await cycles.alone(ALONE)
            alone = process_time() - started

            ends: list[float] = []

            async def one() -> None:
                await cycles.crowd(EACH)
                ends.append(process_time())

            started = process_time()
            async with trio.open_nursery() as nursery:
                for _ in range(TASKS):
                    nursery.start_soon(one)
            return times(alone, started, ends)

    return trio.run(main)


class Dummy:
    """A resource that costs nothing."""


@asynccontextmanager
async def make_dummy() -> AsyncIterator[Dummy]:
    yield Dummy()


async def do_nothing(_: object) -> None:
    """A hook that costs nothing but its being called."""


def ignore(_: object) -> None:
    """An observer that costs nothing but its being called."""


def suits(_: object) -> int:
    """A fit that costs nothing but its being called."""
    return 0


@asynccontextmanager
async def open_ours(hooks: Mapping[str, Any], **arguments: Any) -> AsyncIterator[Cycles]:
    """Our pool, as large as all others."""
    async with open_pool(make_dummy, PoolConfig(min_size=SIZE, max_size=SIZE), **hooks) as pool:
        await pool.wait_ready()
        acquire = partial(pool.acquire, **arguments) if arguments else pool.acquire
        yield borrowing(acquire, trio.lowlevel.checkpoint)


@asynccontextmanager
async def open_channel() -> AsyncIterator[Cycles]:
    """Tokens in a memory channel: received, and sent back without waiting, as a release must be."""
    send, receive = trio.open_memory_channel[Dummy](SIZE)
    for _ in range(SIZE):
        send.send_nowait(Dummy())

    async def alone(count: int) -> None:
        for _ in range(count):
            send.send_nowait(await receive.receive())

    async def crowd(count: int) -> None:
        for _ in range(count):
            token = await receive.receive()
            await trio.lowlevel.checkpoint()
            send.send_nowait(token)

    yield Cycles(alone, crowd)


@asynccontextmanager
async def open_checkpoint() -> AsyncIterator[Cycles]:
    """One pass of trio's loop a cycle, and nothing taken."""

    async def passes(count: int) -> None:
        for _ in range(count):
            await trio.lowlevel.checkpoint()

    yield Cycles(passes, passes)


def on_trio() -> list[Subject]:
    """All that runs on trio."""

    def ours(more: str, opener: Callable[[], Any]) -> Subject:
        kind: Kind = "variant" if more else "pool"
        return Subject(OURS + more, "trio", partial(run_on_trio, opener), kind)

    return [
        Subject("bare checkpoint", "trio", partial(run_on_trio, open_checkpoint), "bare"),
        Subject(BARE_CHANNEL, "trio", partial(run_on_trio, open_channel), "bare"),
        ours("", partial(open_ours, {})),
        ours(", with a fit", partial(open_ours, {}, fit=suits)),
        ours(", with an observer", partial(open_ours, {"observer": ignore})),
        ours(", with a reset", partial(open_ours, {"reset": do_nothing})),
    ]
