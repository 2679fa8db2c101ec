"""The pools of others, each used as its documentation says, with connections that cost nothing.

None needs a server: the dummy connections answer at once, and have only what their pool asks of a connection. Pools
are imported by name when they are measured, so that whoever has not installed one sees which, and measures the rest.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from time import process_time
from typing import TYPE_CHECKING, Any

from .pool_subjects import (
    ALONE,
    EACH,
    SIZE,
    TASKS,
    Cycles,
    Dummy,
    Subject,
    Times,
    borrowing,
    do_nothing,
    times,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from .pool_subjects import Kind


def run_on_asyncio(open_subject: Callable[[], AbstractAsyncContextManager[Cycles]]) -> Times:
    """Measure one subject in an asyncio loop of its own."""

    async def main() -> Times:
        async with open_subject() as cycles:
            await cycles.alone(ALONE // 10)
            started = process_time()
            await cycles.alone(ALONE)
            alone = process_time() - started

            ends: list[float] = []

            async def one() -> None:
                await cycles.crowd(EACH)
                ends.append(process_time())

            started = process_time()
            async with asyncio.TaskGroup() as group:
                for _ in range(TASKS):
                    group.create_task(one())
            return times(alone, started, ends)

    return asyncio.run(main())


async def rest() -> None:
    """One pass of the loop."""
    await asyncio.sleep(0)


class DummyConnection(Dummy):
    """A connection of the DB-API, as far as a pool is concerned."""

    def rollback(self) -> None:
        """Called by SQLAlchemy whenever a connection comes back."""

    def close(self) -> None:
        """Called when the pool is closed."""


class PsycopgConnection(Dummy):
    """An `AsyncConnection` at rest."""

    class pgconn:  # noqa: N801 -- psycopg's name
        """Says at each release that no transaction is open."""

        transaction_status = 0

    _pool = None

    @classmethod
    async def connect(cls, *_: object, **__: object) -> PsycopgConnection:
        """Called by the pool to have one more."""
        return cls()

    async def __aenter__(self) -> PsycopgConnection:
        return self

    async def __aexit__(self, *_: object) -> None:
        """A real one would commit, or roll back."""

    async def close(self) -> None:
        """Called when the pool is closed."""


@asynccontextmanager
async def open_psycopg(**hooks: Any) -> AsyncIterator[Cycles]:
    """`AsyncConnectionPool.connection()`."""
    pool = import_module("psycopg_pool").AsyncConnectionPool(
        connection_class=PsycopgConnection, min_size=SIZE, max_size=SIZE, open=False, **hooks
    )
    async with pool:
        await pool.wait()
        yield borrowing(pool.connection, rest)


@asynccontextmanager
async def open_sqlalchemy() -> AsyncIterator[Cycles]:
    """`AsyncAdaptedQueuePool`, through the greenlet in which SQLAlchemy's async engine calls it."""
    pool = import_module("sqlalchemy.pool").AsyncAdaptedQueuePool(
        DummyConnection, pool_size=SIZE, max_overflow=0
    )
    spawn = import_module("sqlalchemy.util").greenlet_spawn

    async def alone(count: int) -> None:
        for _ in range(count):
            connection = await spawn(pool.connect)
            await spawn(connection.close)

    async def crowd(count: int) -> None:
        for _ in range(count):
            connection = await spawn(pool.connect)
            await asyncio.sleep(0)
            await spawn(connection.close)

    yield Cycles(alone, crowd)
    await spawn(pool.dispose)


def run_sqlalchemy_on_threads() -> Times:
    """`QueuePool`, whose tasks are threads; holding is `time.sleep(0)`, which lets another run."""
    pool = import_module("sqlalchemy.pool").QueuePool(DummyConnection, pool_size=SIZE, max_overflow=0)

    def alone(count: int) -> None:
        for _ in range(count):
            connection = pool.connect()
            connection.close()

    ends: list[float] = []

    def one() -> None:
        for _ in range(EACH):
            connection = pool.connect()
            time.sleep(0)
            connection.close()
        ends.append(process_time())

    alone(ALONE // 10)
    started = process_time()
    alone(ALONE)
    seconds = process_time() - started
    threads = [threading.Thread(target=one) for _ in range(TASKS)]
    started = process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pool.dispose()
    return times(seconds, started, ends)


def asyncpg_connection() -> Any:
    """A subclass of asyncpg's connection, for its pool takes no other; resetting it asks no server."""

    class Protocol:
        queries_count = 0

        def is_connected(self) -> bool:
            return True

        def _is_cancelling(self) -> bool:
            return False

    def init(self: Any) -> None:
        self._protocol, self._aborted, self._proxy = Protocol(), False, None
        self._pool_release_ctr, self._listeners, self._log_listeners = 0, {}, set()

    async def reset(self: Any, *, timeout: float | None = None) -> None:
        """A real one would send a query."""

    async def close(self: Any, *, timeout: float | None = None) -> None:
        self._aborted = True
        self._pool_holder()._release_on_close()

    names = {"__init__": init, "reset": reset, "close": close}
    return type("AsyncpgConnection", (import_module("asyncpg").Connection,), names)


@asynccontextmanager
async def open_asyncpg(timeout: float | None = None) -> AsyncIterator[Cycles]:
    """asyncpg's own pool, an `asyncio.Queue` of holders. Without a timeout, its default, it waits for ever."""
    kind = asyncpg_connection()

    async def connect(*_: object, **__: object) -> Any:
        return kind()

    pool = import_module("asyncpg").create_pool(
        min_size=SIZE, max_size=SIZE, connect=connect, connection_class=kind
    )
    async with pool:
        yield borrowing(partial(pool.acquire, timeout=timeout), rest)


@asynccontextmanager
async def open_generic() -> AsyncIterator[Cycles]:
    """generic-connection-pool, configured as in its first examples; it asks for an endpoint each time."""

    generic = import_module("generic_connection_pool.asyncio")

    async def create(_: object, endpoint: str) -> Dummy:
        return Dummy()

    async def dispose(_: object, endpoint: str, conn: Dummy) -> None:
        """A real one would close it."""

    names = {"create": create, "dispose": dispose}
    pool = generic.ConnectionPool(
        type("Connections", (generic.BaseConnectionManager,), names)(),
        acquire_timeout=30.0,  # As long as the others wait; its example's 2 s can pass on a busy machine.
        idle_timeout=60.0,
        max_lifetime=600.0,
        min_idle=SIZE,
        max_size=SIZE,
        total_max_size=SIZE,
        background_collector=True,
    )
    yield borrowing(partial(pool.connection, endpoint="here"), rest)
    await pool.close()


@asynccontextmanager
async def open_connpool() -> AsyncIterator[Cycles]:
    """connpool's `AsyncConnectionPool`."""
    connpool = import_module("connpool")
    config = connpool.PoolConfig(min_size=SIZE, max_size=SIZE)
    async with connpool.AsyncConnectionPool.from_callables(Dummy, config=config) as pool:
        yield borrowing(pool.connection, rest)


@asynccontextmanager
async def open_queue() -> AsyncIterator[Cycles]:
    """Tokens in an `asyncio.Queue`, which suspends nobody while it has one."""
    queue: asyncio.Queue[Dummy] = asyncio.Queue()
    for _ in range(SIZE):
        queue.put_nowait(Dummy())

    async def alone(count: int) -> None:
        for _ in range(count):
            queue.put_nowait(await queue.get())

    async def crowd(count: int) -> None:
        for _ in range(count):
            token = await queue.get()
            await asyncio.sleep(0)
            queue.put_nowait(token)

    yield Cycles(alone, crowd)


@asynccontextmanager
async def open_sleep() -> AsyncIterator[Cycles]:
    """One pass of asyncio's loop a cycle, and nothing taken."""

    async def passes(count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    yield Cycles(passes, passes)


DISTRIBUTIONS = {
    "psycopg_pool": "psycopg-pool",
    "psycopg": "psycopg",
    "sqlalchemy": "SQLAlchemy",
    "greenlet": "greenlet",
    "asyncpg": "asyncpg",
    "generic_connection_pool": "generic-connection-pool",
    "connpool": "connpool",
}
"""The modules that are needed, and what one installs to have them."""


def peers() -> list[tuple[Subject, tuple[str, ...]]]:
    """All that others offer, with the modules that each needs."""

    def on_asyncio(
        kind: Kind, name: str, opener: Callable[[], Any], *needs: str
    ) -> tuple[Subject, tuple[str, ...]]:
        return Subject(name, "asyncio", partial(run_on_asyncio, opener), kind), needs

    psycopg = ("psycopg_pool", "psycopg")
    with_reset, with_timeout = partial(open_psycopg, reset=do_nothing), partial(open_asyncpg, 30.0)
    threads = Subject("SQLAlchemy QueuePool", "threads", run_sqlalchemy_on_threads, "pool")
    return [
        on_asyncio("bare", "bare asyncio.sleep(0)", open_sleep),
        on_asyncio("bare", "bare asyncio.Queue", open_queue),
        on_asyncio("pool", "psycopg_pool", open_psycopg, *psycopg),
        on_asyncio("variant", "psycopg_pool, with a reset", with_reset, *psycopg),
        # All others bound every wait, so that one is compared.
        on_asyncio("pool", "asyncpg, with a timeout", with_timeout, "asyncpg"),
        on_asyncio("variant", "asyncpg, without", open_asyncpg, "asyncpg"),
        on_asyncio("pool", "SQLAlchemy AsyncAdaptedQueuePool", open_sqlalchemy, "sqlalchemy", "greenlet"),
        on_asyncio("pool", "connpool", open_connpool, "connpool"),
        on_asyncio("pool", "generic-connection-pool", open_generic, "generic_connection_pool"),
        (threads, ("sqlalchemy",)),
    ]


def installed(modules: tuple[str, ...]) -> bool:
    """Whether all of `modules` are here."""
    return all(find_spec(module) for module in modules)
