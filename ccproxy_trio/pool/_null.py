"""A pool that does not pool: each lease has a fresh resource, closed after it.

It is the same engine with another configuration, so bounds, errors, statistics and observers are the same, and so is
the surface: nothing is kept ready, nothing is used twice, nothing rests.
"""

from __future__ import annotations

import dataclasses
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from ._config import PoolConfig
from ._pool import Pool, own_nursery

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from ._events import Observer
    from ._keeper import Factory, Hook

T = TypeVar("T")


class NullPool(Pool[T]):
    """A `Pool` that gives each lease a fresh resource. `max_size` and `acquire_timeout` bound it as they do a pool.

    A resource whose acquire left before it was ready serves one that waits, and is closed if none does.
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
        """Make the pool; what the configuration says of keeping resources does not count."""
        unpooled = _without_keeping(config if config is not None else PoolConfig())
        super().__init__(factory, unpooled, check=check, reset=reset, observer=observer, name=name)

    def resize(self, *, min_size: int | None = None, max_size: int | None = None) -> None:
        """Change `max_size`; `min_size` has no meaning here and is ignored."""
        super().resize(max_size=max_size)

    def reconfigure(self, config: PoolConfig) -> None:
        """Put another configuration in force; what it says of keeping resources does not count."""
        super().reconfigure(_without_keeping(config))

    def replace_all(self, *, one_by_one: bool = False) -> None:
        """Use no resource any more that was begun before; there is none to be kept meanwhile, either way."""
        super().replace_all()


def _without_keeping(config: PoolConfig) -> PoolConfig:
    return dataclasses.replace(
        config,
        min_size=0,
        min_fresh=0,
        warmup_on_startup=False,
        max_uses=1,
        idle_timeout=0.0,
    )


@asynccontextmanager
async def open_null_pool(
    factory: Factory[T],
    config: PoolConfig | None = None,
    *,
    check: Hook[T] | None = None,
    reset: Hook[T] | None = None,
    observer: Observer | Sequence[Observer] | None = None,
    name: str = "pool",
) -> AsyncGenerator[Pool[T]]:
    """`open_pool` without pooling: the same arguments, the same surface, a fresh resource for each lease."""
    pool = NullPool(factory, config, check=check, reset=reset, observer=observer, name=name)
    async with own_nursery(pool):
        yield pool
