"""What fails in a response, before its first byte and after it: OpenAI's statuses, shape and paths."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server import chats
from tests.server.asked_responses import PATH, body_of, error_of, events_of, respond, said
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
TOO_LONG = "prompt is too long: 210000 tokens > 200000 maximum"
SEALED = "claude-1.eyJ0eXBlIjoidGhpbmtpbmciLCJ0aGlua2luZyI6ImhtIiwic2lnbmF0dXJlIjoiYzJsbiJ9"
CONVERSATION: list[Any] = [
    {"role": "developer", "content": "Be kind."},
    {
        "role": "user",
        "content": [{"type": "input_text", "text": "one"}, {"type": "input_text", "text": "two"}],
    },
    {"type": "reasoning", "summary": [], "encrypted_content": SEALED},
    {"role": "assistant", "content": [{"type": "output_text", "text": "three"}]},
    {"type": "function_call", "call_id": "call_1", "name": "find", "arguments": "{}"},
    {
        "type": "function_call_output",
        "call_id": "call_1",
        "output": [{"type": "input_text", "text": "four"}],
    },
]
RETOLD = {
    "messages: too many": "input: too many",
    "messages.0.content.1.text: too long": "input.[1].content.[1]: too long",
    "messages.1.content.0: Invalid `signature`": "input.[2].encrypted_content: Invalid `signature`",
    "messages.1.content.1.text: too long": "input.[3].content.[0]: too long",
    "messages.1.content.2.tool_use.name: too bold": "input.[4].name: too bold",
    "messages.1.content.2.input: too deep": "input.[4].arguments: too deep",
    "messages.2.content.0.tool_use_id: unknown": "input.[5]: unknown",
    "messages.2.content.0.tool_result.content.0: odd": "input.[5].output.[0]: odd",
    "messages.2.content.1.text: too short": "input.[6].content: too short",
    "system.0.text: too bold": "instructions: too bold",
    "system.1.text: too bold": "input.[0].content: too bold",
    "tools.0.custom.input_schema.type: too odd": "tools.[0].parameters.type: too odd",
    "output_config.format.schema.a.0: too odd": "text.format.schema.a.[0]: too odd",
    "output_config.effort: too great": "reasoning.effort: too great",
    "metadata.user_id: too long": "safety_identifier: too long",
    "max_tokens: too many": "max_output_tokens: too many",
    "temperature: too warm": "temperature: too warm",
    "elsewhere: too far": "elsewhere: too far",
    "no path at all": "no path at all",
}
"""What upstream says of the request that it was given, and what the client hears of its own."""


@pytest.mark.parametrize("stream", [False, True], ids=["", "stream"])
async def test_what_upstream_refuses(backend: Backend, stream: bool) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for status, told in FAILING.items():
            reply = await respond(proxy, f"x [[status={status}; message=No luck today]]", stream=stream)
            assert error_of(reply)[:4] == told
            assert error_of(reply)[4] == (NO_MODEL if status == 404 else "No luck today")
            assert reply.headers.get("retry-after") == SOON.get(status)
            if proxy.api is not None:
                assert reply.headers["x-request-id"] == f"req_{proxy.upstream[-1].n:06}"
        assert said(await respond(proxy, "well")) == "Demo echo: well"
        assert (await proxy.settle()).created == 1


async def test_a_conversation_that_is_too_long(demo: Backend) -> None:
    """The parameter that holds it is named."""
    prompt = f"x [[status=400; message={TOO_LONG}]]"
    code = "context_length_exceeded"
    async with open_proxy(demo) as proxy:
        for prefix in ("", "/openai"):
            reply = await respond(proxy, prompt, path=f"{prefix}{PATH}")
            assert error_of(reply) == (400, "invalid_request_error", code, "input", TOO_LONG)
            reply = await chats.chat(proxy, prompt, path=f"{prefix}{chats.PATH}")
            assert chats.error_of(reply) == (400, "invalid_request_error", code, "messages", TOO_LONG)


async def test_upstreams_words_in_the_clients_terms(backend: Backend) -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    fields: Any = {
        "instructions": "Be brief.",
        "tools": [{"type": "function", "name": "find", "parameters": {"type": "object"}}],
        "max_output_tokens": 500,
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_schema", "name": "A", "schema": schema}},
        "safety_identifier": "somebody",
    }
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for number, (word, told) in enumerate(RETOLD.items()):
            last = {"role": "user", "content": f"x [[status=400; message={word}]]"}
            reply = await respond(proxy, [*CONVERSATION, last], stream=number % 2 == 0, **fields)
            assert (error_of(reply)[0], error_of(reply)[4]) == (400, told)


async def test_an_error_in_mid_stream(backend: Backend) -> None:
    """`response.failed` and `error` are the last events, and the response has no end that is good."""
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for fault, (kind, code, failed, message) in {
            "error=overloaded_error; message=No luck": (
                "server_error",
                "server_is_overloaded",
                "server_error",
                "No luck",
            ),
            "error=rate_limit_error; message=No luck": (
                "rate_limit_error",
                "rate_limit_exceeded",
                "rate_limit_exceeded",
                "No luck",
            ),
            "error=invalid_request_error; message=messages.0.content.0: no": (
                "invalid_request_error",
                "invalid_request_error",
                "invalid_prompt",
                "input: no",
            ),
            "cut": ("server_error", "server_error", "server_error", "The CLI got no answer from the API"),
        }.items():
            prompt = f"x [[{fault}; at=5; gap=0.02]]"
            assert error_of(await respond(proxy, prompt))[4].startswith(message)
            reply = await respond(proxy, prompt, stream=True)
            assert error_of(reply)[:4] == (200, kind, code, None)
            assert error_of(reply)[4].startswith(message)
            events = events_of(reply.body)
            assert [event["sequence_number"] for event in events] == list(range(len(events)))
            types = [event["type"] for event in events]
            assert types[0] == "response.created"
            assert "response.output_text.delta" in types
            assert not {"response.completed", "response.incomplete", "response.output_item.done"} & {*types}
            response = events[-2]["response"]
            assert (response["error"]["code"], response["output"]) == (failed, [])
            assert (response["completed_at"], response["usage"]) == (None, None)
        assert said(await respond(proxy, "well", stream=True)) == "Demo echo: well"
        assert (await proxy.settle()).created == 1


async def test_an_api_that_falls_silent(demo: Backend) -> None:
    short = {"first_event_timeout": 1.0, "stall_timeout": 0.5}
    async with open_proxy(demo, pool={"max_size": 1}, claude=short) as proxy:
        reply = await respond(proxy, "x [[hang; at=5; gap=0.01]]", stream=True)
        told = "the claude process gave no event within 0.5 s"
        assert error_of(reply) == (200, "server_error", "server_error", None, told)
        reply = await respond(proxy, "x [[hang; at=0]]", stream=True)
        told = "the claude process gave no event within 1 s"
        assert error_of(reply) == (504, "server_error", None, None, told)
        assert said(await respond(proxy, "well")) == "Demo echo: well"


async def test_a_child_that_dies(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        for stream, told in ((False, (502, "server_error", None)), (True, (200, *["server_error"] * 2))):
            reply = await respond(proxy, "x [[die=mid_stream; gap=0.02]]", stream=stream)
            assert error_of(reply)[:3] == told
        assert said(await respond(proxy, "well")) == "Demo echo: well"


async def test_no_instance_in_time(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 1, "acquire_timeout": 0.1}) as proxy:
        await proxy.settle()
        async with open_exchange(proxy.port, PATH, body_of("[[hang]] x", stream=True)) as exchange:
            assert b"response.created" in await exchange.chunk()
            for stream in (False, True):
                reply = await respond(proxy, "y", stream=stream)
                assert error_of(reply)[:4] == (503, "server_error", "server_is_overloaded", None)
                assert error_of(reply)[4].startswith("all claude instances are busy: ")
                assert reply.headers["retry-after"] == "1"
