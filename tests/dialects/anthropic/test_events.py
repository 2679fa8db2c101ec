"""MessageAssembler: what a stream adds up to, and which streams are nonsense."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.dialects.anthropic import InvalidStream, MessageAssembler

from .streams import Json, events_of


def assemble(events: list[Json]) -> Json:
    assembler = MessageAssembler()
    *before, last = events
    for event in before:
        assert assembler.feed(event) is None
    message = assembler.feed(last)
    assert message is not None
    return message


def message(*content: Json, stop_reason: str = "end_turn", **more: Any) -> Json:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": list(content),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 2, "output_tokens": 9},
        **more,
    }


TEXT = {"type": "text", "text": "Hello"}
CITATION = {"type": "char_location", "cited_text": "H", "document_index": 0}
TOOL = {"type": "tool_use", "id": "toolu_1", "name": "get", "input": {"q": [1, {"a": "é"}]}}


@pytest.mark.parametrize(
    "whole",
    [
        message(TEXT),
        message(),
        message({"type": "text", "text": ""}),
        message({"type": "text", "text": "Hello", "citations": None}),
        message({"type": "text", "text": "Hello", "citations": [CITATION, CITATION]}),
        message({"type": "thinking", "thinking": "Hm", "signature": "c2ln"}, TEXT),
        message({"type": "thinking", "thinking": "", "signature": "c2ln"}, TEXT),
        message({"type": "redacted_thinking", "data": "b3BhcXVl"}, TEXT),
        message(TEXT, TOOL, {**TOOL, "id": "toolu_2", "input": {}}, stop_reason="tool_use"),
        message(
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
            {
                "type": "web_search_tool_result",
                "tool_use_id": "srvtoolu_1",
                "content": [{"url": "https://x"}],
            },
            {"type": "hologram", "depth": 3},
        ),
        message(TEXT, container={"id": "c_1"}, context_management={"applied_edits": []}),
        message(TEXT, stop_reason="stop_sequence", stop_sequence="\n\nHuman:"),
    ],
)
def test_a_streamed_message_is_the_message(whole: Json) -> None:
    events = list(events_of(whole, cut=list))
    before = copy.deepcopy(events)
    assert assemble(events) == whole
    assert events == before


def test_what_comes_with_message_delta_is_merged() -> None:
    start, *middle, delta, stop = events_of(message(TEXT))
    start["message"] = {
        **start["message"],
        "container": {"id": "c_0"},
        "usage": {"input_tokens": 3, "tier": "s"},
    }
    delta = {
        "type": "message_delta",
        "delta": {
            "stop_reason": "refusal",
            "stop_sequence": None,
            "container": None,
            "stop_details": {"a": 1},
        },
        "usage": {"output_tokens": 7, "input_tokens": None, "tier": None, "server_tool_use": None},
        "context_management": {"applied_edits": [1]},
    }
    assert assemble([start, *middle, delta, stop]) == {
        **message(TEXT),
        "stop_reason": "refusal",
        "stop_details": {"a": 1},
        "container": {"id": "c_0"},
        "context_management": {"applied_edits": [1]},
        "usage": {"input_tokens": 3, "tier": "s", "output_tokens": 7, "server_tool_use": None},
    }


def test_a_second_message_delta_counts_on() -> None:
    *most, stop = events_of(message(TEXT))
    again = {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 11}}
    whole = assemble([*most, again, stop])
    assert (whole["stop_reason"], whole["usage"]["output_tokens"]) == ("max_tokens", 11)


def test_unknown_events_may_come_anywhere() -> None:
    strange: Json = {"type": "telemetry", "index": 99}
    spread = [each for event in events_of(message(TEXT, TOOL)) for each in (strange, event)]
    assert assemble(spread) == message(TEXT, TOOL)


@pytest.mark.parametrize("stop_reason", ["max_tokens", "model_context_window_exceeded", "refusal"])
def test_an_input_cut_off_keeps_what_is_certain(stop_reason: str) -> None:
    events = list(events_of(message(TOOL, stop_reason=stop_reason), cut=list))
    cut_off = [e for i, e in enumerate(events) if e["type"] != "content_block_delta" or i < 15]
    assert assemble(cut_off)["content"] == [{**TOOL, "input": {"q": [1, {}]}}]


def test_a_compaction_block() -> None:
    start, *end = events_of(message())
    block = [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "compaction", "content": None}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "compaction_delta", "content": "So far"},
        },
        {"type": "content_block_stop", "index": 0},
    ]
    assert assemble([start, *block, *end])["content"] == [{"type": "compaction", "content": "So far"}]


START, BLOCK_START, _, DELTA, BLOCK_STOP, MESSAGE_DELTA, STOP = events_of(message(TEXT))
TOOL_START, TOOL_DELTA = (list(events_of(message(TOOL)))[i] for i in (1, 4))


def changed(event: Json, **keys: Any) -> Json:
    return {**event, **keys}


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([DELTA], "an event came before message_start"),
        ([STOP], "an event came before message_start"),
        ([START, START], "a second message_start"),
        ([changed(START, message=message(TEXT))], "message_start already has content"),
        ([START, DELTA], "an event is for block 0, which is not open"),
        ([START, BLOCK_STOP], "an event is for block 0, which is not open"),
        ([START, changed(BLOCK_START, index=1)], "block 1 starts where 0 is next"),
        ([START, BLOCK_START, changed(BLOCK_START, index=1)], "block 1 starts inside block 0"),
        ([START, BLOCK_START, changed(DELTA, index=1)], "an event is for block 1, which is not open"),
        ([START, BLOCK_START, BLOCK_STOP, DELTA], "an event is for block 0, which is not open"),
        ([START, BLOCK_START, BLOCK_STOP, BLOCK_START], "block 0 starts where 1 is next"),
        ([START, BLOCK_START, MESSAGE_DELTA], "message_delta inside block 0"),
        ([START, BLOCK_START, STOP], "message_stop inside block 0"),
        ([START, MESSAGE_DELTA, BLOCK_START], "block 0 starts after message_delta"),
        ([START, BLOCK_START, BLOCK_STOP, STOP], "message_stop without a stop_reason before it"),
        (
            [START, changed(MESSAGE_DELTA, delta={"stop_reason": None}), STOP],
            "message_stop without a stop_reason before it",
        ),
        ([START, MESSAGE_DELTA, STOP, STOP], "an event came after message_stop"),
        ([START, MESSAGE_DELTA, STOP, MESSAGE_DELTA], "an event came after message_stop"),
        (
            [START, BLOCK_START, changed(DELTA, delta={"type": "thinking_delta", "thinking": "Hm"})],
            "block 0 of type 'text' has a thinking_delta",
        ),
        (
            [START, BLOCK_START, changed(DELTA, delta={"type": "input_json_delta", "partial_json": "{}"})],
            "block 0 of type 'text' has a input_json_delta",
        ),
        ([START, TOOL_START, DELTA], "block 0 of type 'tool_use' has a text_delta"),
        (
            [START, BLOCK_START, changed(DELTA, delta={"type": "hologram_delta"})],
            "block 0 has a delta of unknown type 'hologram_delta'",
        ),
        (
            [
                START,
                TOOL_START,
                changed(TOOL_DELTA, delta={"type": "input_json_delta", "partial_json": '{"q": '}),
                BLOCK_STOP,
                MESSAGE_DELTA,
                STOP,
            ],
            "the input of block 0 is not valid JSON",
        ),
        (
            [START, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}],
            "the stream holds an error: {'type': 'overloaded_error', 'message': 'Overloaded'}",
        ),
        ([{}], "an event has no type"),
        ([{"type": 1}], "an event has no type"),
        ([{"type": "message_start"}], "message_start: malformed event: KeyError('message')"),
        ([changed(START, message=None)], "message_start: malformed event: TypeError("),
        (
            [START, changed(BLOCK_START, content_block={"text": ""})],
            "content_block_start: malformed event: KeyError(",
        ),
        ([START, changed(BLOCK_START, content_block={"type": None})], "block 0 has no type"),
        (
            [START, BLOCK_START, changed(DELTA, delta="Hello")],
            "content_block_delta: malformed event: TypeError(",
        ),
        (
            [START, BLOCK_START, changed(DELTA, delta={"type": "text_delta", "text": 5}), BLOCK_STOP],
            "content_block_stop: malformed event: TypeError(",
        ),
        (
            [START, {"type": "message_delta", "delta": {}}],
            "message_delta: malformed event: KeyError('usage')",
        ),
    ],
)
def test_nonsense(events: list[Json], why: str) -> None:
    assembler = MessageAssembler()
    for event in events[:-1]:
        assembler.feed(event)
    with pytest.raises(InvalidStream) as caught:
        assembler.feed(events[-1])
    assert str(caught.value).startswith(why)


def test_an_input_that_is_not_even_the_beginning_of_json() -> None:
    cut = changed(MESSAGE_DELTA, delta={"stop_reason": "max_tokens"})
    nonsense = changed(TOOL_DELTA, delta={"type": "input_json_delta", "partial_json": "{]"})
    assembler = MessageAssembler()
    for event in (START, TOOL_START, nonsense, BLOCK_STOP, cut):
        assembler.feed(event)
    with pytest.raises(InvalidStream, match="the input of block 0 is not the beginning of JSON"):
        assembler.feed(STOP)


TEXTS = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(TEXTS, children, max_size=3),
    max_leaves=5,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=3)
BLOCKS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, TEXTS),
    st.builds(
        lambda text, citations: {"type": "text", "text": text, "citations": citations},
        TEXTS,
        st.lists(OBJECTS),
    ),
    st.builds(lambda text, sign: {"type": "thinking", "thinking": text, "signature": sign}, TEXTS, TEXTS),
    st.builds(lambda data: {"type": "redacted_thinking", "data": data}, TEXTS),
    st.builds(
        lambda kind, value: {"type": kind, "id": "toolu_1", "name": "f", "input": value},
        st.sampled_from(["tool_use", "server_tool_use", "mcp_tool_use"]),
        OBJECTS,
    ),
    st.builds(lambda value: {"type": "web_fetch_tool_result", "content": value}, VALUES),
)


@given(st.lists(BLOCKS, max_size=4), st.dictionaries(st.just("container"), OBJECTS), st.data())
def test_any_message_in_any_pieces(blocks: list[Json], more: Json, data: st.DataObject) -> None:
    def cut(text: str) -> list[str]:
        places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=3)))
        return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]

    whole = message(*blocks, **more)
    assert assemble(list(events_of(whole, cut))) == whole


ANY_EVENTS = st.lists(
    st.sampled_from([START, BLOCK_START, DELTA, BLOCK_STOP, MESSAGE_DELTA, STOP, TOOL_START, TOOL_DELTA])
    | st.dictionaries(
        st.sampled_from(["type", "index", "delta", "usage", "message", "content_block"]),
        VALUES
        | st.sampled_from([e["type"] for e in (START, BLOCK_START, DELTA, BLOCK_STOP, MESSAGE_DELTA, STOP)]),
    ),
    max_size=12,
)


@given(ANY_EVENTS)
def test_any_events_give_a_whole_message_or_an_invalid_stream(events: list[Json]) -> None:
    assembler = MessageAssembler()
    for event in [START, *events]:
        try:
            done = assembler.feed(event)
        except InvalidStream:
            return
        assert done is None or done["stop_reason"] is not None
