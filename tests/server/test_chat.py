"""POST /v1/chat/completions over plain HTTP: the answer's bytes, the silences in it, and clients that leave."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import trio

from tests.server.chats import DONE, PATH, PING, body_of, chat, error_of, said
from tests.server.http_client import fetch, open_exchange
from tests.server.proxy import Backend, eventually, open_proxy

if TYPE_CHECKING:
    from tests.server.proxy import Proxy

SONNET = "claude-sonnet-5-5"
TOOL = {"type": "function", "function": {"name": "find"}}


def frames(head: bytes, *choices: bytes, usage: bytes = b"") -> bytes:
    """The lines of a stream."""
    told = b',"usage":null' if usage else b""
    lines = [b'data: {%b,"choices":[%b]%b}\n\n' % (head, choice, told) for choice in choices]
    lines += [b'data: {%b,"choices":[],"usage":%b}\n\n' % (head, usage)] if usage else []
    return b"".join(lines) + DONE


def choice(delta: bytes, finish: bytes = b"null") -> bytes:
    return b'{"index":0,"delta":{%b},"logprobs":null,"finish_reason":%b}' % (delta, finish)


ROLE = choice(b'"role":"assistant","content":"","refusal":null')
SILENT_ROLE = choice(b'"role":"assistant","content":null,"refusal":null')
TEXT = (ROLE, choice(b'"content":"Demo"'), choice(b'"content":" ech"'), choice(b'"content":"o: x"'))
HEAD = re.compile(
    rb'"id":"chatcmpl-(\w+)","object":"chat\.completion\.chunk","created":(\d+),"model":"%b",'
    rb'"service_tier":null,"system_fingerprint":null' % SONNET.encode()
)


def head_of(body: bytes) -> bytes:
    """What every line of a stream begins with."""
    found = HEAD.search(body)
    assert found is not None, body
    assert int(found[2]) > 1_700_000_000
    return found[0]


async def test_a_stream_byte_for_byte(backend: Backend) -> None:
    async with open_proxy(backend) as proxy:
        reply = await chat(proxy, "x [[deltas=3]]", stream=True)
        assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert reply.headers["cache-control"] == "no-cache"
        assert reply.headers["x-request-id"].startswith("req_")
        assert "request-id" not in reply.headers
        stop = choice(b"", b'"stop"')
        assert reply.body == frames(head_of(reply.body), *TEXT, stop)

        reply = await chat(proxy, "x [[deltas=3]]", stream=True, stream_options={"include_usage": True})
        usage = (
            b'{"prompt_tokens":11,"completion_tokens":3,"total_tokens":14,'
            b'"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},'
            b'"completion_tokens_details":{"reasoning_tokens":0}}'
        )
        assert reply.body == frames(head_of(reply.body), *TEXT, stop, usage=usage)

        prompt = '[[no_text; tool=find,find; input={"a": 1}; deltas=1]] x'
        reply = await chat(proxy, prompt, stream=True, tools=[TOOL])
        ids = re.findall(rb'"id":"(toolu_\w+)"', reply.body)
        calls: list[bytes] = []
        for n, call in enumerate(ids):
            function = b'"function":{"name":"find","arguments":""}'
            calls.append(
                choice(b'"tool_calls":[{"index":%d,"id":"%b","type":"function",%b}]' % (n, call, function))
            )
            arguments = b'"function":{"arguments":"{\\"a\\": 1}"}'
            calls.append(choice(b'"tool_calls":[{"index":%d,%b}]' % (n, arguments)))
        assert len(ids) == 2
        end = choice(b"", b'"tool_calls"')
        assert reply.body == frames(head_of(reply.body), SILENT_ROLE, *calls, end)


async def test_a_whole_answer(backend: Backend) -> None:
    async with open_proxy(backend) as proxy:
        reply = await chat(proxy, "x")
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["x-request-id"] == reply.json["id"].replace("chatcmpl-", "req_")
        assert "request-id" not in reply.headers
        assert ("x-ccproxy-demo" in reply.headers) is backend.demo
        assert reply.json.pop("created") > 1_700_000_000
        message = {"role": "assistant", "content": "Demo echo: x", "refusal": None}
        whole = reply.json
        whole.pop("created")
        assert whole == {
            "id": reply.json["id"],
            "object": "chat.completion",
            "model": SONNET,
            "service_tier": None,
            "system_fingerprint": None,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": 11,
                "completion_tokens": 3,
                "total_tokens": 14,
                "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
        }


async def test_both_prefixes_and_both_apis_at_once(backend: Backend) -> None:
    names = {"models": {"gpt-4*": "sonnet"}}
    async with open_proxy(backend, pool={"max_size": 1}, claude=names) as proxy:
        for path in (PATH, f"/openai{PATH}", f"/openai{PATH}?api-version=1"):
            for stream in (False, True):
                reply = await chat(proxy, "x", path=path, stream=stream, model="gpt-4o")
                assert said(reply) == "Demo echo: x"
                assert f'"model":"{SONNET}"'.encode() in reply.body
                assert (await proxy.ask("y", stream=stream)).text == "Demo echo: y"
        assert (await proxy.settle()).created == 1


async def test_silences_are_filled_with_comments(backend: Backend) -> None:
    async with open_proxy(backend, server={"ping_interval": 0.05}) as proxy:
        reply = await chat(proxy, "x [[deltas=3; gap=0.4]]", stream=True)
        assert reply.body.count(PING) > 5
        told = reply.body.replace(PING, b"")
        assert told == frames(head_of(told), *TEXT, choice(b"", b'"stop"'))
        # Before the first event a client is told nothing: whatever fails until then has its own status.
        reply = await chat(proxy, "[[delay=0.3; status=429]] x", stream=True)
        assert error_of(reply)[:2] == (429, "rate_limit_error")


async def leave(proxy: Proxy, prompt: str, *, stream: bool) -> None:
    """Ask, wait until there is something to leave, and leave."""
    before = len(proxy.upstream)
    async with open_exchange(proxy.port, PATH, body_of(prompt, stream=stream)) as exchange:
        if stream:
            while b'"content":"' not in await exchange.chunk():
                pass
        elif proxy.api is None:
            await proxy.until(lambda now: now.in_use == 1)
        else:
            await eventually(lambda: len(proxy.upstream) > before)
    await proxy.until(lambda now: now.in_use == 0)
    if proxy.api is not None:
        await eventually(lambda: proxy.upstream[before].outcome == "client_gone")


@pytest.mark.parametrize("stream", [False, True], ids=["", "stream"])
async def test_clients_that_leave(backend: Backend, stream: bool) -> None:
    """What they held is there for the next, and forgotten."""
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for prompt in ("left [[hang; at=5]]", "left [[deltas=2000; gap=0.05]]"):
            await leave(proxy, prompt, stream=stream)
            assert said(await chat(proxy, "well")) == "Demo echo: well"
            assert '"left' not in said(await chat(proxy, "[[dump]]"))
        assert (await proxy.settle()).created == 1


async def test_bodies_that_are_not_taken(demo: Backend) -> None:
    async with open_proxy(demo, server={"max_body_size": 1000, "body_timeout": 0.2}) as proxy:
        for path in (PATH, f"/openai{PATH}"):
            reply = await proxy.post(b" " * 1001, path)
            told = f"POST {path}: the request's body is larger than this server takes"
            assert error_of(reply) == (413, "invalid_request_error", None, None, told)
            reply = await proxy.post(body_of("x"), path, **{"content-encoding": "gzip"})
            assert error_of(reply)[:4] == (400, "invalid_request_error", None, "content-encoding")
            body = body_of("x")
            async with open_exchange(
                proxy.port, path, body, headers={"content-length": str(len(body) + 1)}
            ) as exchange:
                slow = await exchange.read()
            assert error_of(slow)[:2] == (408, "invalid_request_error")
            for bad in (b"", b"{", b"[]", b'{"a": NaN}'):
                assert error_of(await proxy.post(bad, path))[:4] == (400, "invalid_request_error", None, None)
        twice = body_of("x").replace(b'"model"', b'"model":"opus","model"')
        assert error_of(await proxy.post(twice, PATH))[4].startswith(
            "The request body has the key model twice"
        )
        assert proxy.statistics.acquired == 0
        assert said(await chat(proxy, "well")) == "Demo echo: well"


async def test_what_is_not_there(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        for path in (
            f"{PATH}/chatcmpl-1",
            f"{PATH}/",
            "/openai/v1",
            "/openai/x",
            "/v1/embeddings",
            "/v1/files",
        ):
            for method in ("GET", "POST", "DELETE"):
                reply = await fetch(proxy.port, path, method=method)
                told = f"{method} {path}: this server has no such endpoint"
                assert error_of(reply) == (404, "invalid_request_error", None, None, told)
        for path, allowed in {PATH: "OPTIONS, POST", "/openai/v1/models": "GET, HEAD, OPTIONS"}.items():
            reply = await fetch(proxy.port, path, method="PATCH")
            told = f"PATCH {path}: this endpoint does not take this method"
            assert error_of(reply) == (405, "invalid_request_error", None, None, told)
            assert reply.headers["allow"] == allowed
        # Who says so speaks the other dialect, where a path is nobody's.
        reply = await proxy.get("/v1/files")
        assert reply.failure[:2] == (404, "not_found_error")


async def test_what_had_no_effect_is_told(demo: Backend) -> None:
    async with open_proxy(demo, openai={"unsupported": "ignore"}) as proxy:
        fields: dict[str, Any] = {"seed": 1, "n": 2, "store": True}
        for stream in (False, True):
            reply = await chat(proxy, "x", stream=stream, **fields)
            assert said(reply) == "Demo echo: x"
            assert reply.headers["x-ccproxy-ignored"] == "seed, n, store"
    async with open_proxy(demo) as proxy:
        refused = await chat(proxy, "x", **fields)
        assert error_of(refused)[:4] == (400, "invalid_request_error", "unsupported_parameter", "seed")
        assert "x-ccproxy-ignored" not in refused.headers


async def test_many_at_once(demo: Backend) -> None:
    async with open_proxy(demo, pool={"min_size": 2, "max_size": 3}) as proxy:
        texts: dict[int, str] = {}

        async def come(number: int) -> None:
            texts[number] = said(await chat(proxy, f"number {number}", stream=number % 2 == 0))

        async with trio.open_nursery() as nursery:
            for number in range(40):
                nursery.start_soon(come, number)
        assert texts == {number: f"Demo echo: number {number}" for number in range(40)}
