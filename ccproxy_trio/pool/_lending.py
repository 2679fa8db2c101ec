"""Who gets which resource: to whom one that is free is lent, and in which order those who wait are asked.

* What comes free goes through `offer()` and nowhere else: to the acquire whose turn it is of those that it fits, or
  to rest.
* Leases are given by `lend()` and nowhere else.
* Whose turn it is goes by tenants (`_policy.turn`). Leases are counted when that has to be known, so that no count
  can go wrong; where all have one tenant it has not, and the line is as it stands.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from . import _policy as policy
from ._events import Observer, ResourceLeased
from ._stats import RetireReason
from ._stock import Stock
from ._waiters import Fit, Full, Misfit, Turns, Waiter

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from ._config import PoolConfig
    from ._keeper import Hook
    from ._slots import Slot

T = TypeVar("T")


class Lending(Stock[T]):
    """The steps by which resources find borrowers."""

    def __init__(
        self, config: PoolConfig, *, check: Hook[T] | None, observers: Sequence[Observer], name: str
    ) -> None:
        super().__init__(config, observers=observers, name=name)
        self.check = check
        self.newest_at_death = math.inf
        """The newest resource when one died young and unused, with none used for the first time since."""
        self.turns = Turns()

    def choose(self, fit: Fit[T] | None, now: float) -> Slot[T] | None:
        """The idle resource that suits best, the most recently used among equals."""
        while True:
            if fit is None:
                resting = self.roster.resting
                slot = resting[-1] if resting else None
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

    def lend(self, slot: Slot[T], now: float, start: float, tenant: Hashable, label: object) -> None:
        """Count a resource as leased, to an acquire of `tenant` that began at `start`."""
        self.roster.move(slot, "in_use")
        slot.uses += 1
        slot.since = now
        slot.tenant = tenant
        slot.label = label
        if tenant is not self.turns.latest:
            self.turns.note(tenant)
        self.tally.acquired += 1
        if slot.uses > 1:
            self.tally.reused += 1
        else:
            self.newest_at_death = math.inf
        if self.observers:
            waited = now - start
            self.emit(
                ResourceLeased(
                    pool=self.name, time=now, label=label, id=slot.id, uses=slot.uses, waited=waited
                )
            )
        if self.config.min_fresh and slot.uses == 1:
            self.pump()

    # What comes free.

    def offer(self, slot: Slot[T], now: float) -> None:
        """Hand a free resource to one whom it fits, or let it rest, or retire it."""
        reason = self.why_retire(slot, now)
        if reason is not None:
            self.retire(slot, reason)
        else:
            self.pass_on(slot, now)

    def pass_on(self, slot: Slot[T], now: float) -> None:
        """Hand a resource that may be used again to one whom it fits, or let it rest."""
        if not self.line or not self._hand_over(slot, now):
            self.roster.move(slot, "idle")
            slot.label = None
            idle_end = slot.since + self.config.idle_timeout
            if idle_end < self.sweep_due or slot.expires < self.sweep_due:
                self.wake_at(min(idle_end, slot.expires))
            if self.line or self.config.min_fresh:
                self.pump()

    def _hand_over(self, slot: Slot[T], now: float) -> bool:
        """Give `slot` to the first that it fits, or replace it for one overtaken for too long."""
        passed: list[Waiter[T]] = []
        lost: list[Waiter[T]] = []
        misfits: list[tuple[Waiter[T], Exception]] = []
        taken = False
        for waiter in self._in_turn(slot):
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
            if passed and self.owed_to_another(passed, now):
                self.retire(slot, RetireReason.UNFIT)
                taken = True
                break
            if waiter.deliver(slot):
                self.line.leave(waiter)
                self.lend(slot, now, waiter.start, waiter.tenant, waiter.label)
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

    # Tenants.

    def gives_way(self, tenant: Hashable) -> Waiter[T] | None:
        """Who is to leave a full line for a newcomer of `tenant`; None if the newcomer is to be refused."""
        latest = self.line.latest()
        mine, most = self.line.waiting(tenant), self.line.waiting(latest.tenant)
        sooner = False
        if not mine:
            turn = self._turns()
            sooner = turn(tenant) < turn(latest.tenant)
        return latest if policy.takes_place(mine=mine, most=most, sooner=sooner) else None

    def displace(self, waiter: Waiter[T]) -> None:
        """Put one out of a full line, for another."""
        self.line.leave(waiter)
        waiter.deliver(Full())

    def _in_turn(self, slot: Slot[T]) -> Iterable[Waiter[T]]:
        """Those who wait, in the order in which `slot`, which comes free, is for them."""
        return self.line if self.line.of_one_tenant else self.line.in_turn(self._turns(slot))

    def _turns(self, free: Slot[T] | None = None) -> Callable[[Hashable], policy.Turn]:
        """When it is each tenant's turn; a slot that comes `free` is nobody's any more."""
        in_use = (slot for slot in self.roster.slots if slot.state == "in_use" and slot is not free)
        leases = Counter(slot.tenant for slot in in_use)
        return lambda tenant: policy.turn(leases=leases[tenant], last_served=self.turns.last(tenant))
