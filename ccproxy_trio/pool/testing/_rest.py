"""Whether a pool's numbers add up, and whether it is at rest.

At rest: nothing is leased, waits, starts, is checked, reset or retired. Idle resources may be there, and a pool that
leaves a failing factory alone for a while is at rest too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import trio
import trio.testing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .. import PoolStatistics

_REAL_PAUSE = 0.01
"""Seconds between two looks at a pool whose resources do real I/O: no deadline tells when that ends."""


class Measured(Protocol):
    """A pool, or what has one."""

    def statistics(self) -> PoolStatistics:
        """The snapshot of the pool."""
        ...


def assert_adds_up(pool: Measured) -> None:
    """Raise `AssertionError` if the gauges contradict each other. True at any moment, whatever the pool does."""
    _blame(pool.statistics(), _contradictions)


def assert_quiescent(pool: Measured) -> None:
    """Raise `AssertionError`, naming what is not at rest or not accounted for, unless the pool is at rest."""
    _blame(pool.statistics(), _contradictions, _unrest, _losses)


async def wait_quiescent(pool: Measured, timeout: float = 60.0) -> None:
    """Wait until the pool is at rest, for at most `timeout` seconds; then raise as `assert_quiescent` does.

    Lets everything happen that is due now, and on a mock clock ends at the very time the pool comes to rest.
    """
    with trio.move_on_after(timeout) as scope:
        await trio.testing.wait_all_tasks_blocked()
        while any(_unrest(pool.statistics())):
            await trio.sleep(_until_something_is_due())
            await trio.testing.wait_all_tasks_blocked()
    if scope.cancelled_caught:
        with trio.move_on_after(_REAL_PAUSE):  # What is due at the last moment is in time.
            await trio.testing.wait_all_tasks_blocked()
    assert_quiescent(pool)


def _until_something_is_due() -> float:
    due = max(0.0, trio.lowlevel.current_statistics().seconds_to_next_deadline)
    mocked = isinstance(trio.lowlevel.current_clock(), trio.testing.MockClock)
    return due if mocked else min(due, _REAL_PAUSE)


def _blame(stats: PoolStatistics, *kinds: Callable[[PoolStatistics], Iterator[str]]) -> None:
    faults = [fault for kind in kinds for fault in kind(stats)]
    if faults:
        raise AssertionError(f"pool {stats.name!r}: {', '.join(faults)} ({stats})")


def _contradictions(stats: PoolStatistics) -> Iterator[str]:
    parts = (stats.idle, stats.in_use, stats.starting, stats.checking, stats.resetting, stats.retiring)
    if sum(parts) != stats.total:
        yield f"the gauges add up to {sum(parts)}, not to the total of {stats.total}"
    if min(*parts, stats.waiting, stats.fresh) < 0:
        yield "a gauge is below 0"
    if stats.fresh > stats.idle + stats.checking:
        yield f"{stats.fresh} fresh resources among {stats.idle + stats.checking} at rest"


def _unrest(stats: PoolStatistics) -> Iterator[str]:
    for count, what in (
        (stats.in_use, "leased"),
        (stats.waiting, "waiting"),
        (stats.starting, "starting"),
        (stats.checking, "being checked"),
        (stats.resetting, "being reset"),
        (stats.retiring, "retiring"),
    ):
        if count:
            yield f"{count} {what}"


def _losses(stats: PoolStatistics) -> Iterator[str]:
    """What the counters say is missing. Only of a pool at rest: within a step they may be one ahead."""
    if any(_unrest(stats)):
        return
    if stats.created - stats.destroyed != stats.total:
        yield f"{stats.created} created, {stats.destroyed} destroyed, {stats.total} there"
    if sum(stats.retired.values()) != stats.destroyed:
        yield f"{sum(stats.retired.values())} retired, {stats.destroyed} destroyed"
