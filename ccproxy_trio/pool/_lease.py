"""Borrowing: the context manager that waits for a resource, and the lease it gives.

Between the moment a resource is taken and the `try` that gives it back there is no checkpoint, so no cancellation can
come between them. No cancel scope or nursery is open while the body runs: a lease may be entered in one task and left
in another.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Generic, TypeVar

import trio
from trio.lowlevel import checkpoint

from ._errors import PoolClosed, PoolError, PoolSaturated, PoolTimeout, ResourceUnavailable
from ._events import AcquireFailed
from ._slots import Slot
from ._stats import RetireReason
from ._waiters import Full, Misfit, Refusal, Waiter

if TYPE_CHECKING:
    from collections.abc import Hashable
    from types import TracebackType

    from ._engine import Engine
    from ._waiters import Answer, Fit

T = TypeVar("T")


class Lease(Generic[T]):
    """A resource on loan."""

    __slots__ = ("_slot", "id", "retirement", "uses", "value")

    value: T
    """The resource: what the factory's context manager gave."""
    id: int
    """The resource's number, never used twice in a pool."""
    uses: int
    """How many leases of this resource there have been, this one included."""
    retirement: RetireReason | None
    """The reason given to `retire()`, if it was called."""

    def __init__(self, slot: Slot[T]) -> None:
        """Made by the pool."""
        self._slot = slot
        self.retirement = None
        self.value = slot.value
        self.id = slot.id
        self.uses = slot.uses

    @property
    def age(self) -> float:
        """Seconds since the resource was created."""
        born = self._slot.born
        return 0.0 if born is None else trio.current_time() - born

    def retire(self, reason: RetireReason = RetireReason.BROKEN) -> None:
        """Have the resource closed, not used again, when the lease ends. The first reason given counts."""
        if self.retirement is None:
            self.retirement = RetireReason(reason)


class Acquisition(Generic[T]):
    """What `Pool.acquire()` returns: enter it once, to wait for a resource; leaving it gives the resource back."""

    __slots__ = ("_engine", "_entered", "_fit", "_label", "_lease", "_slot", "_tenant", "_timeout")

    def __init__(
        self, engine: Engine[T], fit: Fit[T] | None, timeout: float, tenant: Hashable, label: object
    ) -> None:
        """Made by the pool."""
        self._engine = engine
        self._fit = fit
        self._timeout = timeout
        self._tenant = tenant
        self._label = label
        self._entered = False
        self._slot: Slot[T] | None = None
        self._lease: Lease[T] | None = None

    @trio.lowlevel.enable_ki_protection
    async def __aenter__(self) -> Lease[T]:
        """Wait for a resource; always a checkpoint."""
        if self._entered:
            raise RuntimeError("an acquire can be entered once only; call acquire() again")
        self._entered = True
        engine = self._engine
        clock = engine.now
        start = now = clock()
        if engine.has_only_a_line():
            # To stand in line is a checkpoint already, and whoever comes first stands first.
            await trio.lowlevel.checkpoint_if_cancelled()
        else:
            await checkpoint()
            now = clock()
        if engine.closing or not engine.upkeep:
            engine.admit()
        slot = engine.choose(self._fit, now)
        if slot is None or (engine.check is not None and engine.stale(slot, now)):
            deadline = start + self._timeout
            waiter = Waiter(self._fit, start, deadline, self._tenant, self._label)
            slot = await _wait(engine, waiter, slot, self._timeout)
        else:
            engine.lend(slot, now, start, self._tenant, self._label)
        self._slot = slot
        lease = self._lease = Lease(slot)
        return lease

    @trio.lowlevel.enable_ki_protection
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give the resource back: synchronous, never a checkpoint."""
        slot, lease = self._slot, self._lease
        if slot is not None and lease is not None:
            self._slot = None
            self._engine.give_back(slot, error, lease.retirement)


async def _wait(engine: Engine[T], waiter: Waiter[T], stale: Slot[T] | None, seconds: float) -> Slot[T]:
    """Stand in line until something is delivered, which is for `seconds` at most."""
    displaced = None
    if (
        len(engine.line) >= engine.config.max_waiting
        and (displaced := engine.gives_way(waiter.tenant)) is None
    ):
        engine.tally.saturated += 1
        raise _failed(engine, waiter, PoolSaturated, f"{len(engine.line)} acquires wait already")
    if stale is None and engine.hopeless_newcomer():
        cause = engine.create_error
        raise _failed(engine, waiter, ResourceUnavailable, "the factory fails") from cause
    if displaced is not None:
        engine.displace(displaced)
    engine.enqueue(waiter, stale)
    answer: Answer[T] | None = None
    try:
        # Not `cancel_called` but what came of it: a waiter that was served at the last tick has its resource.
        with trio.CancelScope(deadline=waiter.deadline):
            answer = await engine.line.receive(waiter)
    except trio.Cancelled:
        engine.tally.acquire_cancelled += 1
        if engine.observers:
            engine.emit(_acquire_failed(engine, waiter, None))
        raise
    match answer:
        case Slot():
            return answer
        case None:
            engine.tally.acquire_timeouts += 1
            message = f"no resource came free in {seconds} s"
            raise _failed(engine, waiter, PoolTimeout, message) from engine.create_error
        case Refusal(cause):
            raise _failed(engine, waiter, ResourceUnavailable, "the factory fails") from cause
        case Full():
            engine.tally.saturated += 1
            message = "its place in the line went to a tenant of which fewer wait"
            raise _failed(engine, waiter, PoolSaturated, message)
        case Misfit(error):
            if engine.observers:
                engine.emit(_acquire_failed(engine, waiter, error))
            raise error
        case _:
            raise _failed(engine, waiter, PoolClosed, "it was closed")


def _failed(engine: Engine[T], waiter: Waiter[T], kind: type[PoolError], message: str) -> PoolError:
    error = kind(message, engine.statistics())
    if engine.observers:
        engine.emit(_acquire_failed(engine, waiter, error))
    return error


def _acquire_failed(engine: Engine[T], waiter: Waiter[T], error: Exception | None) -> AcquireFailed:
    now = trio.current_time()
    return AcquireFailed(
        pool=engine.name, time=now, label=waiter.label, waited=now - waiter.start, error=error
    )


def require_seconds(name: str, value: float) -> float:
    """Refuse an argument that is not a number of seconds."""
    if math.isnan(value) or value < 0:
        raise ValueError(f"{name} = {value!r}: must be a number of seconds, 0 or more")
    return value
