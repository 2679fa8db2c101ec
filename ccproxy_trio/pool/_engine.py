"""What acquires, leases and keepers call: every change of a pool as one synchronous step.

* A step never awaits, so no cancellation and no other task can fall into the middle of one.
* Leases are given by `lend()` and nowhere else, and taken back by `give_back()`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import trio

from . import _policy as policy
from ._errors import PoolClosed
from ._events import (
    CheckFailed,
    CreateFailed,
    Observer,
    ResetFailed,
    ResourceCreated,
    ResourceGone,
    ResourceReleased,
)
from ._lending import Lending
from ._stats import RetireReason
from ._stock import logger
from ._waiters import Closed, Misfit, Waiter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._config import PoolConfig
    from ._keeper import Hook
    from ._slots import Slot

T = TypeVar("T")


class Engine(Lending[T]):
    """A pool without its tasks."""

    def __init__(
        self,
        config: PoolConfig,
        *,
        check: Hook[T] | None,
        reset: Hook[T] | None,
        observers: Sequence[Observer],
        name: str,
    ) -> None:
        super().__init__(config, check=check, observers=observers, name=name)
        self.reset = reset
        self.closed = False
        self.empty = trio.Event()
        """Set when the pool is closed and its last resource is gone."""

    # The pool's own life.

    def open(self, spawn: Callable[[Slot[T]], None]) -> None:
        """Begin to serve, unless the pool was closed before it was started."""
        self.spawn = spawn
        self.now = trio.lowlevel.current_clock().current_time
        self.closing = self.closed
        self.pump()

    def close(self) -> None:
        """Serve nobody any more: refuse who waits, end what is idle or starting. Leases stay out."""
        self.closing = self.closed = True
        for waiter in list(self.line):
            self.line.leave(waiter)
            waiter.deliver(Closed())
        for slot in list(self.roster.slots):
            if slot.state == "idle":
                self.retire(slot, RetireReason.CLOSING)
            elif slot.state == "starting" and slot.scope is not None:
                slot.scope.cancel()
        self.changed.unpark_all()
        if not self.roster.slots:
            self.empty.set()

    def shut(self) -> None:
        """Close, and end what is leased, checked or reset as well."""
        self.close()
        for slot in list(self.roster.slots):
            if slot.state in ("in_use", "checking", "resetting"):
                self.retire(slot, RetireReason.CLOSING)

    # Borrowing.

    def admit(self) -> None:
        """Let an acquire in, or raise `PoolClosed`."""
        if self.closing:
            raise PoolClosed("it is closed" if self.closed else "it was not started", self.statistics())
        if not self.upkeep:
            self.upkeep = True
            self.pump()

    def enqueue(self, waiter: Waiter[T], stale: Slot[T] | None) -> None:
        """Let an acquire wait, for a check of `stale` or for whatever comes."""
        if stale is None and self.roster.fresh and any(not slot.uses for slot in self.roster.idle()):
            self.line.mark_particular(waiter)
        self.line.join(waiter)
        if stale is not None:
            self._check_for(waiter, stale)
        self.pump()

    def give_back(self, slot: Slot[T], error: BaseException | None, reason: RetireReason | None) -> None:
        """End a lease: `error` left its body, or its holder gave a `reason` to retire the resource."""
        if slot.state != "in_use":
            return  # It died, or the pool was closed, while it was out: its keeper sees to it.
        now = self.now()
        held = now - slot.since
        if self.observers:
            self.emit(
                ResourceReleased(
                    pool=self.name, time=now, label=slot.label, id=slot.id, held=held, error=error
                )
            )
        slot.seen_well = now
        if reason is None and error is not None and self.config.retire_on_error:
            reason = RetireReason.BROKEN
        if reason is None:
            reason = self.why_retire(slot, now)
        if reason is None and self.reset is not None:
            self.roster.move(slot, "resetting")
            slot.command("reset")
            return
        self.tally.lease_time = policy.lease_time(self.tally.lease_time, held)
        if reason is not None:
            self.retire(slot, reason, error)
        else:
            slot.since = now
            self.pass_on(slot, now)

    # Checks.

    def begin_check(self, slot: Slot[T]) -> trio.Event:
        """Have an idle resource checked in its place; the event is set when that is over."""
        self.roster.move(slot, "checking")
        slot.checked = trio.Event()
        slot.command("check")
        return slot.checked

    def _check_for(self, waiter: Waiter[T], slot: Slot[T]) -> None:
        self.begin_check(slot)
        self.line.claim(waiter, slot)

    def _end_check(self, slot: Slot[T]) -> Waiter[T] | None:
        if slot.checked is not None:
            slot.checked.set()
            slot.checked = None
        return self.line.unclaim(slot)

    def _place(self, waiter: Waiter[T] | None, now: float) -> None:
        """Look again for an idle resource for a waiter whose own failed its check."""
        if waiter is None or waiter not in self.line:
            return
        try:
            slot = self.choose(waiter.fit, now)
        except Exception as error:  # noqa: BLE001 -- it goes to the acquire whose `fit` it is
            self.line.leave(waiter)
            waiter.deliver(Misfit(error))
            return
        if slot is None:
            return
        if self.stale(slot, now):
            self._check_for(waiter, slot)
            return
        self.line.leave(waiter)
        if waiter.deliver(slot):
            self.lend(slot, now, waiter.start, waiter.tenant, waiter.label)

    # What keepers report.

    def still_wanted(self, slot: Slot[T]) -> bool:
        """Whether a creation that was decided on is needed now that it could begin."""
        return not self.closing and slot.generation == self.generation and policy.still_wanted(self.census())

    def created(self, slot: Slot[T]) -> None:
        """A resource has been entered."""
        now = trio.current_time()
        took, slot.born, slot.since, slot.seen_well = now - slot.since, now, now, now
        slot.expires = self.expiry(now)
        slot.prior_backoff, self.backoff = self.backoff, self.backoff.succeeded()
        self.create_error = None
        self.tally.created += 1
        if self.observers:
            self.emit(ResourceCreated(pool=self.name, time=now, id=slot.id, took=took))
        self.offer(slot, now)
        self.pump()
        self.wake_at(now)  # The pool may be above min_size now, and one idle for long may go.
        self.changed.unpark_all()

    def was_checked(self, slot: Slot[T], error: Exception | None) -> None:
        """A check is over."""
        now = trio.current_time()
        waiter = self._end_check(slot)
        if error is None:
            slot.seen_well = now
            self.offer(slot, now)
        else:
            self.tally.check_failures += 1
            self.tally.last_error = error
            self.emit(CheckFailed(pool=self.name, time=now, id=slot.id, error=error))
            self.retire(slot, RetireReason.UNHEALTHY, error)
        self._place(waiter, now)
        self.pump()

    def was_reset(self, slot: Slot[T], error: Exception | None) -> None:
        """A reset is over."""
        now = trio.current_time()
        self.tally.lease_time = policy.lease_time(self.tally.lease_time, now - slot.since)
        if error is None:
            slot.since = slot.seen_well = now
            self.offer(slot, now)
        else:
            self.tally.reset_failures += 1
            self.tally.last_error = error
            self.emit(ResetFailed(pool=self.name, time=now, label=slot.label, id=slot.id, error=error))
            self.retire(slot, RetireReason.RESET_FAILED, error)
        self.pump()

    def leave(self, slot: Slot[T]) -> None:
        """A resource's context is about to be left, whether or not its keeper was told to."""
        if slot.state != "retiring":
            self.roster.move(slot, "retiring")
        waiter = self._end_check(slot)
        self._place(waiter, trio.current_time())
        if slot.uses:  # Of one that was never used it is to be seen first whether the factory fails.
            self.pump()

    def gone(self, slot: Slot[T], error: BaseException | None) -> None:
        """A resource's context has ended, or was never entered; `error` came out of it."""
        now = trio.current_time()
        self.roster.remove(slot)
        if slot.born is not None:
            self._bury(slot, now - slot.born, error, now)
        elif error is not None and not self.closing:
            self.tally.create_failures += 1
            self.tally.last_error = error
            self.back_off(self.backoff, error, now)
            logger.warning("pool %r: creating a resource failed: %r", self.name, error)
            retry_at = self.backoff.until
            self.emit(CreateFailed(pool=self.name, time=now, error=error, retry_at=retry_at))
        if self.closing and not self.roster.slots:
            self.empty.set()
        self.pump()

    def _bury(self, slot: Slot[T], age: float, error: BaseException | None, now: float) -> None:
        self.tally.destroyed += 1
        if error is not None:
            self.tally.last_error = error
        close_error = error
        if slot.reason is None:
            close_error = None
            self.note_retired(slot, RetireReason.DIED, error)
            if not slot.uses and slot.prior_backoff is not None and age < self.backoff.first:
                # Dead soon and never used: one may be chance, or several at once; one born after such a death is a
                # factory that fails. Without this it would be called without a pause (coopernurse/node-pool#183).
                if self.newest_at_death == math.inf:
                    self.newest_at_death = self.roster.newest
                elif slot.id > self.newest_at_death:
                    cause = error or RuntimeError("resources end before their first use")
                    self.back_off(slot.prior_backoff, cause, now)
        elif error is not None:
            self.tally.close_failures += 1
            logger.warning("pool %r: closing a resource failed: %r", self.name, error)
        if self.observers:
            self.emit(
                ResourceGone(
                    pool=self.name,
                    time=now,
                    label=slot.label,
                    id=slot.id,
                    uses=slot.uses,
                    age=age,
                    error=close_error,
                )
            )
