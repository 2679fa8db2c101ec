"""The spans of a request: which there are, what they say, and where in a client's trace they belong."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased
from opentelemetry.trace import SpanKind, StatusCode

from ccproxy_trio.server.observe.spans import Spans
from ccproxy_trio.settings import KeySettings, hash_key
from tests.observe.scraping import CACHED, CHAT, HISTORY
from tests.server.http_client import fetch
from tests.server.proxy import Backend, Proxy, body_of, eventually, open_proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.sampling import Sampler

KEY = "ccproxy-" + "k" * 40
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Traced:
    """What was exported."""

    def __init__(self, sampler: Sampler) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(sampler, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.spans = Spans(provider)

    async def request(self) -> tuple[ReadableSpan, list[ReadableSpan]]:
        """The span of the one request that has ended, and those inside it."""
        await eventually(lambda: any(span.kind is SpanKind.SERVER for span in self._finished))
        (root,) = [span for span in self._finished if span.kind is SpanKind.SERVER]
        inside = [span for span in self._finished if span is not root]
        self.exporter.clear()
        return root, inside

    @property
    def _finished(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()


@asynccontextmanager
async def open_traced(
    backend: Backend, sampler: Sampler = ALWAYS_ON, **settings: Any
) -> AsyncIterator[tuple[Proxy, Traced]]:
    traced = Traced(sampler)
    async with open_proxy(backend, observers=[traced.spans.observe], **settings) as proxy:
        await proxy.settle()
        yield proxy, traced


def described(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_answer(backend: Backend, stream: bool) -> None:
    async with open_traced(backend) as (proxy, traced):
        reply = await proxy.ask(HISTORY, stream=stream)
        root, inside = await traced.request()
        assert root.name == "POST /v1/messages"
        assert root.parent is None
        assert root.status.status_code is StatusCode.UNSET
        assert [span.name for span in inside] == ["queue", "prepare", "history", "turn", "relay"]
        times = [root.start_time]
        for span in inside:
            assert span.context.trace_id == root.context.trace_id
            assert span.parent is not None
            assert span.parent.span_id == root.context.span_id
            assert span.kind is SpanKind.INTERNAL
            times += [span.start_time, span.end_time]
        times.append(root.end_time)
        assert None not in times
        assert times == sorted(times)  # type: ignore[type-var] # see above
        said = described(root)
        assert said.pop("gen_ai.response.time_to_first_chunk") > 0
        assert said.pop("gen_ai.usage.input_tokens") > 0
        assert said.pop("gen_ai.usage.output_tokens") > 0
        assert said.pop("ccproxy.request_id").startswith("req_")
        assert said.pop("ccproxy.upstream_request_id").startswith("req_")
        assert said == {
            "http.request.method": "POST",
            "http.route": "/v1/messages",
            "http.response.status_code": 200,
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": "sonnet",
            "gen_ai.request.stream": stream,
            "gen_ai.usage.cache_read.input_tokens": 0,
            "gen_ai.usage.cache_creation.input_tokens": 0,
            "ccproxy.dialect": "anthropic",
            "ccproxy.outcome": "ok",
        }
        assert reply.status == 200


async def test_input_counts_the_cache(demo: Backend) -> None:
    async with open_traced(demo) as (proxy, traced):
        reply = await proxy.ask(CACHED)
        said = described((await traced.request())[0])
        assert said["gen_ai.usage.input_tokens"] == reply.json["usage"]["input_tokens"] + 30 + 40
        assert said["gen_ai.usage.cache_read.input_tokens"] == 30
        assert said["gen_ai.usage.cache_creation.input_tokens"] == 40


async def test_what_is_no_answer(demo: Backend) -> None:
    async with open_traced(demo) as (proxy, traced):
        await proxy.post(CHAT, "/openai/v1/chat/completions")
        root, _ = await traced.request()
        assert root.name == "POST /openai/v1/chat/completions"
        assert described(root)["gen_ai.operation.name"] == "chat"
        for method, path, body, name, stages in (
            ("GET", "/healthz", b"", "GET /healthz", []),
            ("MADE", "/made/up", b"", "HTTP", []),
            ("GET", "/made/up", b"", "GET", []),
            ("GET", "/v1/models/sonnet", b"", "GET /v1/models/<path:name>", ["queue", "turn"]),
        ):
            await fetch(proxy.port, path, body, method=method)
            root, inside = await traced.request()
            assert (root.name, [span.name for span in inside]) == (name, stages)
            assert not any(key.startswith("gen_ai.") for key in described(root))
            assert root.status.status_code is StatusCode.UNSET


async def test_what_goes_wrong(demo: Backend) -> None:
    async with open_traced(demo) as (proxy, traced):
        for prompt, stream, error, stages in (
            ("[[status=529]]", False, "TurnFailed", ["queue", "prepare", "turn"]),
            ("[[die=before_first]]", False, "InstanceDied", ["queue", "prepare", "turn"]),
            (
                "[[error=api_error; at=5; gap=0.01]]",
                True,
                "TurnFailed",
                ["queue", "prepare", "turn", "relay"],
            ),
            ("[[status=429]]", False, None, ["queue", "prepare", "turn"]),
        ):
            await proxy.ask(prompt, stream=stream)
            check_end(await traced.request(), error, stages)
            await proxy.settle()


async def test_what_is_out_of_time(demo: Backend) -> None:
    async with open_traced(demo, server={"request_timeout": 1.5}) as (proxy, traced):
        await proxy.ask("[[hang; at=5]]", stream=True)
        check_end(await traced.request(), "OutOfTime", ["queue", "prepare", "turn", "relay"])


def check_end(spans: tuple[ReadableSpan, list[ReadableSpan]], error: str | None, stages: list[str]) -> None:
    root, inside = spans
    assert [span.name for span in inside] == stages
    assert described(root).get("error.type") == error
    assert (root.status.status_code is StatusCode.ERROR) == (error is not None)


async def test_a_clients_trace_goes_on(demo: Backend) -> None:
    async with open_traced(demo) as (proxy, traced):
        told = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "theirs=1,others=2"}
        await proxy.post(body_of("hello"), **told)
        root, inside = await traced.request()
        assert root.parent is not None
        assert root.parent.is_remote
        assert (root.parent.trace_id, root.parent.span_id) == (int(TRACE, 16), int(PARENT, 16))
        for span in (root, *inside):
            assert span.context.trace_id == int(TRACE, 16)
            assert span.context.trace_state.to_header() == "theirs=1,others=2"
        await proxy.post(body_of("hello"), traceparent=f"00-{TRACE}-{PARENT}", tracestate="theirs=1")
        root, _ = await traced.request()
        assert root.parent is None
        assert root.context.trace_id != int(TRACE, 16)
        assert not root.context.trace_state


async def test_a_client_says_whether_it_is_sampled(demo: Backend) -> None:
    async with open_traced(demo, ParentBased(ALWAYS_OFF)) as (proxy, traced):
        for flags in ("00", "01"):
            await proxy.post(body_of("hello"), traceparent=f"00-{TRACE}-{PARENT}-{flags}")
        root, inside = await traced.request()  # the second
        assert root.context.trace_flags.sampled
        assert len(inside) == 4
        await proxy.ask("hello")
        await fetch(proxy.port, "/healthz", method="GET", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
        root, _ = await traced.request()
        assert root.name == "GET /healthz"


async def test_nothing_that_a_client_wrote_is_told(demo: Backend) -> None:
    keys = {"adas-key": KeySettings(hash=hash_key(KEY))}
    async with open_traced(demo, server={"keys": keys}) as (proxy, traced):
        body = body_of("my secret", system="my secret", model="made-by-me-{}")
        headers = {"x-api-key": KEY, "user-agent": "my secret", "baggage": "a=secret"}
        await fetch(proxy.port, "/v1/messages?secret=1", body, headers=headers)
        root, inside = await traced.request()
        for span in (root, *inside):
            told = span.to_json()
            for written in ("secret", "made-by-me", "adas", KEY):
                assert written not in told
