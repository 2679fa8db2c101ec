"""What is looked up when Prometheus asks: the pool's numbers, the memory, and what it is that runs.

The pool counts for itself, and its numbers are told as they are; nothing is counted twice.
"""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

from ccproxy_trio import __version__
from ccproxy_trio.server.errors import transport_refusals
from ccproxy_trio.server.readiness import judge_readiness

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client import Metric

    from ccproxy_trio.claude.memory import MemoryReadings
    from ccproxy_trio.claude_pool import ClaudePool
    from ccproxy_trio.pool import PoolStatistics

_STATES = ("idle", "in_use", "starting", "checking", "resetting", "retiring")


class Gauges:
    """The pool of one application, and what is about it."""

    def __init__(self, claude: ClaudePool, memory: MemoryReadings) -> None:
        self._claude = claude
        self._memory = memory

    def look_up(self, *, draining: bool) -> Iterator[Metric]:
        """In trio's thread. `draining`: whether the server has been told to end."""
        statistics = self._claude.pool.statistics()
        yield from self._server(draining)
        yield from _sizes(statistics)
        yield from _counts(statistics)
        yield _counters(
            "ccproxy_transport_refusals",
            "What was refused before an endpoint could see it: no HTTP, a head too large, a connection too many.",
            "status",
            {str(status): count for status, count in transport_refusals.items()},
        )
        yield from self._sizes_in_memory()

    def _server(self, draining: bool) -> Iterator[Metric]:
        ready = not draining and judge_readiness(self._claude.pool) == "ready"
        cli = self._claude.cli
        yield _gauge("ccproxy_ready", "Whether /readyz answers 200.", ready)
        yield InfoMetricFamily(
            "ccproxy_build",
            "The server's version, and what it runs on.",
            {"version": __version__, "python": platform.python_version()},
        )
        yield InfoMetricFamily(
            "ccproxy_cli",
            "The CLI that instances are started from.",
            {"version": cli.version, "demo": str(cli.demo).lower()},
        )

    def _sizes_in_memory(self) -> Iterator[Metric]:
        server = os.getpid()
        taken = {
            "server": [each for pid, each in self._memory.latest.items() if pid == server],
            "instances": [each for pid, each in self._memory.latest.items() if pid != server],
        }
        yield _gauges(
            "ccproxy_resident_memory_bytes",
            "Memory of the server and of all instances, with what processes share counted for each of them.",
            "of",
            {of: sum(each.rss for each in sizes) for of, sizes in taken.items()},
        )
        yield _gauges(
            "ccproxy_proportional_memory_bytes",
            "The same, with what processes share divided among them: what more instances would take.",
            "of",
            {of: sum(each.pss for each in sizes) for of, sizes in taken.items()},
        )


def _sizes(statistics: PoolStatistics) -> Iterator[Metric]:
    yield _gauges(
        "ccproxy_pool_instances",
        "Instances by state.",
        "state",
        {state: getattr(statistics, state) for state in _STATES},
    )
    yield _gauge(
        "ccproxy_pool_fresh_instances",
        "Of the instances at rest, those that were never leased.",
        statistics.fresh,
    )
    yield _gauge("ccproxy_pool_min_instances", "Instances that are kept alive.", statistics.min_size)
    yield _gauge("ccproxy_pool_max_instances", "Instances at most.", statistics.max_size)
    yield _gauge("ccproxy_pool_waiting_requests", "Requests that wait for an instance.", statistics.waiting)
    yield _gauge(
        "ccproxy_pool_failing",
        "Whether the latest start of an instance has failed.",
        statistics.backoff_until is not None,
    )
    if statistics.lease_time is not None:
        yield _gauge(
            "ccproxy_pool_lease_mean_seconds",
            "How long a request holds an instance, the latest counting most; absent before the first.",
            statistics.lease_time,
        )


def _counts(statistics: PoolStatistics) -> Iterator[Metric]:
    yield _counter("ccproxy_pool_instances_started", "Instances that were started.", statistics.created)
    yield _counter(
        "ccproxy_pool_instances_ended",
        "Instances that were started and are gone.",
        statistics.destroyed,
    )
    yield _counters(
        "ccproxy_pool_leases",
        "Leases, by whether it was the instance's first.",
        "use",
        {"first": statistics.acquired - statistics.reused, "again": statistics.reused},
    )
    yield _counters(
        "ccproxy_pool_unserved",
        "Requests that got no instance: none came free in time, too many waited, or they were given up.",
        "reason",
        {
            "timeout": statistics.acquire_timeouts,
            "saturated": statistics.saturated,
            "cancelled": statistics.acquire_cancelled,
        },
    )
    yield _counters(
        "ccproxy_pool_failures",
        "What failed or took too long with an instance.",
        "of",
        {
            "create": statistics.create_failures,
            "check": statistics.check_failures,
            "reset": statistics.reset_failures,
            "close": statistics.close_failures,
        },
    )
    yield _counters(
        "ccproxy_pool_retired",
        "Instances taken out of the pool, by reason.",
        "reason",
        {reason.value: count for reason, count in statistics.retired.items()},
    )


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value)


def _gauges(name: str, documentation: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=(label,))
    for each, value in values.items():
        family.add_metric((each,), value)
    return family


def _counter(name: str, documentation: str, value: float) -> Metric:
    return CounterMetricFamily(name, documentation, value)


def _counters(name: str, documentation: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(name, documentation, labels=(label,))
    for each, value in values.items():
        family.add_metric((each,), value)
    return family
