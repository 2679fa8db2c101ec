"""Whether the server can answer: what `/readyz` says, and what is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from ccproxy_trio.pool import Pool

Readiness: TypeAlias = Literal["ready", "busy", "not ready"]


def judge_readiness(pool: Pool[Any]) -> Readiness:
    """Ready when an instance can be had now, or in the moment that a start or a clean-up takes.

    Else busy, if one that is leased will come back, and not ready when something is wrong.
    """
    statistics = pool.statistics()
    failing = statistics.backoff_until is not None
    coming = statistics.checking + statistics.resetting + (0 if failing else statistics.starting)
    if pool.available or coming > statistics.waiting:
        return "ready"
    return "busy" if statistics.in_use and not failing else "not ready"
