"""In-memory resources whose every step can be made to work, fail, take long or never end.

A `Workshop` is the factory; it knows which of its things are open, who holds them, and what was broken: entering and
leaving in two tasks, two holders at once, use after closing, too many at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeAlias

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

Gate: TypeAlias = Callable[[], Awaitable[object]]


async def ok() -> None:
    """Work, after one turn of the scheduler."""
    await trio.lowlevel.checkpoint()


async def error() -> None:
    """Fail."""
    await trio.lowlevel.checkpoint()
    raise OSError("gate")


async def never() -> None:
    """Never end."""
    await trio.sleep_forever()


def slow(seconds: float) -> Gate:
    """Work, after a time."""

    async def gate() -> None:
        await trio.sleep(seconds)

    return gate


class Thing:
    """A resource."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.tag: str | None = None
        self.holders = 0
        self.checks: list[float] = []
        self.resets: list[float] = []
        self._death = trio.Event()
        self._cause: Exception | None = None

    def __repr__(self) -> str:
        return f"<thing {self.number}>"

    def die(self, cause: Exception | None) -> None:
        """End by itself: with an error, or quietly."""
        self._cause = cause
        self._death.set()

    async def watch(self) -> None:
        """Wait for the end."""
        await self._death.wait()
        if self._cause is not None:
            raise self._cause


class Workshop:
    """Makes things; its gates can be changed at any time."""

    def __init__(self) -> None:
        self.create: Gate = ok
        self.check_gate: Gate = ok
        self.reset_gate: Gate = ok
        self.close: Gate = ok
        self.begun: list[float] = []
        self.made: list[Thing] = []
        self.open: dict[Thing, float] = {}
        self.under_way = 0
        self.peak = 0
        self.closed: dict[int, float] = {}
        self.wrongs: list[str] = []

    @asynccontextmanager
    async def __call__(self) -> AsyncGenerator[Thing]:
        """Make one thing."""
        task = trio.lowlevel.current_task()
        self.begun.append(trio.current_time())
        self.under_way += 1
        self.peak = max(self.peak, self.under_way)
        try:
            await self.create()
            thing = Thing(len(self.made) + 1)
            self.made.append(thing)
            self.open[thing] = trio.current_time()
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._watch, thing, nursery.cancel_scope)
                    yield thing
                    nursery.cancel_scope.cancel()
                await self.close()
            finally:
                del self.open[thing]
                self.closed[thing.number] = trio.current_time()
        finally:
            self.under_way -= 1
            if trio.lowlevel.current_task() is not task:
                self.wrongs.append("entered in one task and left in another")

    async def _watch(self, thing: Thing, scope: trio.CancelScope) -> None:
        await thing.watch()
        scope.cancel()

    async def check(self, thing: Thing) -> None:
        """The pool's check hook."""
        thing.checks.append(trio.current_time())
        if thing.holders:
            self.wrongs.append(f"{thing} checked while leased")
        await self.check_gate()

    async def reset(self, thing: Thing) -> None:
        """The pool's reset hook."""
        thing.resets.append(trio.current_time())
        if thing.holders:
            self.wrongs.append(f"{thing} reset while leased")
        await self.reset_gate()

    @contextmanager
    def hold(self, thing: Thing) -> Iterator[None]:
        """Use a thing, and note if anybody else does."""
        if thing.holders:
            self.wrongs.append(f"{thing} leased twice")
        if thing not in self.open:
            self.wrongs.append(f"{thing} leased after it was closed")
        thing.holders += 1
        try:
            yield
        finally:
            thing.holders -= 1

    def assert_clean(self) -> None:
        """Nothing is open and nothing went wrong."""
        assert not self.wrongs
        assert not self.open
        assert self.under_way == 0
