"""What a type checker makes of the pool: it is only checked, never run.

The resource's type comes from the factory, and goes from there to the lease, `fit` and the hooks.
"""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, assert_type

from ccproxy_trio.pool import Acquisition, Lease, NullPool, Pool, PoolConfig, open_null_pool, open_pool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import trio


@asynccontextmanager
async def connect() -> AsyncGenerator[sqlite3.Connection]:
    """Make a resource."""
    yield sqlite3.connect(":memory:")


async def ping(connection: sqlite3.Connection) -> int:
    """Look after a resource."""
    return connection.total_changes


async def ping_text(text: str) -> None:
    """Look after something else."""


def idle(connection: sqlite3.Connection) -> int | None:
    """Say how well a resource suits."""
    return None if connection.in_transaction else 1


def empty(text: str) -> int:
    """Say how well something else suits."""
    return len(text)


async def infer(nursery: trio.Nursery) -> None:
    """Nothing needs an annotation."""
    async with open_pool(connect, PoolConfig(min_size=1), check=ping, reset=ping) as pool:
        assert_type(pool, Pool[sqlite3.Connection])
        assert_type(pool.acquire(idle), Acquisition[sqlite3.Connection])
        async with pool.acquire(fit=lambda connection: connection.total_changes) as lease:
            assert_type(lease, Lease[sqlite3.Connection])
            assert_type(lease.value, sqlite3.Connection)
            assert_type(lease.value.in_transaction, bool)
    async with open_null_pool(connect) as null:
        assert_type(null, Pool[sqlite3.Connection])
    assert_type(NullPool(connect), NullPool[sqlite3.Connection])
    own: Pool[sqlite3.Connection] = await nursery.start(Pool(connect).run)
    assert_type(Pool(connect), Pool[sqlite3.Connection])
    await own.aclose()


async def refuse(pool: Pool[sqlite3.Connection]) -> None:
    """What does not go together is an error: were it none, mypy would call the comment unused."""
    open_pool(connect, check=ping_text)  # type: ignore[misc]  # a hook for something else
    open_pool(sqlite3.connect(":memory:"))  # type: ignore[arg-type]  # a resource, not a factory
    pool.acquire(empty)  # type: ignore[arg-type]  # a fit for something else
