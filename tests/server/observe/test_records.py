"""Each request has one record, which observers are told of once, however the request ends."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio

from ccproxy_trio.server.observe import RequestRecord
from ccproxy_trio.settings import KeySettings, hash_key
from tests.server.asking import ENDPOINTS, Endpoint
from tests.server.http_client import fetch
from tests.server.proxy import Backend, Proxy, eventually, open_proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Records = list[RequestRecord]
KEY = "ccproxy-" + "k" * 40


@asynccontextmanager
async def open_recorded(backend: Backend, **settings: Any) -> AsyncIterator[tuple[Proxy, Records]]:
    """A server at rest, and the records of what it is asked."""
    records: Records = []
    async with open_proxy(
        backend, **{"pool": {"max_size": 1}, **settings}, observers=[records.append]
    ) as proxy:
        await proxy.settle()
        yield proxy, records
        seen = len(records)
        await trio.sleep(0.05)
        assert len(records) == seen  # each is told of once


async def the_record(records: Records) -> RequestRecord:
    await eventually(lambda: bool(records))
    (record,) = records
    records.clear()
    assert record.ended is not None
    assert record.ended >= record.began
    return record


def names(record: RequestRecord) -> list[str]:
    """The stages that it has been through, each checked to follow on the one before."""
    spans = record.stages.spans()
    times = [record.began, *(time for _, *span in spans for time in span)]
    assert None not in times
    assert times == sorted(times)  # type: ignore[type-var] # see above
    assert record.ended is not None
    assert times[-1] is not None
    assert times[-1] <= record.ended
    return [name for name, *_ in spans]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_answer(backend: Backend, stream: bool) -> None:
    async with open_recorded(backend) as (proxy, records):
        prompt = [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": "three"},
        ]
        reply = await proxy.ask(prompt, stream=stream)
        record = await the_record(records)
        assert (record.outcome, record.status, record.error) == ("ok", 200, None)
        assert (record.method, record.endpoint, record.dialect) == ("POST", "/v1/messages", "anthropic")
        assert (record.model, record.stream, record.key) == ("sonnet", stream, None)
        assert names(record) == ["queue", "prepare", "history", "turn", "relay"]
        told = reply.events[-2]["usage"] if stream else reply.json["usage"]
        account = record.stages.account
        assert account.output_tokens == told["output_tokens"]
        assert account.input_tokens is not None
        assert record.time_to_first_token is not None
        assert 0 < record.time_to_first_token <= record.duration
        assert reply.headers["request-id"] == (record.id if stream else record.upstream_id or record.id)
        assert record.upstream_id == account.request_id


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
async def test_every_endpoint(demo: Backend, endpoint: Endpoint) -> None:
    async with open_recorded(demo) as (proxy, records):
        for stream in endpoint.ways:
            await fetch(proxy.port, endpoint.path, endpoint.body("hello", stream=stream))
            record = await the_record(records)
            assert (record.outcome, record.endpoint, record.stream) == ("ok", endpoint.path, stream)
            assert record.dialect == ("anthropic" if "messages" in endpoint.path else "openai")
            assert names(record)[0] == "queue"


async def test_what_is_refused(demo: Backend) -> None:
    keys = {"ada": KeySettings(hash=hash_key(KEY), requests_per_minute=2)}
    key = {"x-api-key": KEY}
    post, get = "POST", "GET"
    async with open_recorded(demo, server={"keys": keys, "max_body_size": 1000}) as (proxy, records):
        for method, path, body, headers, expected in (
            (post, "/v1/messages", b"{}", {}, (401, None, "/v1/messages", "Refused")),
            (get, "/nothing/%1b[31m", b"", key, (404, "ada", "other", "NotFound")),
            (get, "/v1/messages", b"", key, (405, "ada", "other", "MethodNotAllowed")),
            (post, "/v1/messages", b"x" * 1001, key, (413, "ada", "/v1/messages", "RequestEntityTooLarge")),
            (post, "/v1/messages", b"{}", key, (429, "ada", "/v1/messages", "Refused")),
        ):
            await fetch(proxy.port, path, body, method=method, headers=headers)
            record = await the_record(records)
            assert record.outcome == "refused"
            assert (record.status, record.key, record.endpoint, record.error) == expected
            assert record.model is None
            assert record.stages.spans() == []
        await fetch(proxy.port, "/healthz", method="BREW")
        record = await the_record(records)
        assert (record.method, record.status) == ("other", 405)


async def test_what_is_wrong_with_a_request(demo: Backend) -> None:
    async with open_recorded(demo) as (proxy, records):
        await proxy.post(b"{}")
        record = await the_record(records)
        assert (record.outcome, record.status, record.error) == ("refused", 400, "InvalidRequest")
        await proxy.ask("[[status=429]]")
        record = await the_record(records)
        assert (record.outcome, record.status, record.error) == ("refused", 429, "TurnFailed")
        assert names(record) == ["queue", "prepare", "turn"]
        await proxy.ask("[[status=529]]")
        record = await the_record(records)
        assert (record.outcome, record.status, record.error) == ("failed", 529, "TurnFailed")


async def test_a_stream_that_breaks_off(demo: Backend) -> None:
    async with open_recorded(demo) as (proxy, records):
        reply = await proxy.ask("[[error=api_error; message=no good; at=5; gap=0.01]]", stream=True)
        assert reply.failure[1] == "api_error"
        record = await the_record(records)
        assert (record.outcome, record.status, record.error) == ("failed", 200, "TurnFailed")
        assert names(record) == ["queue", "prepare", "turn", "relay"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_whoever_leaves(demo: Backend, stream: bool) -> None:
    async with open_recorded(demo) as (proxy, records):
        async with proxy.open("[[hang; at=5]]", stream=stream) as exchange:
            if stream:
                await exchange.until("content_block_delta")
            else:
                await proxy.until(lambda now: now.in_use == 1)
            assert not records
            async with proxy.open("in the queue", stream=stream):
                await proxy.until(lambda now: now.waiting == 1)
            record = await the_record(records)
            assert (record.outcome, record.status, record.error) == ("left", None, None)
            assert names(record) == ["queue"]
        record = await the_record(records)
        assert (record.outcome, record.status, record.error) == ("left", 200 if stream else None, None)
        if stream:
            assert names(record) == ["queue", "prepare", "turn", "relay"]
            assert record.time_to_first_token is not None


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_whoever_is_late(demo: Backend, stream: bool) -> None:
    async with open_recorded(demo, server={"request_timeout": 0.3}) as (proxy, records):
        await proxy.ask("[[hang; at=5]]", stream=stream)
        record = await the_record(records)
        assert (record.outcome, record.error) == ("late", "OutOfTime")
        assert record.status == (200 if stream else 504)


async def test_what_the_end_of_the_server_cuts(demo: Backend) -> None:
    records: Records = []
    async with AsyncExitStack() as left:
        async with open_proxy(demo, server={"grace": 0.05}, observers=[records.append]) as proxy:
            exchange = await left.enter_async_context(proxy.open("[[hang; at=5]]", stream=True))
            await exchange.until("content_block_delta")
        record = await the_record(records)
        assert (record.outcome, record.status, record.error) == ("failed", 200, "Cancelled")


async def test_a_model_that_nobody_knows(demo: Backend) -> None:
    async with open_recorded(demo, claude={"models": {"gpt-4*": "claude-haiku-4-5"}}) as (proxy, records):
        for model, prompt, expected in (
            ("opus", "hello", "opus"),
            ("gpt-4o", "[[status=404]]", "claude-haiku-4-5"),
            ("claude-x-1", "[[status=404]]", "other"),
            ("claude-x-1", "hello", "claude-x-1"),
            ("claude-x-1", "[[status=404]]", "claude-x-1"),
            ("claude {x}", "hello", "other"),
        ):
            await proxy.ask(prompt, model=model)
            assert (await the_record(records)).model == expected


async def test_an_observer_that_fails(demo: Backend, caplog: pytest.LogCaptureFixture) -> None:
    records: Records = []

    def fail(record: RequestRecord) -> None:
        raise RuntimeError("on purpose")

    async with open_proxy(demo, observers=[fail, records.append]) as proxy:
        assert (await proxy.ask("hello")).text == "Demo echo: hello"
        assert (await the_record(records)).outcome == "ok"
    (line,) = [line for line in caplog.records if line.levelno == logging.ERROR]
    assert line.getMessage() == "an observer of the requests failed"
