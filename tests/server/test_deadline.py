"""A request that takes too long, by the server's word or its client's: what it is told, and what it leaves behind."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import anthropic
import openai
import orjson
import pytest

from tests.server.asking import CHAT, COUNT, ENDPOINTS, MESSAGES, Endpoint
from tests.server.http_client import fetch, open_exchange
from tests.server.proxy import Backend, children, eventually, open_proxy

if TYPE_CHECKING:
    from tests.server.http_client import Reply

WHOLE = "x-stainless-timeout"
READ = "x-stainless-read-timeout"
HANG = "late [[hang; at=5]]"
WAITING = "its time ran out while it waited for an instance"
ANSWERING = "its time ran out while it was answered"
STREAMS = [endpoint for endpoint in ENDPOINTS if endpoint is not COUNT]


def told(reply: Reply) -> str:
    """The message of a 504, or of the failure that ends a stream; the shape is checked on the way."""
    if reply.status == 200:
        _, _, last = reply.body.rstrip().rpartition(b"data: ")
        answer = orjson.loads(last)
    else:
        assert reply.status == 504
        answer = reply.json
    error = answer["response"]["error"] if "response" in answer else answer["error"]
    assert error.get("type", error.get("code")) in ("timeout_error", "server_error")
    return str(error["message"])


def said(limit: str, seconds: str, meanwhile: str) -> str:
    return f"the request took longer than {limit} allows ({seconds} s): {meanwhile}"


async def test_whoever_waits_for_an_instance(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        await proxy.settle()
        headers = {WHOLE: "0.2"}
        async with proxy.open(HANG, stream=True) as first:
            await first.until("message_start")
            for endpoint in ENDPOINTS:
                for stream in endpoint.ways:
                    body = endpoint.body("late", stream=stream)
                    reply = await fetch(proxy.port, endpoint.path, body, headers=headers)
                    assert told(reply) == said(f"its {WHOLE}", "0.2", WAITING)
                    assert "retry-after" not in reply.headers
            for path in ("/v1/models", "/v1/models/opus", "/openai/v1/models"):
                reply = await fetch(proxy.port, path, method="GET", headers=headers)
                assert told(reply) == said(f"its {WHOLE}", "0.2", WAITING)
            assert proxy.statistics.waiting == 0
        assert (await proxy.settle()).acquired == 1


@pytest.mark.parametrize("stream", [False, True], ids=["", "stream"])
async def test_an_answer_that_does_not_end(backend: Backend, stream: bool) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        await proxy.settle()
        child = children()
        seconds = "0.3" if backend.demo else "3"
        for endpoint in STREAMS if backend.demo else [MESSAGES]:
            body = endpoint.body(HANG, stream=stream)
            reply = await fetch(proxy.port, endpoint.path, body, headers={WHOLE: seconds})
            assert told(reply) == said(f"its {WHOLE}", seconds, ANSWERING)
            assert reply.status == (200 if stream else 504)
            assert endpoint.last not in reply.body
            await proxy.settle()
        if not backend.demo:
            await eventually(lambda: proxy.upstream[0].outcome == "client_gone")
            assert len(proxy.upstream) == 1
        assert (await proxy.ask("well")).text == "Demo echo: well"
        assert proxy.statistics.created == 1
        assert children() == child


@pytest.mark.parametrize("endpoint", STREAMS, ids=lambda endpoint: endpoint.path[4:])
async def test_a_stream_that_is_not_read(demo: Backend, endpoint: Endpoint) -> None:
    """Its instance is free at the deadline, and it is told so once it reads."""
    async with open_proxy(demo, pool={"max_size": 1}, server={"request_timeout": 0.7}) as proxy:
        await proxy.settle()
        child = children()
        body = endpoint.body("left [[deltas=50000]]", stream=True)
        async with open_exchange(proxy.port, endpoint.path, body, receive_buffer=4096) as exchange:
            assert await exchange.start() == 200
            await proxy.until(lambda now: now.in_use == 1)
            await proxy.settle()
            assert (await proxy.ask("well")).text == "Demo echo: well"
            reply = await exchange.read()
            assert told(reply) == said(
                "server.request_timeout",
                "0.7",
                "its time ran out while its answer was sent to a client that takes it slowly",
            )
            assert endpoint.last not in reply.body
        assert (await proxy.settle()).created == 1
        assert children() == child


async def test_a_body_that_does_not_come(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        headers = {WHOLE: "0.2", "content-length": "1000"}
        for endpoint in ENDPOINTS:
            async with open_exchange(proxy.port, endpoint.path, b"{", headers=headers) as exchange:
                reply = await exchange.read()
            assert told(reply) == said(f"its {WHOLE}", "0.2", "its time ran out while its body was read")
        assert (await proxy.settle()).acquired == 0


async def test_no_time_at_all(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        for endpoint in ENDPOINTS:
            for stream in endpoint.ways:
                for seconds in ("0", "1e-09"):
                    body = endpoint.body("late", stream=stream)
                    reply = await fetch(proxy.port, endpoint.path, body, headers={WHOLE: seconds})
                    assert told(reply).startswith(
                        f"the request took longer than its {WHOLE} allows ({seconds} s)"
                    )
        assert (await proxy.settle()).acquired == 0


async def test_how_long_a_client_waits_for_the_next_byte(demo: Backend) -> None:
    """It limits an answer that comes in one piece, a while after the client should have left; and no stream."""
    async with open_proxy(demo) as proxy:
        for headers in ({READ: "0.1"}, {READ: "0.1", WHOLE: "0.1"}):
            reply = await fetch(proxy.port, CHAT.path, CHAT.body(HANG), headers=headers)
            assert told(reply) == said(f"its {READ}", "0.1", ANSWERING)
            body = CHAT.body("slow [[deltas=6; gap=0.25]]", stream=True)
            reply = await fetch(proxy.port, CHAT.path, body, headers=headers)
            assert (reply.status, CHAT.last in reply.body) == (200, True)
        headers = {READ: "9", WHOLE: "0.2"}
        reply = await fetch(proxy.port, CHAT.path, CHAT.body(HANG, stream=True), headers=headers)
        assert told(reply) == said(f"its {WHOLE}", "0.2", ANSWERING)


async def test_what_is_no_number_of_seconds(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        for value in ("", "soon", "nan", "-1", "-inf", "1,5", "60s", "0x10", "null"):
            for header in (WHOLE, READ):
                reply = await fetch(proxy.port, MESSAGES.path, MESSAGES.body("x"), headers={header: value})
                assert (reply.status, reply.headers["x-ccproxy-ignored"]) == (200, header)
        for endpoint in ENDPOINTS:
            reply = await fetch(
                proxy.port, endpoint.path, endpoint.body("x"), headers={WHOLE: "x", READ: "y"}
            )
            assert (reply.status, reply.headers["x-ccproxy-ignored"]) == (200, f"{WHOLE}, {READ}")
        headers = {WHOLE: "x", "anthropic-version": "1", "anthropic-beta": "b"}
        reply = await fetch(proxy.port, "/v1/models", method="GET", headers=headers)
        assert (reply.status, reply.headers["x-ccproxy-ignored"]) == (200, f"{WHOLE}, anthropic-beta")


async def test_what_limits_nothing_here(demo: Backend) -> None:
    async with open_proxy(demo, server={"request_timeout": math.inf}) as proxy:
        for value in ("NOT_GIVEN", "None", "inf", "Infinity", "600", "600.0", "1e+16"):
            for stream in (False, True):
                body, headers = MESSAGES.body("x", stream=stream), {WHOLE: value, READ: value}
                reply = await fetch(proxy.port, MESSAGES.path, body, headers=headers)
                assert (reply.status, reply.text) == (200, "Demo echo: x")
                assert "x-ccproxy-ignored" not in reply.headers


async def test_the_smaller_of_both(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 1}, server={"request_timeout": 1.4}) as proxy:
        for header, value, limit in (
            (WHOLE, "0.2", f"its {WHOLE}"),
            (READ, "0.2", f"its {READ}"),
            (WHOLE, "9", "server.request_timeout"),
        ):
            await proxy.settle()
            reply = await fetch(proxy.port, MESSAGES.path, MESSAGES.body(HANG), headers={header: value})
            assert told(reply) == said(limit, "1.4" if value == "9" else value, ANSWERING)


async def test_the_official_clients(demo: Backend) -> None:
    """By their own limits they leave; what a proxy between makes of these is told as any failure."""
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        url, key = f"http://127.0.0.1:{proxy.port}", "any"
        asked: Any = {"model": "sonnet", "messages": [{"role": "user", "content": HANG}]}
        late = {WHOLE: "0.3"}
        async with anthropic.AsyncAnthropic(base_url=url, api_key=key, max_retries=0) as claude:
            with pytest.raises(anthropic.APITimeoutError):
                await claude.messages.create(**asked, max_tokens=9, timeout=0.4)
            await proxy.settle()
            slow = {**asked, "messages": [{"role": "user", "content": "slow [[deltas=8; gap=0.2]]"}]}
            async with claude.messages.stream(**slow, max_tokens=9, timeout=1.0) as stream:
                assert await stream.get_final_text() == "Demo echo: slow"
            with pytest.raises(anthropic.DeadlineExceededError, match="its time ran out"):
                await claude.messages.create(**asked, max_tokens=9, extra_headers=late)
            with pytest.raises(anthropic.APIStatusError, match="its time ran out") as caught:
                async with claude.messages.stream(**asked, max_tokens=9, extra_headers=late) as stream:
                    assert [text async for text in stream.text_stream]
            assert caught.value.type == "timeout_error"
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as gpt:
            with pytest.raises(openai.APITimeoutError):
                await gpt.chat.completions.create(**asked, timeout=0.4)
            await proxy.settle()
            with pytest.raises(openai.InternalServerError, match="its time ran out"):
                await gpt.chat.completions.create(**asked, extra_headers=late)
        assert (await proxy.settle()).created == 1
