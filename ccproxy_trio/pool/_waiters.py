"""Those who wait: a line of acquires, each on a memory channel of its own.

* The channel has no buffer, so a hand-over is one atomic step. Delivered first and cancelled then, the waiter still
  holds what it got; cancelled first, `send_nowait` raises `WouldBlock` and the sender serves the next. Nothing is
  lost either way, and nothing needs to be given back (asyncpg#547, psycopg#1401, encode/httpcore#1093).
* So nothing is ever left in a channel, and the next waiter can have it: to open one is a good part of a wait's cost.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

import trio

from ._slots import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from . import _policy as policy

T = TypeVar("T")

REMEMBERED: Final = 1000
"""Tenants of which it is known when they were served. The one left out is the one served longest ago."""

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
class Full:
    """What a waiter gets whose place another takes, as the line is full."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """What a waiter gets when its own `fit` raised."""

    error: Exception


Answer: TypeAlias = Slot[T] | Refusal | Closed | Full | Misfit


Channel: TypeAlias = tuple[trio.MemorySendChannel[Answer[T]], trio.MemoryReceiveChannel[Answer[T]]]


class Waiter(Generic[T]):
    """One acquire that waits."""

    __slots__ = (
        *("channel", "deadline", "fit", "label", "overtaken_since", "particular", "slot", "start", "tenant"),
    )

    def __init__(
        self,
        fit: Fit[T] | None,
        start: float,
        deadline: float,
        tenant: Hashable = None,
        label: object = None,
    ) -> None:
        self.fit = fit
        self.start = start
        self.deadline = deadline
        self.tenant = tenant
        self.label = label
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

    __slots__ = ("_provided", "_spare", "_tenants")

    def __init__(self) -> None:
        super().__init__()
        self._provided = 0
        self._tenants: dict[Hashable, dict[Waiter[T], None]] = {}
        """The waiters of each tenant, the tenants in the order in which they began to wait. Not kept while all are of
        the tenant None, for most pools know no other."""
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
        if self._tenants or waiter.tenant is not None:
            self._sort_in(waiter)
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
        if self._tenants:
            own = self._tenants[waiter.tenant]
            del own[waiter]
            if not own:
                del self._tenants[waiter.tenant]
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

    @property
    def of_one_tenant(self) -> bool:
        """Whether no two waiters are of different tenants."""
        return len(self._tenants) < 2

    def waiting(self, tenant: Hashable) -> int:
        """How many of a tenant wait."""
        return len(self._by_tenant().get(tenant, ()))

    def in_turn(self, turn: Callable[[Hashable], policy.Turn]) -> Iterator[Waiter[T]]:
        """The waiters by their tenants' turns, those of one tenant in the order in which they came."""
        return chain.from_iterable(self._tenants[tenant] for tenant in sorted(self._tenants, key=turn))

    def latest(self) -> Waiter[T]:
        """The one who came last of that tenant of which the most wait; of several, of that which began last."""
        most = max(reversed(self._by_tenant().values()), key=len)
        return next(reversed(most))

    def _by_tenant(self) -> dict[Hashable, dict[Waiter[T], None]]:
        return self._tenants or {None: self}

    def _sort_in(self, waiter: Waiter[T]) -> None:
        if not self._tenants and len(self) > 1:
            self._tenants[None] = {other: None for other in self if other is not waiter}
        self._tenants.setdefault(waiter.tenant, {})[waiter] = None


class Turns:
    """Which tenant was served when, in the order of service; as far back as there is any use for it."""

    __slots__ = ("_count", "_served", "latest")

    def __init__(self) -> None:
        self.latest: Hashable = object()
        """The tenant served last; nobody's name before there was one."""
        self._count = 0
        self._served: dict[Hashable, int] = {}

    def note(self, tenant: Hashable) -> None:
        """Note that a tenant is served; not needed for the one that was served last."""
        self.latest = tenant
        self._count += 1
        self._served.pop(tenant, None)
        self._served[tenant] = self._count
        if len(self._served) > REMEMBERED:
            del self._served[next(iter(self._served))]

    def last(self, tenant: Hashable) -> int:
        """The number of a tenant's latest service; 0 if there was none, or it was long ago."""
        return self._served.get(tenant, 0)
