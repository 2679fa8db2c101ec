"""What goes back and forth in the items of a response: thoughts, files, images, outputs, what the client parsed."""

from __future__ import annotations

import base64
import json
from typing import Any

import openai
import pytest

from tests.sdk.openai.asking import ASKING, DUMP, prompt, user
from tests.sdk.openai.test_content import LINK, PDF, held, source
from tests.sdk.openai.test_responses import check_received
from tests.sdk.test_parse import BOOK, Book
from tests.sdk.test_requests import png

PNG = base64.b64encode(png(8, 8)).decode()
TEXT = {"type": "input_text", "text": DUMP}
SAID = {"type": "text", "text": DUMP}
TOOL: Any = {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": False}


def test_images_and_files(client: openai.OpenAI) -> None:
    content: list[Any] = [
        {"type": "input_image", "image_url": LINK, "detail": "high"},
        {"type": "input_file", "filename": "a.pdf", "file_data": held("application/pdf", PDF)},
        {"type": "input_file", "file_url": "https://example.com/b.pdf"},
        TEXT,
    ]
    raw = client.responses.with_raw_response.create(**ASKING, input=[user(content)])
    assert raw.headers["x-ccproxy-ignored"] == "input.[0].content.[0].detail"
    blocks = [
        {"type": "image", "source": {"type": "url", "url": LINK}},
        {"type": "document", "source": source("application/pdf", PDF), "title": "a.pdf"},
        {"type": "document", "source": {"type": "url", "url": "https://example.com/b.pdf"}},
        SAID,
    ]
    check_received(raw.parse(), messages=[user(blocks)])


def test_an_output_with_an_image(client: openai.OpenAI) -> None:
    asked: list[Any] = prompt("[[tool=look; dump]] What is there?")
    first = client.responses.create(**ASKING, input=asked, tools=[TOOL])
    (call,) = [item for item in first.output if item.type == "function_call"]
    seen: list[Any] = [
        {"type": "input_text", "text": "this:"},
        {"type": "input_image", "image_url": held("image/png", PNG)},
    ]
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": seen}
    response = client.responses.create(**ASKING, input=[*asked, *first.output, output], tools=[TOOL])
    shown = [{"type": "text", "text": "this:"}, {"type": "image", "source": source("image/png", PNG)}]
    called = {"type": "tool_use", "id": call.call_id, "name": "look", "input": {}}
    check_received(
        response,
        messages=[
            *asked,
            {"role": "assistant", "content": [{"type": "text", "text": first.output_text}, called]},
            user([{"type": "tool_result", "tool_use_id": call.call_id, "content": shown}]),
        ],
        tools=[{"name": "look", "input_schema": {"type": "object"}}],
    )


@pytest.mark.parametrize("stream", [False, True], ids=["", "stream"])
def test_thoughts_go_back_as_they_came(client: openai.OpenAI, stream: bool) -> None:
    """Also those that are told in words, and also as plain JSON: upstream has the very block that it signed."""
    asked: list[Any] = prompt("x [[thinking=Let me “see”…]]")
    summarized: Any = {"reasoning": {"effort": "high", "summary": "detailed"}}
    include: Any = {"include": ["reasoning.encrypted_content"], "store": False}
    if stream:
        with client.responses.stream(**ASKING, input=asked, **summarized, **include) as events:
            words = [e.delta for e in events if e.type == "response.reasoning_summary_text.delta"]
            response: Any = events.get_final_response()
        assert "".join(words) == "Let me “see”…"
    else:
        response = client.responses.create(**ASKING, input=asked, **summarized, **include)
    thought, _ = response.output
    assert [each.text for each in thought.summary] == ["Let me “see”…"]
    signed = json.loads(base64.b64decode(thought.encrypted_content.removeprefix("claude-1.")))
    assert (signed["thinking"], signed["type"]) == ("Let me “see”…", "thinking")
    assert signed["signature"]
    said = [item.model_dump(mode="json") for item in response.output]
    again: Any = client.responses.create(**ASKING, input=[*asked, *said, user(DUMP)], **summarized)
    words_said = {"type": "text", "text": response.output_text}
    check_received(
        again,
        messages=[*asked, {"role": "assistant", "content": [signed, words_said]}, user(DUMP)],
        thinking={"type": "adaptive", "display": "summarized"},
        output_config={"effort": "high"},
    )


def test_what_was_parsed_goes_back(client: openai.OpenAI) -> None:
    first = client.responses.parse(**ASKING, input="A book!", text_format=Book)
    for said in (first.output, [item.model_dump(mode="json") for item in first.output]):
        items: Any = [*prompt("A book!"), *said, user(DUMP)]
        raw = client.responses.with_raw_response.create(**ASKING, input=items)
        assert "x-ccproxy-ignored" not in raw.headers
        told = {"role": "assistant", "content": first.output_text}
        check_received(raw.parse(), messages=[*prompt("A book!"), told, user(DUMP)])


def test_functions_that_are_parsed(client: openai.OpenAI) -> None:
    tool: Any = openai.pydantic_function_tool(Book, name="keep")
    asked = f"[[tool=keep; input={BOOK.model_dump_json()}]] Keep it!"
    parsed = client.responses.parse(**ASKING, input=asked, tools=[tool])
    (call,) = [item for item in parsed.output if item.type == "function_call"]
    assert call.parsed_arguments == BOOK
    (told,) = parsed.tools
    assert told.to_dict() == {"type": "function", **tool["function"]}


def test_a_schema_and_settings_are_told_again(client: openai.OpenAI) -> None:
    schema: Any = Book.model_json_schema() | {"additionalProperties": False}
    form: Any = {"type": "json_schema", "name": "Book", "schema": schema, "strict": True}
    settings: Any = {"text": {"format": form}, "metadata": {"a": "b"}, "user": "me", "top_p": 0.5}
    response = client.responses.create(**ASKING, input="A book!", **settings)
    assert response.text is not None
    assert response.text.to_dict() == {"format": {**form, "description": None}, "verbosity": "medium"}
    assert (response.metadata, response.user, response.top_p) == ({"a": "b"}, "me", 0.5)
    assert response.completed_at is not None
    assert response.completed_at >= response.created_at


@pytest.mark.parametrize(
    ("items", "param", "code"),
    [
        ([{"type": "item_reference", "id": "msg_1"}], "input.[0].type", "unsupported_parameter"),
        ([{"type": "web_search_call", "id": "ws_1"}], "input.[0].type", "unsupported_parameter"),
        (
            [user([{"type": "input_image", "file_id": "f"}])],
            "input.[0].content.[0].file_id",
            "unsupported_parameter",
        ),
        ([user([{"type": "input_text"}])], "input.[0].content.[0].text", None),
        (
            [{"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "gAAAAA"}, user("x")],
            "input.[0].encrypted_content",
            None,
        ),
        ([{"type": "function_call_output", "call_id": "c", "output": "x"}], "input.[0].call_id", None),
    ],
)
def test_items_that_are_refused(client: openai.OpenAI, items: Any, param: str, code: str | None) -> None:
    with pytest.raises(openai.BadRequestError) as told:
        client.responses.create(**ASKING, input=items)
    assert (told.value.param, told.value.code, told.value.type) == (param, code, "invalid_request_error")
