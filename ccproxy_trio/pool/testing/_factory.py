"""A factory that breaks on command, and knows what is open.

It stands before a factory of yours: each step of a resource passes a gate first. It notes what must not happen (two
use a resource at once, or one that is closed; one is checked or reset while in use), and `assert_clean()` tells.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import trio

from ._gates import Gates
from ._nursery import open_flat_nursery

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from .. import Factory, Hook
    from ._gates import Gate

T = TypeVar("T")


def _no_times() -> list[float]:
    return []


@dataclass(eq=False, slots=True)
class Record(Generic[T]):
    """The life of one resource; times are of `trio.current_time()`."""

    number: int
    """1 for the first that was made."""
    value: T
    """What the factory gave."""
    opened: float
    """When it was ready."""
    closed: float | None = None
    """When its context had ended; None while it is open."""
    checks: list[float] = field(default_factory=_no_times)
    """When checks of it began."""
    resets: list[float] = field(default_factory=_no_times)
    """When resets of it began."""
    holders: int = 0
    """How many are in `GatedFactory.hold` with it now."""
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    """Around its life; cancelled when it dies and when it is left."""
    cause: Exception | None = None
    """What it died of."""


class GatedFactory(Generic[T]):
    """A `Factory` for a pool, with gates.

    Args:
      factory: makes the resources. Each must be an object of its own: it is known by its identity.
      gates: what each step has to pass first; all work if None. Can be changed at any time: see `gates`.
      check: what `self.check` does after its gate.
      reset: what `self.reset` does after its gate.
    """

    gates: Gates
    """The gates in force."""
    begun: list[float]
    """When creations began, those that failed too."""
    records: list[Record[T]]
    """All resources that were made, in that order."""
    under_way: int
    """How many there are now: those being created and those not yet closed too, as a pool's `total` counts them."""
    peak: int
    """How many there were at most."""
    wrongs: list[str]
    """What should not have happened."""

    def __init__(
        self,
        factory: Factory[T],
        gates: Gates | None = None,
        *,
        check: Hook[T] | None = None,
        reset: Hook[T] | None = None,
    ) -> None:
        """Put gates before `factory`, and before the hooks."""
        self.gates = Gates() if gates is None else gates
        self.begun = []
        self.records = []
        self.under_way = 0
        self.peak = 0
        self.wrongs = []
        self._factory = factory
        self._check = check
        self._reset = reset
        self._by_identity: dict[int, Record[T]] = {}
        self._open: dict[Record[T], None] = {}

    @property
    def made(self) -> list[T]:
        """All resources that were made, in that order."""
        return [record.value for record in self.records]

    @property
    def open(self) -> list[T]:
        """Those that are open now, in the order they were made."""
        return [record.value for record in self._open]

    @property
    def closed(self) -> dict[int, float]:
        """The numbers of those that are closed, in the order they were made, and when that was."""
        return {record.number: record.closed for record in self.records if record.closed is not None}

    def record(self, value: T) -> Record[T]:
        """What is known of a resource. Raises `LookupError` if it was not made here."""
        try:
            return self._by_identity[id(value)]
        except KeyError:
            raise LookupError(f"{value!r} was not made by this factory") from None

    @asynccontextmanager
    async def __call__(self) -> AsyncGenerator[T]:
        """Make one resource: what the pool calls."""
        record: Record[T] | None = None
        self.begun.append(trio.current_time())
        self.under_way += 1
        self.peak = max(self.peak, self.under_way)
        try:
            await self.gates.create()
            async with self._factory() as value:
                record = self._enter(value)
                with record.scope:
                    async with open_flat_nursery() as nursery:
                        nursery.start_soon(_live, record, self.gates.life)
                        yield value
                        record.scope.cancel()
                if record.cause is not None:
                    raise record.cause
                await self.gates.close()
        finally:
            if record is not None:
                record.closed = trio.current_time()
                del self._open[record]
            self.under_way -= 1

    def kill(self, value: T, cause: Exception | None = None) -> None:
        """Have a resource die by itself now: of `cause`, or quietly. One that is closing or gone is left alone."""
        _end(self.record(value), cause)

    async def check(self, value: T) -> None:
        """The pool's `check` hook: the gate, then the factory's own."""
        record = self.record(value)
        record.checks.append(trio.current_time())
        if record.holders:
            self.wrongs.append(f"resource {record.number} was checked while somebody used it")
        await self.gates.check()
        if self._check is not None:
            await self._check(value)

    async def reset(self, value: T) -> None:
        """The pool's `reset` hook: the gate, then the factory's own."""
        record = self.record(value)
        record.resets.append(trio.current_time())
        if record.holders:
            self.wrongs.append(f"resource {record.number} was reset while somebody used it")
        await self.gates.reset()
        if self._reset is not None:
            await self._reset(value)

    @contextmanager
    def hold(self, value: T) -> Generator[None]:
        """Use a resource, and note it if anybody else does so, or if it is closed already."""
        record = self.record(value)
        if record.holders:
            self.wrongs.append(f"resource {record.number} was used by two at once")
        if record.closed is not None:
            self.wrongs.append(f"resource {record.number} was used after it was closed")
        record.holders += 1
        try:
            yield
        finally:
            record.holders -= 1

    def assert_clean(self) -> None:
        """Raise `AssertionError`, saying all of it, if something is open or being created, or ever went wrong."""
        faults = list(self.wrongs)
        faults += [f"resource {record.number} is open" for record in self._open]
        starting = self.under_way - len(self._open)
        if starting:
            faults.append(f"{starting} being created")
        if faults:
            raise AssertionError("; ".join(faults))

    def _enter(self, value: T) -> Record[T]:
        known = self._by_identity.get(id(value))
        if known is not None and known.closed is None:
            self.wrongs.append(f"the factory gave resource {known.number} a second time: {value!r}")
        record = Record(len(self.records) + 1, value, trio.current_time())
        self.records.append(record)
        self._open[record] = None
        self._by_identity[id(value)] = record
        return record


async def _live(record: Record[T], life: Gate) -> None:
    cause: Exception | None = None
    try:
        await life()
    except Exception as error:  # noqa: BLE001 -- the resource's own context raises it
        cause = error
    _end(record, cause)


def _end(record: Record[T], cause: Exception | None) -> None:
    if not record.scope.cancel_called:
        record.cause = cause
        record.scope.cancel()
