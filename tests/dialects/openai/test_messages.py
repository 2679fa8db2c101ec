"""parse_chat_request: its exact words for messages that it does not take, each with the place in them."""

from __future__ import annotations

from typing import Any

import pytest

from ccproxy_trio.dialects.openai import parse_chat_request

from .chats import CALL, CALLING, RESULT, USER, chat, file, image, refusal, user

OBJECT = "Input should be a valid dictionary or object to extract fields from"
STRING = "Input should be a valid string"


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        (["Hi"], f"messages.[0]: {OBJECT}"),
        ([{"content": "Hi"}], "messages.[0].role: Field required"),
        (
            [{"role": "bot"}],
            "messages.[0].role: Input should be 'developer', 'system', 'user', 'assistant' or 'tool'",
        ),
        (
            [USER, {"role": "function", "name": "f", "content": "x"}],
            "messages.[1].role: this server does not support this role; use 'tool'",
        ),
        ([{"role": "user"}], "messages.[0].content: Field required"),
        ([{**USER, "x": 1}], "messages.[0].x: Unknown parameter"),
        ([{**USER, "name": 1}], f"messages.[0].name: {STRING}"),
        ([{"role": "user", "content": ""}], "messages.[0]: user messages must have non-empty content"),
        (
            [{"role": "system", "content": "S"}, {"role": "user", "content": " "}],
            "messages.[1].content: text content blocks must contain non-whitespace text",
        ),
        (
            [USER, {"role": "assistant", "content": "A"}, user({"type": "text", "text": ""})],
            "messages.[2].content.[0]: text content blocks must be non-empty",
        ),
        ([{"role": "user", "content": 5}], "messages.[0].content: Input should be a valid string or list"),
        ([user({})], "messages.[0].content.[0].type: Field required"),
        (
            [user({"type": "video"})],
            "messages.[0].content.[0].type: Input should be 'text', 'image_url' or 'file'",
        ),
        ([user({"type": "text"})], "messages.[0].content.[0].text: Field required"),
        (
            [user({"type": "text", "text": "a", "x": 1})],
            "messages.[0].content.[0].x: Unknown parameter",
        ),
        (
            [user({"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}})],
            "messages.[0].content.[0].type: this server does not support audio: Claude's models do not hear",
        ),
        (
            [{"role": "system", "content": [image("https://x/y.png")]}, USER],
            "messages.[0].content.[0].type: Input should be 'text'",
        ),
        (
            [{"role": "system", "content": " "}, USER],
            "messages.[0].content: text content blocks must contain non-whitespace text",
        ),
        (
            [USER, {"role": "system", "content": "x-anthropic-billing-header: a"}],
            "messages.[1].content: this server cannot carry a prompt that begins with 'x-anthropic-billing-header:'",
        ),
        ([user(image(5))], f"messages.[0].content.[0].image_url.url: {STRING}"),
        (
            [user(image("ftp://x/y.png"))],
            "messages.[0].content.[0].image_url.url: Input should be a URL of http, https or data, and "
            "'ftp://x/y.png' is not",
        ),
        (
            [user(image("data:image/png,abc"))],
            "messages.[0].content.[0].image_url.url: Input should be a URL of the form data:MEDIA_TYPE;base64,DATA",
        ),
        ([user(image("data:image/png;base64,!"))], "messages.[0].content.[0]: invalid base64 data"),
        (
            [user(image("data:image/bmp;base64,Qk0="))],
            "messages.[0].content.[0]: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'",
        ),
        (
            [user(image("https://x/y.png", detail="huge"))],
            "messages.[0].content.[0].image_url.detail: Input should be 'auto', 'low', 'high' or 'original'",
        ),
        (
            [user(file(file_id="file-1"))],
            "messages.[0].content.[0].file.file_id: this server has no Files API, so that no file can be named; "
            "send its content",
        ),
        ([user(file(filename="a"))], "messages.[0].content.[0].file.file_data: Field required"),
        (
            [user(file(file_data="data:text/csv;base64,YQ=="))],
            "messages.[0].content.[0].file.file_data: this server carries files of application/pdf, not text/csv",
        ),
        (
            [USER, {"role": "assistant", "content": "A"}],
            "messages.[1]: This server does not support assistant message prefill, because the CLI cannot continue "
            "an answer that it did not begin. The conversation must end with a user message.",
        ),
        (
            [USER, {"role": "assistant", "content": None}, USER],
            "messages.[1]: assistant messages must have non-empty content",
        ),
        (
            [USER, {"role": "assistant", "content": "A", "audio": {"id": "a"}}, USER],
            "messages.[1].audio: this server does not support this part of an assistant's message",
        ),
        (
            [
                USER,
                {"role": "assistant", "content": "A", "function_call": {"name": "f", "arguments": ""}},
                USER,
            ],
            "messages.[1].function_call: this server does not support this part of an assistant's message",
        ),
        (
            [USER, {"role": "assistant", "content": "A", "thoughts": {}}, USER],
            "messages.[1].thoughts: Unknown parameter",
        ),
        (
            [USER, CALLING],
            "messages.[1].tool_calls.[0]: an assistant's message with calls must be followed by a tool's message "
            "for each of them; there is none for 'c1'",
        ),
        (
            [USER, CALLING, USER, RESULT],
            "messages.[1].tool_calls.[0]: an assistant's message with calls must be followed by a tool's message "
            "for each of them; there is none for 'c1'",
        ),
        (
            [USER, RESULT],
            "messages.[1].tool_call_id: a tool's message must be the one response to a call in the assistant's "
            "message before it, and no call that waits for one has the id 'c1'",
        ),
        (
            [USER, CALLING, RESULT, RESULT],
            "messages.[3].tool_call_id: a tool's message must be the one response to a call in the assistant's "
            "message before it, and no call that waits for one has the id 'c1'",
        ),
        (
            [USER, {"role": "assistant", "tool_calls": [CALL, CALL]}, RESULT],
            "messages.[1].tool_calls.[1].id: the ids of calls must be unique",
        ),
        (
            [USER, {"role": "assistant", "tool_calls": [{**CALL, "type": "custom"}]}],
            "messages.[1].tool_calls.[0].type: this server does not support custom tools",
        ),
        (
            [
                USER,
                {
                    "role": "assistant",
                    "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "[1]"}}],
                },
            ],
            "messages.[1].tool_calls.[0].function.arguments: this server carries only arguments that are a JSON "
            "object",
        ),
        (
            [
                USER,
                {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "{"}}]},
            ],
            "messages.[1].tool_calls.[0].function.arguments: this server carries only arguments that are a JSON "
            "object: unexpected end of data: line 1 column 2 (char 1)",
        ),
    ],
)
def test_messages(messages: list[Any], message: str) -> None:
    assert refusal(chat(messages=messages)) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            '{"n": 123456789012345678901}',
            "this server cannot carry the integer 123456789012345678901 exactly; send it as a string",
        ),
        (
            '{"n": 1234567890123456789}',
            "this server cannot carry this integer exactly; send it as a string",
        ),
        (f'{{"n": {"[" * 235}{"]" * 235}}}', "the request is nested more than 240 levels deep"),
        (f'{{"n": {"[" * 1010}{"]" * 1010}}}', "the request is nested more than 240 levels deep"),
        ('{"n": 1, "n": 2}', "The request body has the key n twice in one object"),
    ],
)
def test_arguments_that_cannot_be_carried_as_they_are(arguments: str, message: str) -> None:
    call = {**CALL, "function": {"name": "f", "arguments": arguments}}
    told = refusal(chat(messages=[USER, {"role": "assistant", "tool_calls": [call]}, RESULT]))
    assert told == f"messages.[1].tool_calls.[0].function.arguments: {message}"


def test_arguments_as_deep_as_can_be_carried() -> None:
    call = {**CALL, "function": {"name": "f", "arguments": f'{{"n": {"[" * 234}{"]" * 234}}}'}}
    parse_chat_request(chat(messages=[USER, {"role": "assistant", "tool_calls": [call]}, RESULT]))


@pytest.mark.parametrize("blank", ["", " ", "\n\n", "\ufeff"])
def test_white_space_that_the_assistant_said(blank: str) -> None:
    part = {"type": "text", "text": blank}
    asked = parse_chat_request(
        chat(
            messages=[
                USER,
                {"role": "assistant", "content": [part], "tool_calls": [CALL]},
                RESULT,
                {"role": "assistant", "content": [part]},
                USER,
            ]
        )
    )
    assert [[block["type"] for block in message.content] for message in asked.messages.messages] == [
        ["text"],
        ["tool_use"],
        ["tool_result", "text"],
    ]
    assert asked.ignored == ("messages.[1].content.[0]", "messages.[3].content.[0]")


def test_a_url_made_to_be_slow() -> None:
    for odd in (";" * 2_000_000, ";a" * 1_000_000, "a" * 2_000_000):
        told = refusal(chat(messages=[user(image(f"data:{odd}"))]))
        assert told.endswith("Input should be a URL of the form data:MEDIA_TYPE;base64,DATA")


def test_parameters_of_a_media_type_are_passed_over() -> None:
    data = "data:image/PNG;charset=x;base64,iVBORw0KGgo="
    (message,) = parse_chat_request(chat(messages=[user(image(data))])).messages.messages
    assert message.content[0]["source"] == {
        "type": "base64",
        "media_type": "image/png",
        "data": "iVBORw0KGgo=",
    }
