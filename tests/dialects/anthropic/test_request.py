"""parse_request: what it makes of good requests, and its exact words for bad ones."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from ccproxy_trio.dialects.anthropic import Message, MessagesRequest, Text, parse_request
from ccproxy_trio.dialects.failures import Failure, InvalidRequest

USER = {"role": "user", "content": "Hi"}
ASSISTANT = {"role": "assistant", "content": "Hello"}
OBJECT = "Input should be a valid dictionary or object to extract fields from"
STRING = "Input should be a valid string"


def body(**fields: Any) -> bytes:
    return orjson.dumps({"model": "opus", "max_tokens": 10, "messages": [USER], **fields})


def refusal(raw: bytes) -> str:
    with pytest.raises(InvalidRequest) as caught:
        parse_request(raw)
    assert caught.value.failure == Failure(400, str(caught.value))
    return str(caught.value)


def test_the_least_request() -> None:
    assert parse_request(body()) == MessagesRequest(
        model="opus", messages=(Message("user", (Text("Hi"),)),), max_tokens=10, system=(), stream=False
    )


def test_a_whole_request() -> None:
    assert parse_request(
        body(
            system=[{"type": "text", "text": "Be brief."}, {"type": "text", "text": "And kind."}],
            stream=True,
            messages=[
                {"role": "user", "content": [{"type": "text", "text": "a"}, {"text": "b\n", "type": "text"}]},
                {"content": "c", "role": "assistant"},
                {"role": "user", "content": " d \0 😀"},
            ],
        )
    ) == MessagesRequest(
        model="opus",
        messages=(
            Message("user", (Text("a"), Text("b\n"))),
            Message("assistant", (Text("c"),)),
            Message("user", (Text(" d \0 😀"),)),
        ),
        max_tokens=10,
        system=(Text("Be brief."), Text("And kind.")),
        stream=True,
    )


@pytest.mark.parametrize(("system", "blocks"), [("Be brief.", (Text("Be brief."),)), ("", ()), ([], ())])
def test_system_as_a_string_and_as_nothing(system: object, blocks: tuple[Text, ...]) -> None:
    assert parse_request(body(system=system)).system == blocks


def test_consecutive_messages_of_one_role_become_one() -> None:
    contents = [
        ("user", "1"),
        ("user", "2"),
        ("assistant", "3"),
        ("assistant", "4"),
        ("user", "5"),
        ("user", "6"),
    ]
    assert parse_request(body(messages=[{"role": r, "content": c} for r, c in contents])).messages == (
        Message("user", (Text("1"), Text("2"))),
        Message("assistant", (Text("3"), Text("4"))),
        Message("user", (Text("5"), Text("6"))),
    )


def test_null_is_the_same_as_absent_where_the_api_says_so() -> None:
    block = {"type": "text", "text": "Hi", "cache_control": None, "citations": None}
    assert parse_request(
        body(container=None, inference_geo=None, messages=[{"role": "user", "content": [block]}])
    ) == parse_request(body())


@pytest.mark.parametrize("field", ["model", "messages", "max_tokens"])
def test_a_missing_field(field: str) -> None:
    fields = {"model": "opus", "max_tokens": 10, "messages": [USER]}
    del fields[field]
    assert refusal(orjson.dumps(fields)) == f"{field}: Field required"


PREFILL = (
    "This server does not support assistant message prefill, because the CLI cannot continue an answer that it "
    "did not begin. The conversation must end with a user message."
)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": 1}, f"model: {STRING}"),
        ({"model": None}, f"model: {STRING}"),
        ({"model": ""}, "model: String should have at least 1 character"),
        ({"model": "m" * 257}, "model: String should have at most 256 characters"),
        *(
            ({"model": name}, "model: String should be printable, without space at its ends")
            for name in (" ", " opus", "opus\n", "a\nb", "\0", "\ufeff")
        ),
        ({"max_tokens": "10"}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": 10.0}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": None}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 1"),
        ({"stream": 1}, "stream: Input should be a valid boolean"),
        ({"stream": "true"}, "stream: Input should be a valid boolean"),
        ({"stream": None}, "stream: Input should be a valid boolean"),
        ({"messages": "Hi"}, "messages: Input should be a valid list"),
        ({"messages": USER}, "messages: Input should be a valid list"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": [USER] * 100_001}, "messages: List should have at most 100000 items, not 100001"),
        ({"messages": ["Hi"]}, f"messages.0: {OBJECT}"),
        ({"messages": [USER, None]}, f"messages.1: {OBJECT}"),
        ({"messages": [{}]}, "messages.0.role: Field required"),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        ({"messages": [{**USER, "name": "Ann"}]}, "messages.0.name: Extra inputs are not permitted"),
        ({"messages": [{**USER, "role": "tool"}]}, "messages.0.role: Input should be 'user' or 'assistant'"),
        (
            {"messages": [{**USER, "role": ["user"]}]},
            "messages.0.role: Input should be 'user' or 'assistant'",
        ),
        (
            {"messages": [{**USER, "role": "system"}]},
            "messages.0.role: this server does not support the role 'system' yet; use the top-level field system",
        ),
        ({"messages": [ASSISTANT, USER]}, 'messages: first message must use the "user" role'),
        ({"messages": [ASSISTANT]}, 'messages: first message must use the "user" role'),
        ({"messages": [USER, ASSISTANT]}, f"messages.1: {PREFILL}"),
        ({"messages": [USER, ASSISTANT, ASSISTANT]}, f"messages.2: {PREFILL}"),
        ({"temperature": 1}, "temperature: this server does not support this field yet"),
        ({"temperature": None}, "temperature: this server does not support this field yet"),
        ({"tools": []}, "tools: this server does not support this field yet"),
        ({"container": "c"}, "container: this server does not support this field yet"),
        ({"max_completion_tokens": 1}, "max_completion_tokens: Extra inputs are not permitted"),
        ({"": 1}, '"": Extra inputs are not permitted'),
        ({"x" * 101: 1}, f"{'x' * 100}…: Extra inputs are not permitted"),
        ({"system": 1}, "system: Input should be a valid string or list"),
        ({"system": None}, "system: Input should be a valid string or list"),
        ({"system": " \n"}, "system: text content blocks must contain non-whitespace text"),
        ({"system": "\ufeff"}, "system: text content blocks must contain non-whitespace text"),
        ({"system": [{"type": "text", "text": ""}]}, "system.0.text: text content blocks must be non-empty"),
        ({"system": ["Be brief."]}, f"system.0: {OBJECT}"),
        (
            {"system": [{"type": "image", "source": {}}]},
            "system.0.image: this server does not support this block type yet",
        ),
    ],
)
def test_a_bad_field(fields: dict[str, Any], message: str) -> None:
    assert refusal(body(**fields)) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "messages.0: user messages must have non-empty content"),
        ([], "messages.0: user messages must have non-empty content"),
        (" \t\n\u3000", "messages.0.content: text content blocks must contain non-whitespace text"),
        (None, "messages.0.content: Input should be a valid string or list"),
        ({"type": "text", "text": "Hi"}, "messages.0.content: Input should be a valid string or list"),
        (["Hi"], f"messages.0.content.0: {OBJECT}"),
        ([{}], "messages.0.content.0.type: Field required"),
        ([{"text": "Hi"}], "messages.0.content.0.type: Field required"),
        ([{"type": None}], f"messages.0.content.0.type: {STRING}"),
        ([{"type": "text"}], "messages.0.content.0.text.text: Field required"),
        ([{"type": "text", "text": None}], f"messages.0.content.0.text.text: {STRING}"),
        ([{"type": "text", "text": ""}], "messages.0.content.0.text: text content blocks must be non-empty"),
        (
            [{"type": "text", "text": "Hi"}, {"type": "text", "text": "\n"}],
            "messages.0.content.1.text: text content blocks must contain non-whitespace text",
        ),
        (
            [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}],
            "messages.0.content.0.text.cache_control: this server does not support this key yet",
        ),
        (
            [{"type": "text", "text": "Hi", "citations": []}],
            "messages.0.content.0.text.citations: this server does not support this key yet",
        ),
        (
            [{"type": "text", "text": "Hi", "id": "x"}],
            "messages.0.content.0.text.id: Extra inputs are not permitted",
        ),
        (
            [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}],
            "messages.0.content.0.tool_use: this server does not support this block type yet",
        ),
        (
            [{"type": "hologram"}],
            "messages.0.content.0.type: Input tag 'hologram' is not a block type of the Messages API",
        ),
    ],
)
def test_bad_content(content: object, message: str) -> None:
    assert refusal(body(messages=[{"role": "user", "content": content}])) == message


@pytest.mark.parametrize("text", ["(no content)", " (no content)\n", "\ufeff[Empty text removed]"])
def test_an_answer_that_the_cli_would_take_for_none_is_refused(text: str) -> None:
    def told(*texts: str) -> bytes:
        return body(messages=[USER, *({"role": "assistant", "content": each} for each in texts), USER])

    words = text.strip(" \n\ufeff")
    assert (
        refusal(told(text, text))
        == f"messages.2: this server cannot carry an assistant message of nothing but {words!r}"
    )
    assert len(parse_request(told(text, "but")).messages) == 3
    assert parse_request(body(messages=[{"role": "user", "content": text}])).messages[0].content == (
        Text(text),
    )


@pytest.mark.parametrize(
    ("system", "message"),
    [
        ("__SYSTEM_PROMPT_DYNAMIC_BOUNDARY__", "the prompt '__SYSTEM_PROMPT_DYNAMIC_BOUNDARY__'"),
        (
            "x-anthropic-billing-header: x\nBe brief.",
            "a prompt that begins with 'x-anthropic-billing-header:'",
        ),
    ],
)
def test_a_prompt_that_the_cli_would_keep_for_itself_is_refused(system: str, message: str) -> None:
    assert refusal(body(system=system)) == f"system: this server cannot carry {message}"
    later = [{"type": "text", "text": "Be kind."}, {"type": "text", "text": system}]
    assert parse_request(body(system=later)).system == (Text("Be kind."), Text(system))


def test_an_empty_message_in_the_middle_is_named() -> None:
    messages = [USER, {"role": "assistant", "content": ""}, USER]
    assert refusal(body(messages=messages)) == "messages.1: assistant messages must have non-empty content"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"hello", "The request body is not valid JSON: unexpected character, expected a JSON value: "),
        (b"[]", "The request body must be a JSON object"),
        (b'{"max_tokens": NaN}', "The request body is not valid JSON: unexpected character"),
        (body().replace(b'"Hi"', rb'"\udc00"'), "The request body is not valid JSON: "),
        (body()[:-1] + b',"stream":true,"stream":false}', "The request body has the key stream twice"),
        (
            body().replace(b'"role"', b'"role":"assistant","role"'),
            "The request body has the key role twice",
        ),
        (b'{"model":' * 200_000, "The request body is not valid JSON: depth limit exceeded"),
    ],
)
def test_a_bad_body(raw: bytes, message: str) -> None:
    assert refusal(raw).startswith(message)


def test_a_number_too_large_for_an_integer_is_none() -> None:
    raw = body().replace(b"10", b"1" * 400)
    assert refusal(
        raw
    ) == "The request body is not valid JSON: number is infinity when parsed as double: " + (
        "line 1 column 30 (char 29)"
    )
    assert refusal(body().replace(b"10", b"1" * 30)) == "max_tokens: Input should be a valid integer"
