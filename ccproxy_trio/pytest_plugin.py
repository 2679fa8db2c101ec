"""`ccproxy_trio.pool.testing` as pytest fixtures.

pytest imports this in every run where the package is installed, so it imports nothing itself: neither trio nor the
pool, which is why it is not inside the pool's package. A fixture imports what it needs when a test asks for it.

All fixtures are synchronous, so they work with pytest-trio, in and out of its trio mode, and without it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from ccproxy_trio.pool import Factory, Hook
    from ccproxy_trio.pool.testing import Chaos, GatedFactory, Gates, Measured

    T = TypeVar("T")

    class MakeFactory(Protocol):
        """The signature of `GatedFactory`."""

        def __call__(
            self,
            factory: Factory[T],
            gates: Gates | None = None,
            *,
            check: Hook[T] | None = None,
            reset: Hook[T] | None = None,
        ) -> GatedFactory[T]:
            """Put gates before `factory`."""
            ...


@pytest.fixture
def pool_seed() -> int:
    """The seed of the other fixtures: 0. Parametrize it, or override it, to run with others."""
    return 0


@pytest.fixture
def pool_scheduler(pool_seed: int) -> Iterator[None]:
    """trio's scheduler and `random`, seeded for the length of the test."""
    from ccproxy_trio.pool.testing import seeded_scheduler

    with seeded_scheduler(pool_seed):
        yield


@pytest.fixture
def pool_run(pool_seed: int) -> Callable[..., Any]:
    """`run_seeded` with the seed: for tests that are not async functions."""
    from ccproxy_trio.pool.testing import run_seeded

    return partial(run_seeded, seed=pool_seed)


@pytest.fixture
def pool_chaos(pool_seed: int) -> Callable[..., AbstractAsyncContextManager[Chaos]]:
    """`open_chaos` with the seed: `async with pool_chaos() as chaos`."""
    from ccproxy_trio.pool.testing import open_chaos

    return partial(open_chaos, pool_seed)


@pytest.fixture
def pool_factory() -> Iterator[MakeFactory]:
    """`GatedFactory`. When the test has ended, each that it made must be clean: nothing open, nothing gone wrong."""
    from ccproxy_trio.pool.testing import GatedFactory

    made: list[GatedFactory[Any]] = []

    def make(
        factory: Factory[T],
        gates: Gates | None = None,
        *,
        check: Hook[T] | None = None,
        reset: Hook[T] | None = None,
    ) -> GatedFactory[T]:
        gated = GatedFactory(factory, gates, check=check, reset=reset)
        made.append(gated)
        return gated

    yield make
    for gated in made:
        gated.assert_clean()


@pytest.fixture
def pool_watch() -> Iterator[Callable[[Measured], None]]:
    """Call it with a pool: when the test has ended, that pool must be at rest, and must have lost nothing."""
    from ccproxy_trio.pool.testing import assert_quiescent

    watched: list[Measured] = []
    yield watched.append
    for pool in watched:
        assert_quiescent(pool)
