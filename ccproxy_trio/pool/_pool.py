"""The pool as its users see it, and the task that owns its keepers."""

from __future__ import annotations

import contextvars
import dataclasses
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

import trio

from ._config import PoolConfig
from ._engine import Engine
from ._errors import PoolClosed
from ._housekeeping import check_in_rounds, sweep_when_due
from ._keeper import keep
from ._lease import Acquisition, require_seconds

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Hashable, Sequence

    from ._events import Observer
    from ._keeper import Factory, Hook
    from ._slots import Slot
    from ._stats import PoolStatistics, ResourceSnapshot
    from ._waiters import Fit

T = TypeVar("T")


class Pool(Generic[T]):
    """A pool of resources, each kept by a task of its own in the pool's nursery.

    `open_pool` is the usual way to have one. To have it in a nursery of yours::

        pool = await nursery.start(Pool(factory, config).run)

    Args:
      factory: makes a resource: called without arguments, it returns an async context manager, which is entered and
          left in one task. A resource that ends by itself tells so by its context: an inner nursery that raises.
      config: sizes and times.
      check: awaited with a resource to learn whether it still works; raises if not.
      reset: awaited with each resource that was given back, before it is used again; raises if that failed.
      observer: called with each `PoolEvent`, or several such.
      name: for messages and events.
    """

    def __init__(
        self,
        factory: Factory[T],
        config: PoolConfig | None = None,
        *,
        check: Hook[T] | None = None,
        reset: Hook[T] | None = None,
        observer: Observer | Sequence[Observer] | None = None,
        name: str = "pool",
    ) -> None:
        """Make the pool; `run` starts it."""
        if observer is None:
            observers: tuple[Observer, ...] = ()
        elif callable(observer):
            observers = (observer,)
        else:
            observers = tuple(observer)
        self._factory = factory
        self._started = False
        self._engine: Engine[T] = Engine(
            config if config is not None else PoolConfig(),
            check=check,
            reset=reset,
            observers=observers,
            name=name,
        )

    @property
    def name(self) -> str:
        """The pool's name."""
        return self._engine.name

    @property
    def config(self) -> PoolConfig:
        """The configuration in force."""
        return self._engine.config

    async def run(
        self, *, shield: bool = False, task_status: trio.TaskStatus[Pool[T]] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Run the pool until it is closed. Cancelled, it closes everything at once, in order and bounded.

        Args:
          shield: take no notice of a cancellation; whoever says so calls `aclose()` whatever happens.
          task_status: for `nursery.start`, which returns the pool.
        """
        if self._started:
            raise RuntimeError(f"pool {self.name!r} was run already")
        self._started = True
        engine = self._engine
        # Keepers outlive the acquire that caused them and must not inherit its context variables.
        context = contextvars.copy_context()
        try:
            with trio.CancelScope(shield=shield):
                async with trio.open_nursery() as nursery:

                    def spawn(slot: Slot[T]) -> None:
                        name = f"{self.name} #{slot.id}"
                        context.copy().run(
                            lambda: nursery.start_soon(keep, engine, slot, self._factory, name=name)
                        )

                    try:
                        engine.open(spawn)
                        nursery.start_soon(sweep_when_due, engine)
                        if engine.check is not None:
                            nursery.start_soon(check_in_rounds, engine)
                        task_status.started(self)
                        await engine.empty.wait()
                    finally:
                        engine.shut()
                        nursery.cancel_scope.cancel()  # The clocks; keepers are shielded, and on their way out.
        finally:
            engine.empty.set()  # Whoever waits in aclose() is let go, whatever happened here.

    def acquire(
        self,
        fit: Fit[T] | None = None,
        timeout: float | None = None,
        tenant: Hashable = None,
        label: object = None,
    ) -> Acquisition[T]:
        """Borrow a resource: `async with pool.acquire() as lease: lease.value ...`.

        An exception that leaves the body (a cancellation too) retires the resource, as `broken`, unless the
        configuration says otherwise (`retire_on_error`).

        Args:
          fit: how well a resource suits, None for not at all; pure and synchronous. Without it every resource suits.
          timeout: seconds this may take in all; `acquire_timeout` of the configuration if None.
          tenant: on whose behalf, any hashable value; None is one like any other. Between tenants the pool is fair.
          label: anything; the pool's events about this acquire and its lease bear it.

        Raises:
          PoolTimeout: no resource came free in time.
          PoolSaturated: `max_waiting` others wait, or the place was needed for a tenant of which fewer wait.
          ResourceUnavailable: nothing is alive and the factory fails.
          PoolClosed: the pool is closed or closing, or was not started.
        """
        seconds = (
            self._engine.config.acquire_timeout if timeout is None else require_seconds("timeout", timeout)
        )
        if tenant is not None:
            hash(tenant)  # Here, where its caller is, or not at all.
        return Acquisition(self._engine, fit, seconds, tenant, label)

    async def wait_ready(self) -> None:
        """Wait until `min_size` resources are alive; without warm-up, not at all. Unbounded: bound it as you need.

        Raises:
          PoolClosed: the pool is closed or closing, or was not started.
        """
        await trio.lowlevel.checkpoint()
        engine = self._engine
        while True:
            if engine.closing:
                raise PoolClosed("it is not running", engine.statistics())
            if not engine.config.warmup_on_startup or engine.roster.alive >= engine.config.min_size:
                return
            await engine.changed.park()

    @property
    def available(self) -> bool:
        """Whether an acquire could have a resource now: one is idle, or there is room and the factory works."""
        engine = self._engine
        if engine.closing:
            return False
        census = engine.census()
        return any(engine.roster.idle()) or (census.room > 0 and not census.failing)

    def statistics(self) -> PoolStatistics:
        """A consistent snapshot."""
        return self._engine.statistics()

    def resources(self) -> tuple[ResourceSnapshot[T], ...]:
        """Each resource by itself, the oldest number first: a consistent snapshot, for whoever looks on."""
        return self._engine.resources()

    def observe(self, observer: Observer) -> None:
        """Tell one more observer of what happens from now on."""
        self._engine.observers = (*self._engine.observers, observer)

    def resize(self, *, min_size: int | None = None, max_size: int | None = None) -> None:
        """Change the sizes. Above a smaller `max_size`, idle resources go now and leased ones when given back.

        Raises:
          ValueError: the sizes do not go together.
          PoolClosed: the pool is closed or closing.
        """
        old = self._engine.config
        self.reconfigure(
            dataclasses.replace(
                old,
                min_size=old.min_size if min_size is None else min_size,
                max_size=old.max_size if max_size is None else max_size,
            )
        )

    def reconfigure(self, config: PoolConfig) -> None:
        """Put another configuration in force, its sizes as `resize` does. What is under way keeps its times.

        Raises:
          PoolClosed: the pool is closed or closing.
        """
        if self._engine.closed:
            raise PoolClosed("it is closed", self._engine.statistics())
        self._engine.reconfigure(config)

    def replace_all(self, *, one_by_one: bool = False) -> None:
        """Replace every resource (reason `replaced`): the idle now, the others when they come free.

        Args:
          one_by_one: keep as many as there are. A fresh one is created first, where `max_size` leaves room, and then
              one of the old goes, and so on; while the factory fails there is at most one fewer.
        """
        self._engine.replace_all(one_by_one=one_by_one)

    async def aclose(self, grace: float = 0.0) -> None:
        """Close the pool; when this returns nothing is open, whatever happened. Can be called again.

        Acquires fail with `PoolClosed` from now on, those that wait too; idle resources are closed at once. Leases
        get up to `grace` seconds to come back; then their resources are closed under them. Each closing takes
        `close_timeout` at most. Being cancelled only cuts the grace short.
        """
        engine = self._engine
        require_seconds("grace", grace)
        engine.close()
        try:
            with trio.move_on_after(grace):
                await engine.empty.wait()
        finally:
            engine.shut()
            with trio.CancelScope(shield=True):  # Bounded: every keeper is, by its close_timeout.
                await engine.empty.wait()


@asynccontextmanager
async def open_pool(
    factory: Factory[T],
    config: PoolConfig | None = None,
    *,
    check: Hook[T] | None = None,
    reset: Hook[T] | None = None,
    observer: Observer | Sequence[Observer] | None = None,
    name: str = "pool",
) -> AsyncGenerator[Pool[T]]:
    """Run a `Pool` for the body of an `async with`; it is closed when the body ends. Arguments are those of `Pool`.

    An exception that leaves the body comes out as it is, not in a group of one.
    """
    async with own_nursery(
        Pool(factory, config, check=check, reset=reset, observer=observer, name=name)
    ) as pool:
        yield pool


@asynccontextmanager
async def own_nursery(pool: Pool[T]) -> AsyncGenerator[Pool[T]]:
    """Run `pool` in a nursery of its own, until the body ends."""
    try:
        async with trio.open_nursery() as nursery:
            try:
                # Shielded: when all around is cancelled, the body ends first, and then the pool.
                await nursery.start(partial(pool.run, shield=True))
                yield pool
            finally:
                await pool.aclose()  # It shields itself, and is bounded.
    except BaseExceptionGroup as group:
        if len(group.exceptions) != 1:
            raise
        sole = group.exceptions[0]
    else:
        return
    raise sole
