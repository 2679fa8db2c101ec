"""What a pool tells its observers, as it happens: frozen values, handed over synchronously.

An observer is called in the midst of the pool's work, so it must be quick and must not block. Whatever it raises is
logged and goes no further.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ._stats import RetireReason  # noqa: TC001 -- get_type_hints() on the dataclasses must work


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolEvent:
    """Something happened in the pool called `pool` at `time` (of `trio.current_time()`).

    `label` is that of the acquire or lease which it is part of, or came of; None if there is none.
    """

    pool: str
    time: float
    label: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceCreated(PoolEvent):
    """A resource is ready for its first lease; its creation took `took` seconds."""

    id: int
    took: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateFailed(PoolEvent):
    """The factory failed; it is left alone until `retry_at`."""

    error: BaseException
    retry_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceLeased(PoolEvent):
    """A resource was handed over, for the `uses`-th time, to an acquire that had waited `waited` seconds."""

    id: int
    uses: int
    waited: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceReleased(PoolEvent):
    """A resource was given back after `held` seconds; `error` is what left the lease's body, if anything did."""

    id: int
    held: float
    error: BaseException | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFailed(PoolEvent):
    """A check failed or took too long; the resource is retired."""

    id: int
    error: BaseException


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetFailed(PoolEvent):
    """A reset failed or took too long; the resource is retired."""

    id: int
    error: BaseException


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRetired(PoolEvent):
    """A resource left circulation. Its slot is free when it is gone."""

    id: int
    reason: RetireReason
    cause: BaseException | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceGone(PoolEvent):
    """A resource's context has ended; `error` is what its closing raised, if it failed or took too long."""

    id: int
    uses: int
    age: float
    error: BaseException | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AcquireFailed(PoolEvent):
    """An acquire that waited `waited` seconds, or was refused a place in the line, ended without a lease.

    `error` is None if it was cancelled.
    """

    waited: float
    error: BaseException | None


Observer: TypeAlias = Callable[[PoolEvent], object]
"""Called with each event; what it returns is ignored."""
