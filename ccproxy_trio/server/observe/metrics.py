"""What Prometheus is told: the requests counted as they end, the rest looked up when it asks.

Rules:

* An application has a registry of its own, so that several in one process do not count into each other's. Workers of
  hypercorn are processes, each with its own.
* A label is one of few words, and none that a client wrote: it comes from a record, or is ours.
* Nobody's key is a label. Whoever has a key may read this page, and is not told what others ask for; the log tells.
* The page is made in a thread, one at a time, as a hundred models' series take a tenth of a second to write. What
  only trio's thread may look at is looked up before.
* Seconds, bytes and dollars; a counter ends in `_total`. When a series began (`_created`) is not told, as it would
  double their number.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import trio
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from quart import Response, g, request

from ccproxy_trio.claude.memory import MemoryReadings
from ccproxy_trio.pool import PoolEvent, ResourceCreated

from .gauges import Gauges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prometheus_client import Metric

    from ccproxy_trio.claude_pool import ClaudePool

    from .record import RequestRecord

BUCKETS: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
"""Seconds: from an error at once to the longest answer that the defaults allow."""
_STAGE_BUCKETS = (0.002, 0.005, 0.01, *BUCKETS)
_NONE = "none"


class Metrics:
    """The metrics of one application."""

    def __init__(self, claude: ClaudePool) -> None:
        self._claude = claude
        self._memory = MemoryReadings()
        self._writing = trio.CapacityLimiter(1)
        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            "ccproxy_requests_total",
            'Requests that have ended. The status is "none" where the client left before there was one.',
            ("endpoint", "dialect", "model", "status", "outcome"),
            registry=registry,
        )
        self._duration = Histogram(
            "ccproxy_request_duration_seconds",
            "From a request's head to its end, when the answer was sent or the client has left.",
            ("endpoint",),
            buckets=BUCKETS,
            registry=registry,
        )
        self._first_token = Histogram(
            "ccproxy_time_to_first_token_seconds",
            "From a request's head to the first piece of the answer's content.",
            ("model",),
            buckets=BUCKETS,
            registry=registry,
        )
        self._stages = Histogram(
            "ccproxy_stage_duration_seconds",
            "How long requests were in each stage: waiting for an instance (queue), handing it the settings "
            "(prepare) and the history, waiting for the first event (turn), and reading the answer (relay).",
            ("stage",),
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self._tokens = Counter(
            "ccproxy_tokens_total",
            "Tokens that upstream has told of; input is without what was read from the cache or put there.",
            ("endpoint", "model", "kind"),
            registry=registry,
        )
        self._dollars = Counter(
            "ccproxy_cost_dollars_total",
            "What answers cost by the CLI's own reckoning, as far as it came to tell.",
            ("endpoint", "model"),
            registry=registry,
        )
        self._creations = Histogram(
            "ccproxy_pool_creation_duration_seconds",
            "How long instances took to start.",
            buckets=BUCKETS,
            registry=registry,
        )
        self._gauges = Gauges(claude, self._memory)
        ProcessCollector(registry=registry)

    def observe(self, record: RequestRecord) -> None:
        """Count a request that has ended."""
        endpoint, model = record.endpoint, record.model or _NONE
        status = _NONE if record.status is None else str(record.status)
        self._requests.labels(endpoint, record.dialect, model, status, record.outcome or _NONE).inc()
        self._duration.labels(endpoint).observe(record.duration)
        if record.time_to_first_token is not None:
            self._first_token.labels(model).observe(record.time_to_first_token)
        for stage, began, ended in record.stages.spans():
            if ended is not None:
                self._stages.labels(stage).observe(ended - began)
        account = record.stages.account
        for kind, tokens in (
            ("input", account.input_tokens),
            ("output", account.output_tokens),
            ("cache_read", account.cache_read_tokens),
            ("cache_creation", account.cache_creation_tokens),
        ):
            if tokens is not None:
                self._tokens.labels(endpoint, model, kind).inc(max(0, tokens))
        if record.model is not None:
            account.on_spending(self._dollars.labels(endpoint, model).inc)

    def hear(self, event: PoolEvent) -> None:
        """Take note of what the pool tells."""
        if isinstance(event, ResourceCreated):
            self._creations.observe(event.took)

    async def page(self) -> Response:
        """All of them, as OpenMetrics for whoever says that it reads that."""
        instances = [each.value.pid for each in self._claude.pool.resources() if each.value is not None]
        await self._memory.refresh([os.getpid(), *instances])
        told = _Told(self._registry, list(self._gauges.look_up(draining=g.draining)))
        accepted = (each.partition(";")[0].strip() for each in request.headers.get("accept", "").split(","))
        write: Callable[[CollectorRegistry], bytes]
        if "application/openmetrics-text" in accepted:
            kind, write = openmetrics.CONTENT_TYPE_LATEST, openmetrics.generate_latest
        else:
            kind, write = CONTENT_TYPE_PLAIN_0_0_4, generate_latest
        text = await trio.to_thread.run_sync(write, told, limiter=self._writing)
        return Response(text, content_type=kind, headers={"vary": "accept"})


class _Told(CollectorRegistry):
    """What one page tells: what is counted, as it is when the page is written, and what was looked up before."""

    def __init__(self, counted: CollectorRegistry, looked_up: Sequence[Metric]) -> None:
        super().__init__()
        self._counted, self._looked_up = counted, looked_up

    def collect(self) -> Iterator[Metric]:
        for family in self._counted.collect():
            family.samples = [each for each in family.samples if not each.name.endswith("_created")]
            yield family
        yield from self._looked_up
