"""A storm: many clients on a small pool, with everything that can go wrong going wrong at ticks that tie.

A `Plan` says it all and nothing is left to chance: whoever has a plan can run it again. While it runs every step of
trio's scheduler is watched, and after it nothing may be lost:

* the gauges add up, the total never rises above max_size, and no ghosts wait;
* nobody waits while something rests, or while there is room to grow and a factory that works;
* nobody holds a thing that another holds, or that is closed;
* who comes first is served first, among those of one tenant whom the same things suit, and nobody waits beyond the
  timeout;
* no tenant is passed over, with an acquire that what came free would suit, by one that has more or as much and later;
* no cancellation is swallowed;
* in the end nobody waits, all places can be had at once, and after closing nothing is open.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import trio
import trio._core._run as scheduler

from ccproxy_trio.pool import PoolClosed, PoolError, PoolTimeout, ResourceLeased
from ccproxy_trio.pool._pool import own_nursery
from tests.pool.steps import assert_adds_up
from tests.pool.workshop import Workshop, ok

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccproxy_trio.pool import Lease, Pool, PoolConfig, PoolEvent
    from tests.pool.workshop import Gate, Thing

Outcome: TypeAlias = int | Literal["at once", "error", "never", "deaf"]
"""What becomes of a step of a resource: it takes seconds, or fails, or hangs, or hangs and cannot be cancelled."""

LEASES = 300
"""How many leases are enough for a run."""
LATE = 60
"""Seconds after which a run is over, if it gave fewer."""


@dataclass(frozen=True)
class Visit:
    """What a client does, again and again: be away; come, wait, work and leave, some times over."""

    pause: int
    times: int
    patience: float
    work: int
    tag: str | None
    tenant: str | None
    ending: Literal["returns", "raises", "retires", "kills"]


@dataclass(frozen=True)
class Plan:
    """A storm. What is a list is gone through again and again."""

    seed: int
    config: PoolConfig
    create: list[Outcome]
    check: list[Outcome]
    """Empty: there is no such hook."""
    reset: list[Outcome]
    close: list[Outcome]
    clients: list[list[Visit]]
    cancels: list[tuple[int, int, int]]
    """Wait some seconds, then some checkpoints; then cancel one of the clients."""
    kills: list[tuple[int, int]]
    """Wait some seconds; then kill one of the things."""
    changes: list[tuple[int, tuple[int, int] | None]]
    """Wait some seconds; then resize, or replace all."""
    ends: Literal["calm", "closed", "cancelled"]
    ends_at: int
    grace: int


@dataclass
class Attempt:
    """One acquire as its client saw it."""

    tag: str | None
    tenant: str | None
    start: float
    end: float = math.inf
    served: bool = False


@dataclass
class Log:
    """What was seen."""

    leases: int = 0
    passed: int = 0
    """Times that one tenant waited on, with what suits it, while another was served."""
    inside: int = 0
    """Clients that are inside an acquire now."""
    attempts: list[Attempt] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)


class Watch(trio.abc.Instrument):
    """Looks at the pool after every step of every task, and at everything that the pool tells."""

    def __init__(self, plan: Plan, log: Log) -> None:
        self.pool: Pool[Thing] | None = None
        self._log = log
        self._alike = all(visit.tag is None for visits in plan.clients for visit in visits)
        self._total = 0
        self._checks = bool(plan.check)
        self._leases = 0
        self._served: dict[Any, int] = {}

    def __call__(self, event: PoolEvent) -> None:
        """Be told; in the midst of things the gauges add up as well."""
        if self.pool is not None and isinstance(event, ResourceLeased):
            self._look_at_turns(self.pool, event)
        try:
            if self.pool is not None:
                assert_adds_up(self.pool)
        except AssertionError as error:
            self._log.wrongs.append(f"when told {event}: {error}")

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Note what does not add up, and who waits for nothing."""
        if self.pool is not None and len(self._log.wrongs) < 5:
            wrong = self._look(self.pool)
            if wrong is not None:
                self._log.wrongs.append(f"at {trio.current_time()} {wrong}: {self.pool.statistics()}")

    def _look_at_turns(self, pool: Pool[Thing], event: ResourceLeased) -> None:
        slots = {slot.id: slot for slot in pool._engine.roster.slots}
        slot = slots.pop(event.id)
        has = Counter(other.tenant for other in slots.values() if other.state == "in_use")

        def turn(tenant: Any) -> tuple[int, int]:
            return has[tenant], self._served.get(tenant, 0)

        for waiter in pool._engine.line:
            here = waiter.channel is not None and waiter.channel[0].statistics().tasks_waiting_receive
            suits = waiter.fit is None or waiter.fit(slot.value) is not None
            # One that waits for a check lets others by, for as long as the check takes.
            if here and suits and not self._checks and waiter.deadline > event.time:
                if turn(waiter.tenant) < turn(slot.tenant):
                    self._log.wrongs.append(
                        f"{waiter.tenant} was passed over by {slot.tenant}, {has}: {event}"
                    )
                self._log.passed += waiter.tenant != slot.tenant
        self._leases += 1
        self._served[slot.tenant] = self._leases

    def _look(self, pool: Pool[Thing]) -> str | None:
        now = pool.statistics()
        gauges = (now.idle, now.in_use, now.starting, now.checking, now.resetting, now.retiring)
        limit, self._total = max(now.max_size, self._total), now.total
        if sum(gauges) != now.total or min(gauges) < 0 or not 0 <= now.fresh <= now.idle + now.checking:
            return f"the gauges do not add up, {now.fresh} fresh"
        if now.total > limit:
            return "it grew above max_size"
        if now.waiting > self._log.inside:
            return "a ghost waits"
        waiting = now.waiting - now.checking  # Each check may be for one of them.
        if waiting <= 0 or not self._alike:
            return None
        if now.idle:
            return "somebody waits and something rests"
        # Of one that died unused it is seen first, when it is gone, whether the factory fails.
        coming = now.starting + now.retiring >= min(waiting, pool.config.max_starting)
        if now.backoff_until is None and now.total < now.max_size and not coming:
            return "somebody waits and nothing is created"
        return None


def gate(outcomes: list[Outcome]) -> Gate:
    """One outcome after the other."""
    coming = itertools.cycle(outcomes)

    async def step() -> None:
        match next(coming):
            case "at once":
                pass
            case "error":
                await trio.lowlevel.checkpoint()
                raise OSError("storm")
            case "never":
                await trio.sleep_forever()
            case "deaf":
                with trio.CancelScope(shield=True):
                    await trio.sleep(5)
            case seconds:
                await trio.sleep(seconds)

    return step


def fit_for(tag: str | None) -> Callable[[Thing], int | None] | None:
    """Suits: the same tag best, none yet also."""
    return None if tag is None else lambda thing: {tag: 2, None: 1}.get(thing.tag)


class Storm:
    """One run of a plan."""

    def __init__(self, plan: Plan, log: Log, shop: Workshop) -> None:
        self.plan, self.log, self.shop = plan, log, shop
        self.scopes: dict[int, trio.CancelScope] = {}
        self.killed: dict[Thing, float] = {}

    async def client(self, number: int, pool: Pool[Thing]) -> None:
        """Come again and again."""
        for visit in itertools.cycle(self.plan.clients[number]):
            await trio.sleep(visit.pause)
            served = False
            with trio.move_on_after(visit.patience) as scope:
                self.scopes[number] = scope
                try:
                    for _ in range(visit.times):
                        await self.visit(visit, pool)
                    served = True
                except PoolClosed:
                    return
                except (PoolError, ValueError):
                    pass
                if scope.cancel_called:
                    await trio.lowlevel.checkpoint()
                    self.log.wrongs.append("a cancellation was swallowed")
            if self.log.leases >= LEASES or trio.current_time() >= LATE:
                return
            if not served:
                await trio.sleep(1)  # Or those who are refused at once would stop the time.

    async def visit(self, visit: Visit, pool: Pool[Thing]) -> None:
        """Borrow and work."""
        attempt = Attempt(visit.tag, visit.tenant, trio.current_time())
        self.log.attempts.append(attempt)
        self.log.inside += 1
        limit = attempt.start + pool.config.acquire_timeout
        try:
            async with pool.acquire(fit_for(visit.tag), tenant=visit.tenant) as lease:
                attempt.end, attempt.served = trio.current_time(), True
                self.log.inside -= 1
                self.log.leases += 1
                await self.work(visit, lease)
        except PoolTimeout:
            if trio.current_time() != limit:
                self.log.wrongs.append(f"timed out, but not at {limit}: {attempt}")
            raise
        finally:
            if not attempt.served:
                attempt.end = trio.current_time()
                self.log.inside -= 1
            if attempt.end > limit:
                self.log.wrongs.append(f"waited beyond {limit}: {attempt}")

    async def work(self, visit: Visit, lease: Lease[Thing]) -> None:
        """Use a thing."""
        thing = lease.value
        if thing.holders or (thing not in self.shop.open and self.killed.get(thing) != trio.current_time()):
            self.log.wrongs.append(f"{thing} was had twice, or when it was closed")
        thing.holders += 1
        try:
            if visit.tag is not None:
                if thing.tag not in (None, visit.tag):
                    self.log.wrongs.append(f"{thing} does not fit")
                thing.tag = visit.tag
            await trio.sleep(visit.work)
            if visit.ending == "raises":
                raise ValueError
            if visit.ending == "retires":
                lease.retire()
            elif visit.ending == "kills":
                self.kill(thing)
        finally:
            thing.holders -= 1

    def kill(self, thing: Thing) -> None:
        """Have a thing end by itself."""
        self.killed[thing] = trio.current_time()
        thing.die(OSError("killed") if thing.number % 2 else None)

    async def cancel_clients(self) -> None:
        """The chaos: deadlines alone never cancel one that was served just now."""
        for seconds, checkpoints, which in itertools.cycle(self.plan.cancels):
            await trio.sleep(seconds)
            for _ in range(checkpoints):
                await trio.lowlevel.checkpoint()
            if scopes := list(self.scopes.values()):
                scopes[which % len(scopes)].cancel()

    async def kill_things(self) -> None:
        """Death comes at rest, in use, while checked, while reset, while closed."""
        for seconds, which in itertools.cycle(self.plan.kills):
            await trio.sleep(seconds)
            if things := list(self.shop.open):
                self.kill(things[which % len(things)])

    async def change_pool(self, pool: Pool[Thing]) -> None:
        """What an operator does, too often."""
        for seconds, sizes in itertools.cycle(self.plan.changes):
            await trio.sleep(seconds)
            try:
                if sizes is None:
                    pool.replace_all()
                else:
                    pool.resize(min_size=min(sizes), max_size=max(sizes))
            except PoolClosed:
                return

    async def close(self, pool: Pool[Thing]) -> None:
        """End the pool under its clients."""
        await trio.sleep(self.plan.ends_at)
        await pool.aclose(grace=self.plan.grace)
        self.shop.assert_clean()

    async def blow(self, pool: Pool[Thing]) -> None:
        """Let them all loose, until the clients go home."""
        async with trio.open_nursery() as chaos:
            chaos.start_soon(self.cancel_clients)
            chaos.start_soon(self.kill_things)
            if self.plan.changes:
                chaos.start_soon(self.change_pool, pool)
            if self.plan.ends == "closed":
                chaos.start_soon(self.close, pool)
            async with trio.open_nursery() as clients:
                for number in range(len(self.plan.clients)):
                    clients.start_soon(self.client, number, pool)
            chaos.cancel_scope.cancel()

    async def calm(self, pool: Pool[Thing]) -> None:
        """When all works again nothing has been lost."""
        shop, places = self.shop, pool.config.max_size
        shop.create = shop.check_gate = shop.reset_gate = shop.close = ok
        await trio.sleep(60)
        stats = pool.statistics()
        assert stats.idle + stats.checking == stats.total >= stats.min_size, stats
        assert stats.waiting == 0, stats
        self.log.inside += places
        async with contextlib.AsyncExitStack() as stack:
            leases = [await stack.enter_async_context(pool.acquire(timeout=20)) for _ in range(places)]
            assert len({lease.id for lease in leases}) == places
        assert pool.statistics().acquired == self.log.leases + places


def assert_served_in_order(attempts: list[Attempt]) -> None:
    """Nobody is served while one of the same tenant that came before, and whom the same things suit, waits on."""
    for kind in {(attempt.tag, attempt.tenant) for attempt in attempts}:
        alike = sorted((a for a in attempts if (a.tag, a.tenant) == kind), key=lambda a: a.start)
        waited_until = -math.inf
        for _, together in itertools.groupby(alike, key=lambda a: a.start):
            here = list(together)
            for attempt in here:
                assert not attempt.served or attempt.end >= waited_until, attempt
            waited_until = max(waited_until, *(attempt.end for attempt in here))


async def run(plan: Plan, kind: type[Pool[Any]]) -> Log:
    """Run a plan on a pool of this kind."""
    random.seed(plan.seed)
    scheduler._r.seed(plan.seed)
    shop, log = Workshop(), Log()
    shop.create, shop.close = gate(plan.create), gate(plan.close)
    shop.check_gate, shop.reset_gate = gate(plan.check), gate(plan.reset)
    watch, storm = Watch(plan, log), Storm(plan, log, shop)
    hooks: dict[str, Any] = {
        "check": shop.check if plan.check else None,
        "reset": shop.reset if plan.reset else None,
    }
    pool = watch.pool = kind(shop, plan.config, **hooks, observer=watch)
    trio.lowlevel.add_instrument(watch)
    with trio.fail_after(10 * LATE):
        with trio.CancelScope(deadline=plan.ends_at if plan.ends == "cancelled" else math.inf):
            async with own_nursery(pool):
                await storm.blow(pool)
                if plan.ends == "calm":
                    await storm.calm(pool)
    shop.assert_clean()
    stats = pool.statistics()
    assert (stats.total, stats.waiting) == (0, 0)
    assert stats.created == stats.destroyed == sum(stats.retired.values())
    assert stats.created <= len(shop.made)  # What is ready too late counts as failed.
    assert not log.wrongs, "\n".join(log.wrongs)
    if not plan.check:  # One that waits for a check lets others by, for as long as the check takes.
        assert_served_in_order(log.attempts)
    return log
