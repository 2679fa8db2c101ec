"""Who gets which resource, and what becomes of it after: every change as one synchronous step.

* A step never awaits, so no cancellation and no other task can fall into the middle of one.
* What comes free goes through `offer()` and nowhere else: to the longest waiting acquire that it fits, or to rest.
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
    ResourceLeased,
    ResourceReleased,
)
from ._stats import RetireReason
from ._stock import Stock, logger
from ._waiters import Closed, Fit, Misfit, Waiter

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from ._config import PoolConfig
    from ._keeper import Hook
    from ._slots import Slot

T = TypeVar("T")


class Engine(Stock[T]):
    """The steps that acquires, leases and keepers call."""

    def __init__(
        self,
        config: PoolConfig,
        *,
        check: Hook[T] | None,
        reset: Hook[T] | None,
        observers: Sequence[Observer],
        name: str,
    ) -> None:
        super().__init__(config, observers=observers, name=name)
        self.check = check
        self.reset = reset
        self.closed = False
        self.newest_at_death = math.inf
        """The newest resource when one died young and unused, with none used for the first time since."""
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

    def choose(self, fit: Fit[T] | None, now: float) -> Slot[T] | None:
        """The idle resource that suits best, the most recently used among equals."""
        while True:
            if fit is None:
                slot = next(reversed(self.roster.resting), None)
                if slot is not None and slot.state != "idle":
                    slot = next(self.roster.idle(), None)
            else:
                idle = list(self.roster.idle())
                best = policy.best_fit(fit(slot.value) for slot in idle)
                slot = None if best is None else idle[best]
            if slot is None or now < slot.expires:
                return slot
            self.retire(slot, RetireReason.LIFETIME)

    def stale(self, slot: Slot[T], now: float) -> bool:
        """Whether a resting resource is to be checked before it is handed over."""
        return self.check is not None and policy.needs_check(
            now=now, seen_well=slot.seen_well, check_after_idle=self.config.check_after_idle
        )

    def lend(self, slot: Slot[T], now: float, start: float, tenant: Hashable) -> None:
        """Count a resource as leased, to an acquire of `tenant` that began at `start`."""
        self.roster.unrest(slot)
        self.roster.move(slot, "in_use")
        slot.uses += 1
        slot.since = now
        slot.tenant = tenant
        self.tally.acquired += 1
        if slot.uses > 1:
            self.tally.reused += 1
        else:
            self.newest_at_death = math.inf
        if self.observers:
            waited = now - start
            self.emit(ResourceLeased(pool=self.name, time=now, id=slot.id, uses=slot.uses, waited=waited))
        if self.config.min_fresh and slot.uses == 1:
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
        if self.observers:
            held = now - slot.since
            self.emit(ResourceReleased(pool=self.name, time=now, id=slot.id, held=held, error=error))
        slot.since = slot.seen_well = now
        if reason is None and error is not None and self.config.retire_on_error:
            reason = RetireReason.BROKEN
        if reason is None:
            reason = self.why_retire(slot, now)
        if reason is not None:
            self.retire(slot, reason, error)
        elif self.reset is not None:
            self.roster.move(slot, "resetting")
            slot.command("reset")
        else:
            self._pass_on(slot, now)

    # What comes free.

    def offer(self, slot: Slot[T], now: float) -> None:
        """Hand a free resource to whom it fits, or let it rest."""
        reason = self.why_retire(slot, now)
        if reason is not None:
            self.retire(slot, reason)
        else:
            self._pass_on(slot, now)

    def _pass_on(self, slot: Slot[T], now: float) -> None:
        if not self.line or not self._hand_over(slot, now):
            self.roster.move(slot, "idle")
            self.roster.rest(slot)
            idle_end = slot.since + self.config.idle_timeout
            if idle_end < self.sweep_due or slot.expires < self.sweep_due:
                self.wake_at(min(idle_end, slot.expires))
            if self.line or self.config.min_fresh:
                self.pump()

    def _hand_over(self, slot: Slot[T], now: float) -> bool:
        """Give `slot` to the first in line that it fits, or replace it for one overtaken for too long."""
        passed: list[Waiter[T]] = []
        lost: list[Waiter[T]] = []
        misfits: list[tuple[Waiter[T], Exception]] = []
        taken = False
        for waiter in self.line:
            if now >= waiter.deadline:
                lost.append(waiter)  # What it got it would throw away (vitessio/vitess#20310).
                continue
            try:
                suits = waiter.fit is None or waiter.fit(slot.value) is not None
            except Exception as error:  # noqa: BLE001 -- it goes to the acquire whose `fit` it is
                misfits.append((waiter, error))
                continue
            if not suits:
                if not slot.uses:
                    self.line.mark_particular(waiter)
                passed.append(waiter)
                continue
            if self.owed_to_another(passed, now):
                self.retire(slot, RetireReason.UNFIT)
                taken = True
                break
            if waiter.deliver(slot):
                self.line.leave(waiter)
                self.lend(slot, now, waiter.start, waiter.tenant)
                taken = True
                break
            lost.append(waiter)
        # Those about to leave are out of the line at once, or the pool would go on making room for them.
        for waiter in lost:
            self.line.leave(waiter)
        for waiter, misfit in misfits:
            self.line.leave(waiter)
            waiter.deliver(Misfit(misfit))
        if taken and slot.state == "in_use":
            for waiter in passed:
                if waiter.overtaken_since is None:
                    waiter.overtaken_since = now
        return taken

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
            self.lend(slot, now, waiter.start, waiter.tenant)

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
        if error is None:
            slot.since = slot.seen_well = now
            self.offer(slot, now)
        else:
            self.tally.reset_failures += 1
            self.tally.last_error = error
            self.emit(ResetFailed(pool=self.name, time=now, id=slot.id, error=error))
            self.retire(slot, RetireReason.RESET_FAILED, error)
        self.pump()

    def leave(self, slot: Slot[T]) -> None:
        """A resource's context is about to be left, whether or not its keeper was told to."""
        if slot.state != "retiring":
            self.withdraw(slot)
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
                ResourceGone(pool=self.name, time=now, id=slot.id, uses=slot.uses, age=age, error=close_error)
            )
