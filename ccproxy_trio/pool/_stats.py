"""What a pool tells about itself: why resources end, its resources one by one, and its gauges and counters.

idle + in_use + starting + checking + resetting + retiring = total, in every snapshot.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping  # noqa: TC003 -- get_type_hints() on the dataclass must work
from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

T = TypeVar("T")

State: TypeAlias = Literal["starting", "idle", "in_use", "checking", "resetting", "retiring", "gone"]
"""What a resource is at; `PoolStatistics` says what each means."""


class RetireReason(enum.StrEnum):
    """Why a resource was taken out of the pool."""

    IDLE = "idle"
    """It was idle for `idle_timeout`, and the pool was above `min_size`."""
    LIFETIME = "lifetime"
    """It was older than `max_lifetime`."""
    USES = "uses"
    """It had been leased `max_uses` times."""
    UNHEALTHY = "unhealthy"
    """Its `check` failed or took too long."""
    BROKEN = "broken"
    """An exception left the body of its lease, or the borrower said so."""
    DIED = "died"
    """Its own context ended, or cancelled itself, while the pool held it."""
    RESET_FAILED = "reset_failed"
    """Its `reset` failed or took too long."""
    REPLACED = "replaced"
    """`replace_all()` was called."""
    UNFIT = "unfit"
    """It made room for a fresh one: it suited nobody who waited, or `min_fresh` wanted the room."""
    SHRUNK = "shrunk"
    """`resize()` left it above `max_size`."""
    CLOSING = "closing"
    """The pool was closed."""


@dataclass(frozen=True, slots=True)
class ResourceSnapshot(Generic[T]):
    """One resource of a pool, as it is at this moment. Times are of `trio.current_time()`."""

    id: int
    """Its number, the same as its leases' and events'."""
    state: State
    """Never `gone`."""
    since: float
    """When its creation was decided, it was leased, or it came to rest: whichever was last."""
    born: float | None
    """When it was created; None while it is starting."""
    uses: int
    """How many leases of it there have been."""
    reason: RetireReason | None
    """Why it is retiring; None before that, and while one that died by itself is on its way out."""
    value: T | None
    """What the factory yielded, to be looked at and not to be used: that takes a lease. None before it is created."""

    @property
    def fresh(self) -> bool:
        """Whether it is created and was never leased."""
        return self.born is not None and not self.uses


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """A consistent snapshot of a pool: gauges are of this moment, counters since the pool was made."""

    name: str
    """The pool's name."""
    min_size: int
    """The floor in force."""
    max_size: int
    """The limit in force."""

    idle: int
    """Resources at rest, ready to be leased."""
    in_use: int
    """Resources leased."""
    starting: int
    """Resources being created."""
    checking: int
    """Resources held back while they are checked."""
    resetting: int
    """Resources given back, and not yet reset."""
    retiring: int
    """Resources on their way out, whose slot is not free yet."""
    total: int
    """All of the above. Above `max_size` only while a pool made smaller still has leases out."""
    waiting: int
    """Acquires that wait."""
    fresh: int
    """Of the resources at rest (idle or checked there), those never leased."""

    created: int
    """Resources created."""
    destroyed: int
    """Resources that had been created and are gone."""
    acquired: int
    """Leases given."""
    reused: int
    """Leases given of a resource that had been leased before."""
    acquire_timeouts: int
    """Acquires that ended with `PoolTimeout`."""
    acquire_cancelled: int
    """Acquires that were cancelled while they waited."""
    saturated: int
    """Acquires refused with `PoolSaturated`."""
    create_failures: int
    """Creations that failed or took too long."""
    check_failures: int
    """Checks that failed or took too long."""
    reset_failures: int
    """Resets that failed or took too long."""
    close_failures: int
    """Resources whose closing failed or took too long. They are gone all the same."""
    retired: Mapping[RetireReason, int]
    """Resources retired, by reason; every reason is there."""

    lease_time: float | None
    """How long a lease lasts, in seconds: a mean in which the latest counts most (one eighth). A reset after it
    counts as well, for it holds the resource as long. None before the first lease has ended."""
    last_error: BaseException | None
    """The latest failure of a create, check, reset or close, or the cause of a death; None if there was none."""
    backoff_until: float | None
    """While the factory fails: the `trio.current_time()` before which it is not tried again. Otherwise None."""

    def __str__(self) -> str:
        """The gauges on one line, for messages."""
        return (
            f"{self.total}/{self.max_size} resources: {self.idle} idle, {self.in_use} in use, {self.starting} "
            f"starting, {self.checking} checking, {self.resetting} resetting, {self.retiring} retiring; "
            f"{self.waiting} waiting"
        )
