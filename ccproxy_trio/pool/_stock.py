"""How many resources there are, and how many there should be: growth, making room, clean-up, the numbers.

`pump()` is the heart: it looks at the need and starts or retires one resource at a time until nothing is to be done.
Whatever frees capacity, or may have lost some, ends in it, so that nobody is left waiting for a periodic sweep
(djc/bb8#122, launchbadge/sqlx#622). What to do is decided in `_policy`; here it is only carried out.
"""

from __future__ import annotations

import logging
import math
import random
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

import trio

from . import _policy as policy
from ._events import Observer, PoolEvent, ResourceRetired
from ._slots import Roster, Slot
from ._stats import PoolStatistics, ResourceSnapshot, RetireReason
from ._waiters import Line, Refusal, Waiter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._config import PoolConfig

T = TypeVar("T")

logger = logging.getLogger("ccproxy_trio.pool")


def _no_reasons() -> dict[RetireReason, int]:
    return dict.fromkeys(RetireReason, 0)


@dataclass(slots=True)
class Tally:
    """The counters of a pool; `PoolStatistics` says what each means."""

    created: int = 0
    destroyed: int = 0
    acquired: int = 0
    reused: int = 0
    acquire_timeouts: int = 0
    acquire_cancelled: int = 0
    saturated: int = 0
    create_failures: int = 0
    check_failures: int = 0
    reset_failures: int = 0
    close_failures: int = 0
    retired: dict[RetireReason, int] = field(default_factory=_no_reasons)
    lease_time: float | None = None
    last_error: BaseException | None = None


class Stock(Generic[T]):
    """The slots of a pool, the line of those who wait, and the rules that keep their numbers right."""

    def __init__(self, config: PoolConfig, *, observers: Sequence[Observer], name: str) -> None:
        self.config = config
        self.name = name
        self.observers = observers
        self.roster: Roster[T] = Roster()
        self.line: Line[T] = Line()
        self.tally = Tally()
        self.backoff = policy.Backoff(*config.create_backoff)
        self.create_error: BaseException | None = None
        """What the factory raised last, while it fails."""
        self.closing = True
        """Nobody is served: not yet, or no more."""
        self.upkeep = config.warmup_on_startup
        self.generation: int = 0
        """Resources of an earlier one are outdated."""
        self.rolling: int | None = None
        """How many resources there were when their replacement one by one began; None when that is over."""
        self.spawn: Callable[[Slot[T]], None] | None = None
        """Starts the keeper of a slot."""
        self.now: Callable[[], float] = trio.current_time
        """What time it is; from the start on without the detour by which trio finds its clock."""
        self.alarm: trio.CancelScope | None = None
        """The housekeeper's sleep."""
        self.sweep_due = -math.inf
        """When some resource may have been idle or alive for too long."""
        self.changed = trio.lowlevel.ParkingLot()
        """Where those are parked who wait for the pool to be ready."""
        self.round_due = math.inf
        """When the next round of checks begins."""
        self.round_alarm: trio.CancelScope | None = None
        """The sleep until then."""

    def census(self) -> policy.Census:
        """The numbers on which the policy decides."""
        config, roster = self.config, self.roster
        return policy.Census(
            min_size=self.floor,
            max_size=config.max_size,
            min_fresh=config.min_fresh,
            max_starting=config.max_starting,
            starting=roster.starting,
            alive=roster.alive,
            retiring=roster.retiring,
            fresh=roster.fresh,
            waiting=self.line.unprovided,
            upkeep=self.upkeep,
            failing=self.backoff.failing,
            pausing=self.backoff.pausing(trio.current_time()),
        )

    @property
    def floor(self) -> int:
        """How many resources are to be kept alive; while they are replaced one by one, no fewer, and a spare."""
        if self.rolling is None:
            return self.config.min_size
        return min(self.config.max_size, max(self.config.min_size, self.rolling) + 1)

    def pump(self) -> None:
        """Do what the numbers ask for: create, make room, or refuse those whom nothing can serve."""
        if self.closing or self.spawn is None:
            return
        if self.busy():
            return  # Every waiter of a busy pool comes here, and the census would say no more.
        while True:
            # The numbers are taken anew for each step: an observer may have changed the pool meanwhile.
            census = self.census()
            step = policy.next_step(census)
            if step is policy.Step.START:
                self.spawn(self.roster.add(self.generation, trio.current_time()))
            elif step is policy.Step.EVICT and (victim := self._victim(used_only=not census.waiting)):
                self.retire(victim, RetireReason.UNFIT)
            else:
                break
        if policy.starts_needed(census):
            self.wake_at_end_of_pause()
        for _ in range(policy.hopeless(len(self.line), census)):
            waiter = self.line.latest()
            self.line.leave(waiter)
            waiter.deliver(Refusal(self.create_error))
        if self.rolling is not None:
            self._roll()

    def _roll(self) -> None:
        """Retire the least recently used of the outdated, if one may go now."""
        outdated = [slot for slot in self.roster.slots if slot.generation != self.generation]
        if not outdated:
            self.rolling = None
            self.wake_at(trio.current_time())  # There may be one too many, idle for long.
        elif policy.may_replace(self.census()):
            idle = (slot for slot in reversed(list(self.roster.idle())) if slot in outdated)
            if (slot := next(idle, None)) is not None:
                self.retire(slot, RetireReason.REPLACED)
        else:
            self.wake_at_end_of_pause()

    def busy(self) -> bool:
        """Whether every place is taken, with nothing at rest and no failing factory: there is no step to take."""
        roster = self.roster
        return not roster.resting and len(roster.slots) >= self.config.max_size and not self.backoff.failing

    def has_only_a_line(self) -> bool:
        """Whether an acquire could only wait now, and not even cause a creation by it."""
        if self.roster.resting or self.closing:
            return False
        return self.busy() and len(self.line) < self.config.max_waiting

    def hopeless_newcomer(self) -> bool:
        """Whether nothing alive or under way could serve one waiter more."""
        return self.backoff.failing and policy.hopeless(len(self.line) + 1, self.census()) > 0

    def owed_to_another(self, passed: list[Waiter[T]], now: float) -> bool:
        """Whether one of those whom a free resource does not fit has been passed over for too long."""
        since = min(
            (
                waiter.overtaken_since
                for waiter in passed
                if waiter.overtaken_since is not None and waiter.slot is None and not waiter.particular
            ),
            default=None,
        )
        return since is not None and policy.replaces_for_overtaken(
            overtaken_for=now - since,
            overtake_limit=self.config.overtake_limit,
            census=self.census(),
        )

    def retire(self, slot: Slot[T], reason: RetireReason, cause: BaseException | None = None) -> None:
        """Take a resource out of circulation and have its keeper close it."""
        self.roster.move(slot, "retiring")
        slot.command("retire")
        if slot.hook_scope is not None:
            slot.hook_scope.cancel()
        self.note_retired(slot, reason, cause)

    def note_retired(self, slot: Slot[T], reason: RetireReason, cause: BaseException | None) -> None:
        """Count and tell why a resource leaves."""
        slot.reason = reason
        self.tally.retired[reason] += 1
        if self.observers:
            now = trio.current_time()
            self.emit(
                ResourceRetired(
                    pool=self.name, time=now, label=slot.label, id=slot.id, reason=reason, cause=cause
                )
            )

    def why_retire(self, slot: Slot[T], now: float) -> RetireReason | None:
        """Why a resource that comes free may not be used again; None if it may."""
        return policy.why_retire(
            closing=self.closing,
            outdated=slot.generation != self.generation
            and (self.rolling is None or policy.may_replace(self.census())),
            surplus=self.surplus(),
            uses=slot.uses,
            max_uses=self.config.max_uses,
            now=now,
            expires=slot.expires,
        )

    def surplus(self) -> bool:
        """Whether more resources live or start than may (after `resize`)."""
        return len(self.roster.slots) - self.roster.retiring > self.config.max_size

    def back_off(self, before: policy.Backoff, error: BaseException, now: float) -> None:
        """Leave the factory alone for a while, longer than `before`."""
        self.create_error = error
        if not self.backoff.pausing(now):
            self.backoff = before.failed(now)

    def sweep(self) -> float:
        """End what has been idle or alive for too long; the time to look again."""
        now = trio.current_time()
        self.sweep_due = math.inf
        for slot in reversed(list(self.roster.idle())):
            if slot.state != "idle":
                continue  # An observer has retired it meanwhile.
            if now >= slot.expires:
                self.retire(slot, RetireReason.LIFETIME)
            elif now >= self._idle_end(slot):
                self.retire(slot, RetireReason.IDLE)
        self.pump()
        census = self.census()
        due = self.backoff.until if census.pausing and policy.starts_needed(census) else math.inf
        for slot in self.roster.idle():
            due = min(due, slot.expires, self._idle_end(slot))
        self.sweep_due = min(due, self.sweep_due)
        return self.sweep_due

    def wake_at_end_of_pause(self) -> None:
        """Have the housekeeper look again when the factory may be tried again, if it is left alone now."""
        if self.backoff.pausing(trio.current_time()):
            self.wake_at(self.backoff.until)

    def wake_at(self, when: float) -> None:
        """Have the housekeeper look at the resources at `when`, if it would not sooner."""
        if when < self.sweep_due:
            self.sweep_due = when
            if self.alarm is not None:
                self.alarm.deadline = when

    # Changing a pool that runs.

    def reconfigure(self, config: PoolConfig) -> None:
        """Put other sizes and times in force."""
        old, self.config = self.config, config
        now = trio.current_time()
        self.backoff = replace(self.backoff, first=config.create_backoff[0], most=config.create_backoff[1])
        if config.health_check_interval != old.health_check_interval:
            self.round_due = now + config.health_check_interval
            if self.round_alarm is not None:
                self.round_alarm.deadline = self.round_due
        if (config.max_lifetime, config.lifetime_jitter) != (old.max_lifetime, old.lifetime_jitter):
            for slot in self.roster.slots:
                if slot.born is not None:
                    slot.expires = self.expiry(slot.born)
        for slot in reversed(list(self.roster.idle())):
            if slot.state == "idle" and self.surplus():  # An observer may have retired it meanwhile.
                self.retire(slot, RetireReason.SHRUNK)
        self.pump()
        self.wake_at(now)
        self.changed.unpark_all()

    def expiry(self, born: float) -> float:
        """When a resource created then is too old."""
        return policy.expiry(
            born=born,
            max_lifetime=self.config.max_lifetime,
            jitter=self.config.lifetime_jitter,
            chance=random.random(),
        )

    def replace_all(self, *, one_by_one: bool) -> None:
        """Retire what is idle now, and everything else when it comes free; or one after the other."""
        self.generation += 1
        if one_by_one:
            self.rolling = self.roster.alive if self.rolling is None else self.rolling
            self.pump()
            return
        self.rolling = None
        for slot in list(self.roster.idle()):
            if slot.state == "idle":  # An observer may have retired it meanwhile.
                self.retire(slot, RetireReason.REPLACED)
        self.pump()

    # Telling.

    def emit(self, event: PoolEvent) -> None:
        """Tell the observers; an error in one is logged and goes no further."""
        for observer in self.observers:
            try:
                observer(event)
            except Exception:  # Whatever an observer does, the pool's work goes on.
                logger.exception("pool %r: an observer failed on %r", self.name, event)

    def statistics(self) -> PoolStatistics:
        """The snapshot."""
        counts, tally = self.roster.by_state(), self.tally
        return PoolStatistics(
            name=self.name,
            min_size=self.config.min_size,
            max_size=self.config.max_size,
            idle=counts["idle"],
            in_use=counts["in_use"],
            starting=counts["starting"],
            checking=counts["checking"],
            resetting=counts["resetting"],
            retiring=counts["retiring"],
            total=len(self.roster.slots),
            waiting=len(self.line),
            fresh=self.roster.fresh,
            created=tally.created,
            destroyed=tally.destroyed,
            acquired=tally.acquired,
            reused=tally.reused,
            acquire_timeouts=tally.acquire_timeouts,
            acquire_cancelled=tally.acquire_cancelled,
            saturated=tally.saturated,
            create_failures=tally.create_failures,
            check_failures=tally.check_failures,
            reset_failures=tally.reset_failures,
            close_failures=tally.close_failures,
            retired=MappingProxyType(dict(tally.retired)),
            last_error=tally.last_error,
            lease_time=tally.lease_time,
            backoff_until=self.backoff.until if self.backoff.failing else None,
        )

    def resources(self) -> tuple[ResourceSnapshot[T], ...]:
        """Each resource, the oldest number first."""
        return tuple(
            ResourceSnapshot(
                id=slot.id,
                state=slot.state,
                since=slot.since,
                born=slot.born,
                uses=slot.uses,
                reason=slot.reason,
                value=None if slot.born is None else slot.value,
            )
            for slot in self.roster.slots
        )

    def _idle_end(self, slot: Slot[T]) -> float:
        return policy.idle_end(
            since=slot.since,
            idle_timeout=self.config.idle_timeout,
            alive=self.roster.alive,
            min_size=self.floor,
            is_fresh=not slot.uses,
            fresh=self.roster.fresh,
            min_fresh=self.config.min_fresh,
        )

    def _victim(self, *, used_only: bool) -> Slot[T] | None:
        """The least recently used idle resource; a fresh one only if there is no other."""
        idle = reversed(list(self.roster.idle()))
        return min(
            (slot for slot in idle if slot.uses or not used_only),
            key=lambda slot: not slot.uses,
            default=None,
        )
