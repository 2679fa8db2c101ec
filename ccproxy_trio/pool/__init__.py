"""A generic, nursery-based resource pool for trio.

    async with open_pool(factory, PoolConfig(min_size=2)) as pool:
        async with pool.acquire() as lease:
            await lease.value.work()

Each resource is made by a factory, lives in a task of its own (its keeper), is leased to one borrower at a time,
checked and reset between leases, and replaced when it breaks, dies or gets old.
"""

from __future__ import annotations

from ._config import PoolConfig as PoolConfig
from ._errors import PoolClosed as PoolClosed
from ._errors import PoolError as PoolError
from ._errors import PoolSaturated as PoolSaturated
from ._errors import PoolTimeout as PoolTimeout
from ._errors import ResourceUnavailable as ResourceUnavailable
from ._events import AcquireFailed as AcquireFailed
from ._events import CheckFailed as CheckFailed
from ._events import CreateFailed as CreateFailed
from ._events import Observer as Observer
from ._events import PoolEvent as PoolEvent
from ._events import ResetFailed as ResetFailed
from ._events import ResourceCreated as ResourceCreated
from ._events import ResourceGone as ResourceGone
from ._events import ResourceLeased as ResourceLeased
from ._events import ResourceReleased as ResourceReleased
from ._events import ResourceRetired as ResourceRetired
from ._keeper import Factory as Factory
from ._keeper import Hook as Hook
from ._lease import Acquisition as Acquisition
from ._lease import Lease as Lease
from ._null import NullPool as NullPool
from ._null import open_null_pool as open_null_pool
from ._pool import Pool as Pool
from ._pool import open_pool as open_pool
from ._stats import PoolStatistics as PoolStatistics
from ._stats import ResourceSnapshot as ResourceSnapshot
from ._stats import RetireReason as RetireReason
from ._waiters import Fit as Fit

__all__ = [
    "AcquireFailed",
    "Acquisition",
    "CheckFailed",
    "CreateFailed",
    "Factory",
    "Fit",
    "Hook",
    "Lease",
    "NullPool",
    "Observer",
    "Pool",
    "PoolClosed",
    "PoolConfig",
    "PoolError",
    "PoolEvent",
    "PoolSaturated",
    "PoolStatistics",
    "PoolTimeout",
    "ResetFailed",
    "ResourceCreated",
    "ResourceGone",
    "ResourceLeased",
    "ResourceReleased",
    "ResourceRetired",
    "ResourceSnapshot",
    "ResourceUnavailable",
    "RetireReason",
    "open_null_pool",
    "open_pool",
]
