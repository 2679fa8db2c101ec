"""Those who wait: a line of acquires, each on a memory channel of its own.

* The channel has no buffer, so a hand-over is one atomic step. Delivered first and cancelled then, the waiter still
  holds what it got; cancelled first, `send_nowait` raises `WouldBlock` and the sender serves the next. Nothing is
  lost either way, and nothing needs to be given back (asyncpg#547, psycopg#1401, encode/httpcore#1093).
* So nothing is ever left in a channel, and the next waiter can have it: to open one is a good part of a wait's cost.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import trio

from ._slots import Slot

T = TypeVar("T")

Fit: TypeAlias = Callable[[T], int | None]
"""How well a resource suits: pure and synchronous; higher is better, None is not at all."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a waiter gets in place of a resource."""

    cause: BaseException | None
    """The factory's error."""


@dataclass(frozen=True, slots=True)
class Closed:
    """What a waiter gets when the pool closes."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """What a waiter gets when its own `fit` raised."""

    error: Exception


Answer: TypeAlias = Slot[T] | Refusal | Closed | Misfit


Channel: TypeAlias = tuple[trio.MemorySendChannel[Answer[T]], trio.MemoryReceiveChannel[Answer[T]]]


class Waiter(Generic[T]):
    """One acquire that waits."""

    __slots__ = ("channel", "deadline", "fit", "overtaken_since", "particular", "slot", "start", "tenant")

    def __init__(self, fit: Fit[T] | None, start: float, deadline: float, tenant: Hashable = None) -> None:
        self.fit = fit
        self.start = start
        self.deadline = deadline
        self.tenant = tenant
        self.overtaken_since: float | None = None
        self.slot: Slot[T] | None = None
        """The resource that is being checked for it."""
        self.particular = False
        """Not even a fresh resource fits it, so none is created on its behalf."""
        self.channel: Channel[T] | None = None
        """What it waits on, from when it joins the line until its task goes on."""

    def deliver(self, answer: Answer[T]) -> bool:
        """Hand something over; False if it was cancelled and is about to leave."""
        if self.channel is None:
            return False
        try:
            self.channel[0].send_nowait(answer)
        except trio.WouldBlock:
            return False
        return True


class Line(dict[Waiter[T], None]):
    """The waiters, the longest waiting first. Only `join` puts one in, and only `leave` takes one out."""

    __slots__ = ("_provided", "_spare")

    def __init__(self) -> None:
        super().__init__()
        self._provided = 0
        self._spare: list[Channel[T]] = []
        """Channels on which nobody waits now; as many as ever waited at once."""

    @property
    def unprovided(self) -> int:
        """How many wait with nothing under way that is meant for them alone."""
        return len(self) - self._provided

    def join(self, waiter: Waiter[T]) -> None:
        """Stand at the end of the line."""
        waiter.channel = self._spare.pop() if self._spare else trio.open_memory_channel[Answer[T]](0)
        self[waiter] = None
        if waiter.slot is not None or waiter.particular:
            self._provided += 1

    async def receive(self, waiter: Waiter[T]) -> Answer[T]:
        """Wait in the line for what is delivered. There is no checkpoint after the delivery."""
        channel = waiter.channel
        assert channel is not None
        try:
            return await channel[1].receive()
        finally:
            waiter.channel = None
            self._spare.append(channel)
            self.leave(waiter)

    def leave(self, waiter: Waiter[T]) -> None:
        """Leave the line, if still in it; a check on the waiter's behalf goes on for whoever comes."""
        if waiter not in self:
            return
        del self[waiter]
        if waiter.slot is not None or waiter.particular:
            self._provided -= 1

    def claim(self, waiter: Waiter[T], slot: Slot[T]) -> None:
        """Note that `slot` is being checked for `waiter`."""
        if waiter in self and not waiter.particular:
            self._provided += 1
        waiter.slot = slot
        slot.waiter = waiter

    def unclaim(self, slot: Slot[T]) -> Waiter[T] | None:
        """Note that the check is over; the waiter it was for, if that still waits."""
        waiter, slot.waiter = slot.waiter, None
        if waiter is not None:
            waiter.slot = None
            if waiter in self and not waiter.particular:
                self._provided -= 1
        return waiter

    def mark_particular(self, waiter: Waiter[T]) -> None:
        """Note that a fresh resource did not fit `waiter`."""
        if waiter.particular:
            return
        waiter.particular = True
        if waiter in self and waiter.slot is None:
            self._provided += 1

    def latest(self) -> Waiter[T]:
        """The one who came last."""
        return next(reversed(self))
