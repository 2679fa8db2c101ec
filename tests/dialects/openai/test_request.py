"""parse_chat_request: its exact words for fields and bodies that it does not take."""

from __future__ import annotations

from typing import Any

import pytest

from .chats import chat, refusal

STRING = "Input should be a valid string"
UNSUPPORTED = "this server does not support this parameter"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"frobnicate": 1}, "Unrecognized request argument supplied: frobnicate"),
        ({"max_token": 1, "top_k": None}, "Unrecognized request arguments supplied: max_token, top_k"),
        ({"model": None}, f"model: {STRING}"),
        ({"model": ""}, "model: String should have at least 1 character"),
        ({"messages": None}, "messages: Input should be a valid list"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"stream": 1}, "stream: Input should be a valid boolean"),
        ({"stream_options": {}}, "stream_options: this parameter is only allowed when 'stream' is true"),
        (
            {"stream": True, "stream_options": {"include_usage": 1}},
            "stream_options.include_usage: Input should be a valid boolean",
        ),
        ({"stream": True, "stream_options": {"x": 1}}, "stream_options.x: Unknown parameter"),
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        (
            {"max_completion_tokens": "5"},
            "max_completion_tokens: Input should be a valid integer",
        ),
        (
            {"max_tokens": 5, "max_completion_tokens": 5},
            "max_tokens: max_completion_tokens and max_tokens cannot be set at the same time",
        ),
        ({"temperature": -0.1}, "temperature: Input should be a number from 0 to 2"),
        ({"temperature": True}, "temperature: Input should be a valid number"),
        ({"temperature": 1.01}, f"temperature: {UNSUPPORTED}: Claude's models take 0 to 1"),
        ({"top_p": 1.1}, "top_p: Input should be a number from 0 to 1"),
        ({"stop": 5}, "stop: Input should be a valid list"),
        ({"stop": ["a", 5]}, f"stop.[1]: {STRING}"),
        ({"stop": list("abcde")}, "stop: List should have at most 4 items, not 5"),
        (
            {"stop": "\n"},
            f"stop: {UNSUPPORTED}: the Messages API takes no stop sequence of white space alone",
        ),
        ({"user": 5}, f"user: {STRING}"),
        (
            {"service_tier": "gold"},
            "service_tier: Input should be 'auto', 'default', 'flex', 'scale', 'priority' or 'fast'",
        ),
        (
            {"service_tier": "flex"},
            f"service_tier: {UNSUPPORTED}: upstream has no tier 'flex' to ask for",
        ),
        (
            {"reasoning_effort": "much"},
            "reasoning_effort: Input should be 'none', 'minimal', 'low', 'medium', 'high', 'xhigh' or 'max'",
        ),
        (
            {"response_format": {"type": "xml"}},
            "response_format.type: Input should be 'text', 'json_object' or 'json_schema'",
        ),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema: Field required"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "A"}}},
            "response_format.json_schema.schema: Field required",
        ),
        ({"functions": [{"name": "f"}]}, f"functions: {UNSUPPORTED}; use tools"),
        ({"function_call": "none"}, f"function_call: {UNSUPPORTED}; use tool_choice"),
        ({"n": True}, f"n: {UNSUPPORTED}: there is one answer to a request"),
    ],
)
def test_a_field(fields: dict[str, Any], message: str) -> None:
    assert refusal(chat(**fields)) == message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "The request body is not valid JSON: "),
        (b"[]", "The request body must be a JSON object"),
        (b"{}", "model: Field required"),
        (b'{"model": "m"}', "messages: Field required"),
        (
            b'{"model": "m", "messages": [{"role": "user", "content": "a", "content": "b"}]}',
            "The request body has the key content twice in one object",
        ),
    ],
)
def test_a_body(body: bytes, message: str) -> None:
    assert refusal(body).startswith(message)
