"""parse_chat_request: its exact words for tools that it does not take, and for what is found wrong later."""

from __future__ import annotations

from typing import Any

import pytest

from ccproxy_trio.dialects.failures import Failure, InvalidRequest
from ccproxy_trio.dialects.openai import Unsupported, parse_chat_request

from .chats import CALL, CALLING, RESULT, TOOL, USER, allowed, chat, file, function, refusal, user


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tools": {}}, "tools: Input should be a valid list"),
        ({"tools": [{"type": "function"}]}, "tools.[0].function: Field required"),
        ({"tools": [{"type": "web_search"}]}, "tools.[0].type: Input should be 'function'"),
        (
            {"tools": [TOOL, {"type": "custom", "custom": {"name": "c"}}]},
            "tools.[1].type: this server does not support custom tools, as Claude's models call functions only",
        ),
        ({"tools": [function(x=1)]}, "tools.[0].function.x: Unknown parameter"),
        ({"tools": [function(strict="yes")]}, "tools.[0].function.strict: Input should be a valid boolean"),
        (
            {"tools": [TOOL, function(name="a b")]},
            "tools.[1].function.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$', and 'a b' does not",
        ),
        (
            {"tools": [function(parameters={"foo": "bar"})]},
            "tools.[0].function.parameters.type: Field required",
        ),
        ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
        ({"tool_choice": "any"}, "tool_choice: Input should be 'none', 'auto' or 'required'"),
        (
            {"tool_choice": "required"},
            "tool_choice: tool_choice may only be specified while providing tools.",
        ),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}},
            "tool_choice.function.name: Tool 'g' not found in provided tools",
        ),
        (
            {"tools": [TOOL], "tool_choice": {"type": "custom", "custom": {"name": "f"}}},
            "tool_choice.type: this server does not support custom tools, as Claude's models call functions only",
        ),
        (
            {"tools": [TOOL], "tool_choice": allowed("f", "g")},
            "tool_choice.allowed_tools.tools.[1].function.name: Tool 'g' not found in provided tools",
        ),
        (
            {"tools": [TOOL], "tool_choice": allowed("f", mode="none")},
            "tool_choice.allowed_tools.mode: Input should be 'auto' or 'required'",
        ),
        (
            {"tools": [TOOL], "tool_choice": allowed()},
            "tool_choice.allowed_tools.tools: at least one tool is required",
        ),
        ({"parallel_tool_calls": 0}, "parallel_tool_calls: Input should be a valid boolean"),
    ],
)
def test_tools(fields: dict[str, Any], message: str) -> None:
    assert refusal(chat(**fields)) == message


BIG = 2**53 + 1


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (
            {"tools": [function(parameters={"type": "object", "properties": {"a": {"enum": [0, BIG]}}})]},
            "tools.[0].function.parameters.properties.a.enum.[1]",
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "A", "schema": {"const": [BIG]}},
                }
            },
            "response_format.json_schema.schema.const.[0]",
        ),
        (
            {
                "messages": [
                    USER,
                    {
                        "role": "assistant",
                        "tool_calls": [{**CALL, "function": {"name": "f", "arguments": f'{{"a": {BIG}}}'}}],
                    },
                    RESULT,
                ]
            },
            "messages.[1].tool_calls.[0].function.arguments",
        ),
        (
            {
                "messages": [
                    USER,
                    CALLING,
                    {**RESULT, "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
                ]
            },
            "messages.[2].content.[0].type",
        ),
    ],
)
def test_a_place_within(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_chat_request(chat(**fields))
    assert caught.value.field == path


def test_the_place_of_an_allowed_tool_is_the_clients() -> None:
    tools = [TOOL, function(name="g", parameters={"foo": 1})]
    assert refusal(chat(tools=tools, tool_choice=allowed("g"))) == (
        "tools.[1].function.parameters.type: Field required"
    )


@pytest.mark.parametrize(
    "fields",
    [{"functions": []}, {"messages": [user(file(file_id="f"))]}, {"tools": [{"type": "custom"}]}],
)
def test_what_belongs_to_the_conversation_is_never_left_out(fields: dict[str, Any]) -> None:
    with pytest.raises(Unsupported):
        parse_chat_request(chat(**fields), unsupported="ignore")


def test_errors_found_later_are_retold() -> None:
    request = parse_chat_request(
        chat(
            reasoning_effort="low",
            max_completion_tokens=9,
            tools=[TOOL],
            messages=[{"role": "system", "content": "S"}, USER],
        )
    )
    retold = request.places.retell(InvalidRequest("output_config.effort", "This model has none."))
    assert str(retold) == "reasoning_effort: This model has none."
    for told, expected in [
        ("max_tokens: 9 > 8", "max_completion_tokens: 9 > 8"),
        ("messages.0.content.0.text.text: no", "messages.[1].content: no"),
        ("tools.0.custom.input_schema: no", "tools.[0].function.parameters: no"),
        ("credit: low", "credit: low"),
        ("Overloaded", "Overloaded"),
    ]:
        assert request.places.retell_failure(Failure(400, told, request_id="r")) == Failure(
            400, expected, request_id="r"
        )
    assert request.places.retell_failure(Failure(429, "max_tokens: x")) == Failure(429, "max_tokens: x")


@pytest.mark.parametrize("word", ["auto", "none"])
def test_a_choice_that_says_nothing_without_tools(word: str) -> None:
    asked = parse_chat_request(chat(tool_choice=word, parallel_tool_calls=False))
    assert asked.messages == parse_chat_request(chat()).messages
    assert asked.ignored == ()
