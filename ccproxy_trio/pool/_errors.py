"""What an acquire can raise. `PoolError` is the root of all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._stats import PoolStatistics


class PoolError(Exception):
    """No lease was given. `pool` is the pool's name, `statistics` its state at that moment."""

    def __init__(self, message: str, statistics: PoolStatistics) -> None:
        """Keep the statistics and put their gauges behind the message."""
        super().__init__(f"pool {statistics.name!r}: {message} ({statistics})")
        self.pool = statistics.name
        self.statistics = statistics


class PoolClosed(PoolError):
    """The pool is closed or closing, or was never started."""


class PoolTimeout(PoolError):
    """No resource came free in time. `__cause__` is the last create error, if the factory fails."""


class PoolSaturated(PoolError):
    """`max_waiting` acquires wait already, or one of a tenant of which fewer wait took this one's place."""


class ResourceUnavailable(PoolError):
    """No resource is alive and the factory fails. `__cause__` is its error."""
