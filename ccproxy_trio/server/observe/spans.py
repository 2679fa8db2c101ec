"""OpenTelemetry's spans, made of a record when its request has ended: until then a trace costs nothing.

    POST /v1/messages
        queue | prepare | history | turn | relay

The attributes are those of OpenTelemetry's conventions for HTTP servers and generative AI, and a few of our own.
There is nothing in them that a client wrote, no path and no key; the request's id leads to its line in the log.

Imported only where the extra `otel` is wanted.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from ccproxy_trio import __version__

from .names import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.util.types import AttributeValue

    from .record import RequestRecord
    from .trace_context import TraceContext

_ERRORS = frozenset({"failed", "late"})
"""What is no fault of the client's; as the conventions have it, those are not marked."""
_ANSWERS = ("/messages", "/chat/completions", "/responses")


class Spans:
    """Makes the spans of requests."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("ccproxy_trio", __version__)

    @classmethod
    def exported(cls) -> Spans:
        """Spans for a collector, as OpenTelemetry's own environment variables say. Blocks for a moment."""
        told = OTELResourceDetector().detect().attributes
        ours = {"service.name": "ccproxy-trio", "service.version": __version__}
        resource = Resource.create({name: value for name, value in ours.items() if name not in told})
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        return cls(provider)

    def observe(self, record: RequestRecord) -> None:
        """Make those of a request that has ended."""
        ended = trio.current_time() if record.ended is None else record.ended
        zero = time.time_ns() - round(trio.current_time() * 1e9)

        def when(moment: float) -> int:
            return zero + round(moment * 1e9)

        root = self._tracer.start_span(
            _name(record),
            context=_parent(record.trace),
            kind=SpanKind.SERVER,
            attributes=dict(_describe(record)),
            start_time=when(record.began),
        )
        if root.is_recording():
            if record.outcome in _ERRORS:
                root.set_status(Status(StatusCode.ERROR))
            inside = set_span_in_context(root, Context())
            for stage, began, end in record.stages.spans():
                span = self._tracer.start_span(stage, context=inside, start_time=when(began))
                span.end(when(ended if end is None else end))
        root.end(when(ended))

    def shut(self) -> None:
        """Hand over what is left, and end. Blocks until the collector has taken it, or for half a minute."""
        self._provider.shutdown()


def _name(record: RequestRecord) -> str:
    method = "HTTP" if record.method == OTHER else record.method
    return method if record.endpoint == OTHER else f"{method} {record.endpoint}"


def _parent(trace: TraceContext | None) -> Context:
    # Never None, which would be whatever is current where the record ends.
    if trace is None:
        return Context()
    told = SpanContext(
        trace.trace_id,
        trace.parent_id,
        is_remote=True,
        trace_flags=TraceFlags(trace.flags),
        trace_state=TraceState(trace.state),
    )
    return set_span_in_context(NonRecordingSpan(told), Context())


def _describe(record: RequestRecord) -> Iterator[tuple[str, AttributeValue]]:
    yield "http.request.method", "_OTHER" if record.method == OTHER else record.method
    if record.endpoint != OTHER:
        yield "http.route", record.endpoint
    if record.status is not None:
        yield "http.response.status_code", record.status
    if record.outcome in _ERRORS:
        yield "error.type", record.error or str(record.status)
    yield "ccproxy.request_id", record.id
    yield "ccproxy.dialect", record.dialect
    if record.outcome is not None:
        yield "ccproxy.outcome", record.outcome
    if record.upstream_id is not None:
        yield "ccproxy.upstream_request_id", record.upstream_id
    if record.model is not None and record.endpoint.endswith(_ANSWERS):
        yield from _describe_answer(record, record.model)


def _describe_answer(record: RequestRecord, model: str) -> Iterator[tuple[str, AttributeValue]]:
    yield "gen_ai.operation.name", "chat"
    yield "gen_ai.provider.name", "anthropic"
    yield "gen_ai.request.model", model
    yield "gen_ai.request.stream", record.stream
    if record.time_to_first_token is not None:
        yield "gen_ai.response.time_to_first_chunk", record.time_to_first_token
    account = record.stages.account
    read, made = account.cache_read_tokens, account.cache_creation_tokens
    if account.input_tokens is not None:
        # By the convention with those of the cache, which are not in Anthropic's own number.
        yield "gen_ai.usage.input_tokens", account.input_tokens + (read or 0) + (made or 0)
    if account.output_tokens is not None:
        yield "gen_ai.usage.output_tokens", account.output_tokens
    if read is not None:
        yield "gen_ai.usage.cache_read.input_tokens", read
    if made is not None:
        yield "gen_ai.usage.cache_creation.input_tokens", made
