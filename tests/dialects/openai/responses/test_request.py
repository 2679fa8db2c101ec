"""parse_responses_request: its exact words for fields, tools and bodies that it does not take."""

from __future__ import annotations

from typing import Any

import pytest

from .asks import TOOL, allowed, body, refusal

STRING = "Input should be a valid string"
UNSUPPORTED = "this server does not support this parameter"
FUNCTIONS = "Claude's models call functions"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"frobnicate": None}, "frobnicate: Unknown parameter"),
        ({"messages": []}, "messages: Unknown parameter"),
        ({"model": None}, "model: Field required"),
        ({"model": ""}, "model: String should have at least 1 character"),
        ({"input": None}, "input: Field required"),
        ({"input": 5}, "input: Input should be a valid string or list"),
        ({"input": ""}, "input: text content blocks must be non-empty"),
        ({"input": []}, "input: at least one message is required"),
        ({"instructions": ["x"]}, f"instructions: {STRING}"),
        ({"instructions": " "}, "instructions: text content blocks must contain non-whitespace text"),
        ({"stream": 1}, "stream: Input should be a valid boolean"),
        ({"stream_options": {}}, "stream_options: this parameter is only allowed when 'stream' is true"),
        (
            {"stream": True, "stream_options": {"include_usage": True}},
            "stream_options.include_usage: Unknown parameter",
        ),
        (
            {"store": True},
            f"store: {UNSUPPORTED}: nothing is stored; send the whole conversation as input",
        ),
        (
            {"previous_response_id": "resp_1"},
            f"previous_response_id: {UNSUPPORTED}: nothing is stored; send the whole conversation as input",
        ),
        ({"prompt": {"id": "p"}}, f"prompt: {UNSUPPORTED}: nothing is stored; send the prompt's text"),
        ({"background": True}, f"background: {UNSUPPORTED}: nothing goes on when the client has left"),
        ({"truncation": "auto"}, f"truncation: {UNSUPPORTED}: nothing here makes a conversation shorter"),
        ({"max_output_tokens": 0}, "max_output_tokens: Input should be greater than or equal to 1"),
        ({"max_tool_calls": 0}, "max_tool_calls: Input should be greater than or equal to 1"),
        ({"temperature": 3}, "temperature: Input should be a number from 0 to 2"),
        ({"metadata": {"a": 5}}, f"metadata.a: {STRING}"),
        (
            {"metadata": dict.fromkeys("abcdefghijklmnopq", "")},
            "metadata: at most 16 keys are allowed, not 17",
        ),
        (
            {"include": ["reasoning.encrypted_content", "message.output_text.logprobs"]},
            f"include.[1]: {UNSUPPORTED}: Claude's models tell no probabilities",
        ),
        ({"include": "x"}, "include: Input should be a valid list"),
        (
            {"reasoning": {"effort": "much"}},
            "reasoning.effort: Input should be 'none', 'minimal', 'low', 'medium', 'high', 'xhigh' or 'max'",
        ),
        (
            {"reasoning": {"summary": "long"}},
            "reasoning.summary: Input should be 'auto', 'concise' or 'detailed'",
        ),
        (
            {"reasoning": {"mode": "pro"}},
            f"reasoning.mode: {UNSUPPORTED}: Claude's models have one mode",
        ),
        (
            {"reasoning": "low"},
            "reasoning: Input should be a valid dictionary or object to extract fields from",
        ),
        (
            {"text": {"verbosity": "high"}},
            f"text.verbosity: {UNSUPPORTED}: Claude's models have no such setting; say it in the prompt",
        ),
        (
            {"text": {"format": {"type": "grammar"}}},
            "text.format.type: Input should be 'text', 'json_object' or 'json_schema'",
        ),
        (
            {"text": {"format": {"type": "text", "schema": {}}}},
            "text.format.schema: Unknown parameter",
        ),
        (
            {"text": {"format": {"type": "json_schema", "name": "A"}}},
            "text.format.schema: Field required",
        ),
        (
            {"text": {"format": {"type": "json_schema", "name": "A", "schema": {"x": 2**60 + 1}}}},
            "text.format.schema.x: this server cannot carry this integer exactly; send it as a string",
        ),
        ({"service_tier": "flex"}, f"service_tier: {UNSUPPORTED}: upstream has no tier 'flex' to ask for"),
        ({"user": 5}, f"user: {STRING}"),
    ],
)
def test_a_field(fields: dict[str, Any], message: str) -> None:
    assert refusal(body(**fields)) == message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"tools": [{"type": "web_search_preview"}]},
            f"tools.[0].type: this server does not support the tool 'web_search_preview': {FUNCTIONS}",
        ),
        (
            {"tools": [TOOL, {"type": "custom", "name": "c"}]},
            f"tools.[1].type: this server does not support the tool 'custom': {FUNCTIONS}",
        ),
        ({"tools": [{"type": "frobnicator"}]}, "tools.[0].type: Input should be 'function'"),
        ({"tools": [{"name": "f"}]}, "tools.[0].type: Field required"),
        ({"tools": [{"type": "function"}]}, "tools.[0].name: Field required"),
        ({"tools": [{**TOOL, "function": {}}]}, "tools.[0].function: Unknown parameter"),
        ({"tools": [{**TOOL, "strict": 1}]}, "tools.[0].strict: Input should be a valid boolean"),
        (
            {"tools": [{**TOOL, "defer_loading": True}]},
            f"tools.[0].defer_loading: {UNSUPPORTED}: nothing here searches for tools",
        ),
        (
            {"tools": [{**TOOL, "defer_loading": 0}]},  # false to Python alone
            f"tools.[0].defer_loading: {UNSUPPORTED}: nothing here searches for tools",
        ),
        (
            {"tools": [TOOL, {**TOOL, "parameters": {"type": "string"}}]},
            "tools.[1].parameters.type: Input should be 'object'",
        ),
        ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
        ({"tool_choice": "any"}, "tool_choice: Input should be 'none', 'auto' or 'required'"),
        (
            {"tool_choice": "required"},
            "tool_choice: tool_choice may only be specified while providing tools.",
        ),
        (
            {"tools": [TOOL], "tool_choice": {"type": "mcp", "server_label": "x"}},
            f"tool_choice.type: this server does not support the tool 'mcp': {FUNCTIONS}",
        ),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "name": "g"}},
            "tool_choice.name: Tool 'g' not found in provided tools",
        ),
        (
            {"tools": [TOOL], "tool_choice": allowed("f", "g")},
            "tool_choice.tools.[1].name: Tool 'g' not found in provided tools",
        ),
        ({"tools": [TOOL], "tool_choice": allowed()}, "tool_choice.tools: at least one tool is required"),
    ],
)
def test_a_tool(fields: dict[str, Any], message: str) -> None:
    assert refusal(body(**fields)) == message


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"{", "The request body is not valid JSON: "),
        (b"[]", "The request body must be a JSON object"),
        (b"{}", "model: Field required"),
        (b'{"model": "m"}', "input: Field required"),
        (
            b'{"model": "m", "input": "a", "input": "b"}',
            "The request body has the key input twice in one object",
        ),
        (
            b'{"model": "m", "input": "a", "tools": [{"type": "function", "name": "f", "parameters": '
            b'{"type": "object", "maximum": 123456789012345678901}}]}',
            "this server cannot carry the integer 123456789012345678901 exactly; send it as a string",
        ),
    ],
)
def test_a_body(raw: bytes, message: str) -> None:
    assert refusal(raw).startswith(message)
