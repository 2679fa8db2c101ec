"""What fails in a chat completion, before its first byte and after it: OpenAI's statuses, shape and paths."""

from __future__ import annotations

from typing import Any

import pytest

from ccproxy_trio.claude import answer
from ccproxy_trio.server import chat as chat_module
from tests.server.chats import PATH, body_of, chat, chunks_of, error_of, said
from tests.server.http_client import open_exchange
from tests.server.proxy import Backend, open_proxy

FAILING = {
    400: (400, "invalid_request_error", None, None),
    401: (401, "invalid_request_error", "invalid_api_key", None),
    402: (429, "insufficient_quota", "insufficient_quota", None),
    404: (404, "invalid_request_error", "model_not_found", "model"),
    429: (429, "rate_limit_error", "rate_limit_exceeded", None),
    500: (500, "server_error", None, None),
    529: (503, "server_error", "server_is_overloaded", None),
}
NO_MODEL = "The model `claude-sonnet-5-5` does not exist, or this server has no access to it."
SOON = {429: "5", 529: "1"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
CONVERSATION: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
    {"role": "assistant", "content": "three", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "four"},
]
RETOLD = {
    "messages.0.content.1.text: too long": "messages.[1].content.[1]: too long",
    "messages.1.content.0: too long": "messages.[2].content: too long",
    "messages.1.content.1.input: too deep": "messages.[2].tool_calls.[0].function.arguments: too deep",
    "messages.2.content.0.tool_use_id: unknown": "messages.[3]: unknown",
    "messages.2.content.1.text: too short": "messages.[4].content: too short",
    "system.0.text: too bold": "messages.[0].content: too bold",
    "tools.0.custom.input_schema.type: too odd": "tools.[0].function.parameters.type: too odd",
    "max_tokens: too many": "max_completion_tokens: too many",
    "temperature: too warm": "temperature: too warm",
    "elsewhere: too far": "elsewhere: too far",
    "no path at all": "no path at all",
}
"""What upstream says of the request that it was given, and what the client hears of its own."""


@pytest.mark.parametrize("stream", [False, True], ids=["", "stream"])
async def test_what_upstream_refuses(backend: Backend, stream: bool) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for status, told in FAILING.items():
            reply = await chat(proxy, f"x [[status={status}; message=No luck today]]", stream=stream)
            assert error_of(reply)[:4] == told
            assert error_of(reply)[4] == (NO_MODEL if status == 404 else "No luck today")
            assert reply.headers.get("retry-after") == SOON.get(status)
            if proxy.api is not None:
                assert reply.headers["x-request-id"] == f"req_{proxy.upstream[-1].n:06}"
        assert said(await chat(proxy, "well")) == "Demo echo: well"
        assert (await proxy.settle()).created == 1


@pytest.mark.parametrize("stream", [False, True], ids=["", "stream"])
async def test_upstreams_words_in_the_clients_terms(backend: Backend, stream: bool) -> None:
    fields: Any = {
        "tools": [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}],
        "max_completion_tokens": 500,
        "stream": stream,
    }
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for word, told in RETOLD.items():
            last = {"role": "user", "content": f"x [[status=400; message={word}]]"}
            reply = await chat(proxy, [*CONVERSATION, last], **fields)
            assert (error_of(reply)[0], error_of(reply)[4]) == (400, told)


async def test_an_error_in_mid_stream(backend: Backend) -> None:
    """It is the last line, no `[DONE]` comes after it, and no finish reason before it."""
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for fault, (kind, code, message) in {
            "error=overloaded_error; message=No luck": ("server_error", "server_is_overloaded", "No luck"),
            "error=rate_limit_error; message=No luck": ("rate_limit_error", "rate_limit_exceeded", "No luck"),
            "error=invalid_request_error; message=messages.0.content.0: no": (
                "invalid_request_error",
                None,
                "messages.[0].content: no",
            ),
            "cut": ("server_error", None, "The CLI got no answer from the API"),
        }.items():
            prompt = f"x [[{fault}; at=5; gap=0.02]]"
            assert error_of(await chat(proxy, prompt))[4].startswith(message)
            reply = await chat(proxy, prompt, stream=True)
            assert error_of(reply)[:4] == (200, kind, code, None)
            assert error_of(reply)[4].startswith(message)
            first, *rest, _ = chunks_of(reply.body)
            assert first["choices"][0]["delta"]["role"] == "assistant"
            assert [choice["finish_reason"] for chunk in rest for choice in chunk["choices"]] == [None] * len(
                rest
            )
        assert said(await chat(proxy, "well", stream=True)) == "Demo echo: well"
        assert (await proxy.settle()).created == 1


async def test_an_api_that_falls_silent(demo: Backend) -> None:
    short = {"first_event_timeout": 1.0, "stall_timeout": 0.5}
    async with open_proxy(demo, pool={"max_size": 1}, claude=short) as proxy:
        reply = await chat(proxy, "x [[hang; at=5; gap=0.01]]", stream=True)
        told = "the claude process gave no event within 0.5 s"
        assert error_of(reply) == (200, "server_error", None, None, told)
        reply = await chat(proxy, "x [[hang; at=0]]", stream=True)
        told = "the claude process gave no event within 1 s"
        assert error_of(reply) == (504, "server_error", None, None, told)
        assert said(await chat(proxy, "well")) == "Demo echo: well"


async def test_a_child_that_dies(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        for stream, status in ((False, 502), (True, 200)):
            reply = await chat(proxy, "x [[die=mid_stream; gap=0.02]]", stream=stream)
            assert error_of(reply)[:4] == (status, "server_error", None, None)
        assert said(await chat(proxy, "well")) == "Demo echo: well"


async def test_no_instance_in_time(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 1, "acquire_timeout": 0.1}) as proxy:
        await proxy.settle()
        body = body_of("[[hang]] x", stream=True)
        async with open_exchange(proxy.port, PATH, body) as exchange:
            assert b'"role":"assistant"' in await exchange.chunk()
            for stream in (False, True):
                reply = await chat(proxy, "y", stream=stream)
                assert error_of(reply)[:4] == (503, "server_error", "server_is_overloaded", None)
                assert error_of(reply)[4].startswith("all claude instances are busy: ")
                assert reply.headers["retry-after"] == "1"


async def test_errors_that_nothing_foresaw(
    demo: Backend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a detail")

    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        for module, name in ((chat_module, "parse_chat_request"), (answer, "MessageAssembler")):
            with monkeypatch.context() as broken:
                broken.setattr(module, name, fail)
                reply = await chat(proxy, "x")
            told = "internal error of the proxy; its log says more"
            assert error_of(reply) == (500, "server_error", None, None, told)
            assert f"{reply.headers['x-request-id']} failed" in caplog.text
            assert "RuntimeError, whose words are left out" in caplog.text
            caplog.clear()
        assert said(await chat(proxy, "well")) == "Demo echo: well"
        assert (await proxy.settle()).created == 1
