"""The client's stream: its texts, events and snapshots, and the message they add up to."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import anthropic
import pytest

from tests.sdk.conftest import PATIENCE
from tests.sdk.prompts import ASKING, prompt, text_of

TOOL: Any = {
    "name": "find",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
CALL = '[[tool=find; input={"city": "Oslo"}; deltas=3]] Where?'


def test_texts(client: anthropic.Anthropic) -> None:
    with client.messages.stream(**ASKING, messages=prompt("[[deltas=7]] Hello, stream!")) as stream:
        pieces = list(stream.text_stream)
        message = stream.get_final_message()
    assert len(pieces) == 7
    assert "".join(pieces) == "Demo echo: Hello, stream!" == text_of(message) == stream.get_final_text()
    assert (message.stop_reason, message.stop_sequence) == ("end_turn", None)
    assert message.usage.input_tokens > 0 < message.usage.output_tokens
    assert stream.request_id is not None


def test_events_of_thinking_text_and_a_call(client: anthropic.Anthropic) -> None:
    asked = prompt(CALL.replace("[[", "[[thinking=Well then; "))
    with client.messages.stream(**ASKING, tools=[TOOL], messages=asked) as stream:
        events = list(stream)
        message = stream.current_message_snapshot
    told = [event.type for event in events if event.type != "content_block_delta"]
    assert [kind for kind, _ in groupby(told)] == [
        "message_start",
        *("content_block_start", "thinking", "signature", "content_block_stop"),
        *("content_block_start", "text", "content_block_stop"),
        *("content_block_start", "input_json", "content_block_stop"),
        *("message_delta", "message_stop"),
    ]
    pieces = [event for event in events if event.type == "input_json"]
    assert "".join(piece.partial_json for piece in pieces) == '{"city": "Oslo"}'
    assert pieces[-1].snapshot == {"city": "Oslo"}
    assert [event.snapshot for event in events if event.type == "text"][-1] == "Demo echo: Where?"
    stopped = [event.content_block for event in events if event.type == "content_block_stop"]
    assert stopped == message.content
    assert [block.type for block in stopped] == ["thinking", "text", "tool_use"]
    assert (stopped[0].thinking, stopped[0].signature) == ("Well then", "c2lnbmVk")
    assert (stopped[2].name, stopped[2].input) == ("find", {"city": "Oslo"})
    assert message.stop_reason == "tool_use"


def test_a_stream_is_what_would_have_come_whole(client: anthropic.Anthropic) -> None:
    asking = {**ASKING, "tools": [TOOL], "messages": prompt(CALL)}
    with client.messages.stream(**asking) as stream:
        streamed = stream.get_final_message()
    whole = client.messages.create(**asking)
    shapes = [message.model_dump(exclude={"id"}) for message in (streamed, whole)]
    for shape in shapes:
        for block in shape["content"]:
            assert block["type"] == "text" or block.pop("id").startswith("toolu_")
            block.pop("parsed_output", None)
    assert shapes[0] == shapes[1]


def test_raw_events(client: anthropic.Anthropic) -> None:
    """Without the helper: `create(stream=True)`."""
    with client.messages.create(**ASKING, stream=True, messages=prompt("[[deltas=2]] x")) as stream:
        types = [event.type for event in stream]
    assert types == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_leaving_early_harms_nobody(client: anthropic.Anthropic) -> None:
    for _ in range(3):
        asked = prompt("[[deltas=1000; gap=0.05]] a long story")
        with client.messages.stream(**ASKING, messages=asked) as stream:
            assert next(stream.text_stream)
        assert text_of(client.messages.create(**ASKING, messages=prompt("next"))) == "Demo echo: next"


@pytest.mark.parametrize(
    ("kind", "error"),
    [("overloaded_error", anthropic.OverloadedError), ("rate_limit_error", anthropic.RateLimitError)],
)
def test_a_stream_that_breaks_off(client: anthropic.Anthropic, kind: str, error: type[Exception]) -> None:
    asked = prompt(f"[[error={kind}; message=no luck; gap=0.01]] x")
    with (
        client.messages.stream(**ASKING, messages=asked) as stream,
        pytest.raises(anthropic.APIStatusError) as told,
    ):
        stream.get_final_message()
    assert (told.value.type, told.value.api_message) == (kind, "no luck")
    assert told.value.request_id == stream.request_id


async def test_the_asynchronous_client_under_trio(url: str) -> None:
    asked = prompt("[[deltas=4]] Hello, trio!")
    async with (
        anthropic.AsyncAnthropic(base_url=url, api_key="any", timeout=PATIENCE) as client,
        client.messages.stream(**ASKING, messages=asked) as stream,
    ):
        pieces = [text async for text in stream.text_stream]
        message = await stream.get_final_message()
    assert len(pieces) == 4
    assert "".join(pieces) == text_of(message) == "Demo echo: Hello, trio!"
