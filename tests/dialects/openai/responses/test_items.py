"""The items of the input: the exact words for those that are not taken, with the place of each."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from ccproxy_trio.dialects.failures import Failure

from .asks import CALL, OUTPUT, REASONING, SEALED, USER, ask, body, refusal, user

PNG = "data:image/png;base64,iVBORw0KGgo="
TYPE = "this server does not support this type of item"
UNSEALED = "this server takes back what its own reasoning items hold, unchanged, and this is not that"
UNANSWERED = (
    "a call must be followed by its function_call_output, before anything the user says; there is none for "
)
NO_CALL = (
    "an output must be the one for a call in the items before it, and none that waits for one has the id "
)
ARGUMENTS = "this server carries only arguments that are a JSON object"
DEEP = "[" * 1010 + "123456789012345678901" + "]" * 1010
ASSISTANT = {"role": "assistant", "content": "Well."}


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (
            [5],
            "input.[0]: Input should be a valid dictionary or object to extract fields from",
        ),
        ([{}], "input.[0].role: Field required"),
        (
            [{"type": "frobnication"}],
            "input.[0].type: Input should be 'message', 'function_call', 'function_call_output' or 'reasoning'",
        ),
        ([USER, {"type": "web_search_call", "id": "ws_1"}], f"input.[1].type: {TYPE}"),
        ([{"type": "custom_tool_call"}], f"input.[0].type: {TYPE}"),
        (
            [{"type": "item_reference", "id": "msg_1"}],
            "input.[0].type: this server stores nothing that could be referred to; send the item itself",
        ),
        (
            [{"id": "msg_1"}],
            "input.[0].type: this server stores nothing that could be referred to; send the item itself",
        ),
        (
            [{"role": "tool", "content": "x"}],
            "input.[0].role: Input should be 'user', 'assistant', 'system' or 'developer'",
        ),
        ([{"role": "user"}], "input.[0].content: Field required"),
        ([{"role": "user", "content": {}}], "input.[0].content: Input should be a valid string or list"),
        ([{"role": "user", "content": []}], "input.[0]: user messages must have non-empty content"),
        ([{**USER, "name": "x"}], "input.[0].name: Unknown parameter"),
        ([{**USER, "phase": "x"}], "input.[0].phase: Input should be 'commentary' or 'final_answer'"),
        ([{**USER, "id": 5}], "input.[0].id: Input should be a valid string"),
        (
            [user({"type": "output_text", "text": "x"})],
            "input.[0].content.[0].type: Input should be 'input_text', 'input_image' or 'input_file'",
        ),
        (
            [USER, {"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}],
            "input.[1].content.[0].type: Input should be 'output_text' or 'refusal'",
        ),
        (
            [{"role": "developer", "content": [{"type": "input_image", "image_url": PNG}]}],
            "input.[0].content.[0].type: Input should be 'input_text'",
        ),
        (
            [user({"type": "input_audio"})],
            "input.[0].content.[0].type: this server does not support audio: Claude's models do not hear",
        ),
        ([user({"type": "input_text"})], "input.[0].content.[0].text: Field required"),
        (
            [user({"type": "input_text", "text": " "})],
            "input.[0].content.[0]: text content blocks must contain non-whitespace text",
        ),
        (
            [user({"type": "input_image", "file_id": "file_1"})],
            "input.[0].content.[0].file_id: this server has no Files API, so that no file can be named; "
            "send its content",
        ),
        ([user({"type": "input_image"})], "input.[0].content.[0].image_url: Field required"),
        (
            [user({"type": "input_image", "image_url": PNG, "detail": "huge"})],
            "input.[0].content.[0].detail: Input should be 'auto', 'low', 'high' or 'original'",
        ),
        (
            [user({"type": "input_image", "image_url": "data:image/png;base64,eA=="})],
            "input.[0].content.[0]: ",
        ),
        ([user({"type": "input_file"})], "input.[0].content.[0].file_data: Field required"),
        (
            [user({"type": "input_file", "file_data": "x", "file_url": "https://x"})],
            "input.[0].content.[0].file_url: file_data and file_url cannot be set at the same time",
        ),
        (
            [user({"type": "input_file", "file_data": "data:text/plain;base64,eA=="})],
            "input.[0].content.[0].file_data: this server carries files of application/pdf, not text/plain",
        ),
        ([USER, ASSISTANT], "input.[1]: This server does not support assistant message prefill"),
    ],
)
def test_an_item(items: list[Any], message: str) -> None:
    assert refusal(body(input=items)).startswith(message)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([CALL], f"input.[1]: {UNANSWERED}'c1'"),
        ([CALL, USER, OUTPUT], f"input.[1]: {UNANSWERED}'c1'"),
        ([CALL, {**CALL, "call_id": "c2"}, OUTPUT, ASSISTANT], f"input.[2]: {UNANSWERED}'c2'"),
        (
            [CALL, {**CALL, "call_id": "c2"}, OUTPUT, {**CALL, "call_id": "c3"}],
            f"input.[2]: {UNANSWERED}'c2'",
        ),
        ([OUTPUT], f"input.[1].call_id: {NO_CALL}'c1'"),
        ([CALL, OUTPUT, OUTPUT], f"input.[3].call_id: {NO_CALL}'c1'"),
        ([CALL, CALL], "input.[2].call_id: the ids of calls must be unique"),
        ([CALL, OUTPUT, CALL, OUTPUT], "input.[3]: `tool_use` ids must be unique"),
        (
            [CALL, ASSISTANT, OUTPUT],
            "input.[2]: this server cannot carry a `text` block after a `tool_use` block",
        ),
        (
            [CALL, REASONING, OUTPUT],
            "input.[2]: this server cannot carry a `thinking` block after a `tool_use` block",
        ),
        ([{**CALL, "arguments": "[]"}], f"input.[1].arguments: {ARGUMENTS}"),
        ([{**CALL, "arguments": '{"q'}], f"input.[1].arguments: {ARGUMENTS}: "),
        ([{**CALL, "arguments": {}}], "input.[1].arguments: Input should be a valid string"),
        (
            [{**CALL, "arguments": '{"n": 123456789012345678901}'}],
            "input.[1].arguments: this server cannot carry the integer 123456789012345678901 exactly",
        ),
        (
            [{**CALL, "arguments": f'{{"n": {DEEP}}}'}],
            "input.[1].arguments: the request is nested more than 240 levels deep",
        ),
        (
            [{**CALL, "arguments": '{"n": 1234567890123456789}'}, OUTPUT],
            "input.[1].arguments: this server cannot carry this integer exactly",
        ),
        ([{**CALL, "namespace": "n"}], "input.[1].namespace: this server does not support namespaces"),
        (
            [{**CALL, "async": True}],
            "input.[1].async: this server does not support calls that are answered later",
        ),
        (
            [{**CALL, "caller": {"type": "program", "caller_id": "p"}}],
            "input.[1].caller: this server carries only calls whose caller is 'direct'",
        ),
        (
            [CALL, {**OUTPUT, "output": [{"type": "output_text", "text": "x"}]}],
            "input.[2].output.[0].type: Input should be 'input_text', 'input_image' or 'input_file'",
        ),
        ([CALL, {**OUTPUT, "output": None}], "input.[2].output: Field required"),
    ],
)
def test_calls_and_their_outputs(items: list[Any], message: str) -> None:
    assert refusal(body(input=[USER, *items])).startswith(message)


@pytest.mark.parametrize(
    "sealed",
    [
        "",
        "gAAAAABo",
        SEALED[:-4],
        SEALED[9:],
        SEALED.replace("claude-1.", "claude-2."),
        SEALED + "é",
        "claude-1.bnVsbA==",  # null
        "claude-1.e30=",  # {}
        "claude-1.eyJ0eXBlIjoidGV4dCIsInRleHQiOiJ4In0=",  # a text
        "claude-1./w==",
    ],
)
def test_reasoning_from_elsewhere(sealed: str) -> None:
    items = [USER, {**REASONING, "encrypted_content": sealed}, CALL, OUTPUT]
    assert refusal(body(input=items)) == f"input.[1].encrypted_content: {UNSEALED}"


def test_reasoning_that_the_messages_api_does_not_take() -> None:
    cut = "claude-1." + "eyJ0eXBlIjoidGhpbmtpbmcifQ=="  # a block of thinking with nothing in it
    items = [USER, {**REASONING, "encrypted_content": cut}, CALL, OUTPUT]
    assert refusal(body(input=items)) == "input.[1].encrypted_content: Field required"


def test_an_error_of_upstream_is_told_of_the_item() -> None:
    places = ask(input=[USER, REASONING, CALL, OUTPUT]).places
    failure = Failure(400, "messages.1.content.0: Invalid `signature` in `thinking` block")
    told = places.retell_failure(failure).message
    assert told == "input.[1].encrypted_content: Invalid `signature` in `thinking` block"


def test_arguments_are_carried_with_what_they_hold() -> None:
    given = {"a": [1.5, None, "é", {"b": 2**52}], "": True}
    request = ask(input=[USER, {**CALL, "arguments": orjson.dumps(given).decode()}, OUTPUT])
    assert request.messages.messages[1].content[0]["input"] == given
