"""ChunkStream: however an answer is cut into events, its chunks put together are the whole answer's completion."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from ccproxy_trio.dialects.anthropic import InvalidStream
from ccproxy_trio.dialects.openai import DONE, ChunkStream, build_completion, encode_chunk
from ccproxy_trio.dialects.sse import EventDecoder

from ..anthropic.streams import events_of

Json = dict[str, Any]
CREATED = 1_700_000_000


def message(*content: Json, stop_reason: str = "end_turn", **usage: Any) -> Json:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": list(content),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 2, "output_tokens": 9, **usage},
    }


def chunks_of(events: list[Json], *, show_thinking: bool) -> list[Json]:
    stream = ChunkStream(CREATED, include_usage=True, show_thinking=show_thinking)
    chunks = [chunk for event in events for chunk in stream.feed(event)]
    assert stream.done
    return chunks


def put_together(chunks: list[Json]) -> Json:
    """The completion that the chunks make, as OpenAI's documentation tells clients to put them together."""
    *body, last = chunks
    answer: Json = {}
    calls: list[Json] = []
    for chunk in body:
        [choice] = chunk["choices"]
        for key, value in choice["delta"].items():
            if key != "tool_calls":
                answer[key] = value if answer.get(key) is None else answer[key] + value
        for delta in choice["delta"].get("tool_calls", []):
            function = delta["function"]
            if delta["index"] == len(calls):
                calls.append({"id": delta["id"], "type": delta["type"], "function": dict(function)})
            else:
                calls[delta["index"]]["function"]["arguments"] += function["arguments"]
    [finish] = [c["choices"][0]["finish_reason"] for c in body if c["choices"][0]["finish_reason"]]
    assert body[-1]["choices"][0] == {"index": 0, "delta": {}, "logprobs": None, "finish_reason": finish}
    assert last["choices"] == []
    if calls:
        answer["tool_calls"] = calls
    choice = {"index": 0, "message": answer, "logprobs": None, "finish_reason": finish}
    return {**last, "object": "chat.completion", "choices": [choice]}


TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
OBJECTS = st.dictionaries(TEXTS, st.integers(-9, 9) | TEXTS | st.lists(TEXTS, max_size=2), max_size=2)
BLOCKS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, TEXTS),
    st.builds(lambda text: {"type": "thinking", "thinking": text, "signature": "c2ln"}, TEXTS),
    st.just({"type": "redacted_thinking", "data": "b3BhcXVl"}),
    st.builds(
        lambda n, value: {"type": "tool_use", "id": f"toolu_{n}", "name": "f", "input": value},
        st.integers(0, 99),
        OBJECTS,
    ),
    st.just({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}),
    st.just({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}),
)
USAGES = st.fixed_dictionaries(
    {},
    optional={
        "cache_creation_input_tokens": st.none() | st.integers(0, 9),
        "output_tokens_details": st.none() | st.just({"thinking_tokens": 4}),
        "service_tier": st.sampled_from(["standard", "priority", "batch", None]),
    },
)
STOPS = st.sampled_from(
    ["end_turn", "stop_sequence", "tool_use", "max_tokens", "refusal", "model_context_window_exceeded", "new"]
)


@given(st.lists(BLOCKS, max_size=4), STOPS, USAGES, st.booleans(), st.data())
def test_any_answer_in_any_pieces(
    blocks: list[Json], stop: str, usage: Json, show: bool, data: st.DataObject
) -> None:
    def cut(text: str) -> list[str]:
        places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=3)))
        return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]

    whole = message(*blocks, stop_reason=stop, **usage)
    before = copy.deepcopy(whole)
    events = list(events_of(whole, cut))
    chunks = chunks_of(events, show_thinking=show)
    completion = build_completion(whole, CREATED, show_thinking=show)
    assert put_together(chunks) == completion
    assert whole == before
    ChatCompletion.model_validate(completion, strict=True)
    state = ChatCompletionStreamState()  # the official client's own way to put them together
    for chunk in chunks:
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk, strict=True))
    official = state.current_completion_snapshot.choices[0]
    assert official.message.content == completion["choices"][0]["message"]["content"]
    assert official.finish_reason == completion["choices"][0]["finish_reason"]
    # The pieces change where chunks begin and end, and nothing else.
    assert put_together(chunks_of(list(events_of(whole)), show_thinking=show)) == completion


def test_each_event_is_told_at_once() -> None:
    whole = message({"type": "text", "text": "abc"})
    stream = ChunkStream(CREATED)
    told = [
        [choice["delta"] for chunk in stream.feed(event) for choice in chunk["choices"]]
        for event in events_of(whole, list)
    ]
    role = {"role": "assistant", "content": "", "refusal": None}
    assert told == [[], [role], [], [{"content": "a"}], [{"content": "b"}], [{"content": "c"}], [], [], [{}]]


def test_a_call_that_was_cut_off_keeps_its_arguments_as_they_came() -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"q": [1, 2]}}
    events = [
        event
        for number, event in enumerate(events_of(message(call, stop_reason="max_tokens"), list))
        if event["type"] != "content_block_delta" or number < 9
    ]
    completion = put_together(chunks_of(events, show_thinking=False))
    [choice] = completion["choices"]
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"q":'}
    assert choice["finish_reason"] == "length"


def test_an_input_that_a_call_begins_with() -> None:
    start, _, *rest = events_of(message({"type": "tool_use", "id": "t", "name": "f", "input": {}}))
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
    events = [start, {"type": "content_block_start", "index": 0, "content_block": block}, *rest]
    completion = put_together(chunks_of(events, show_thinking=False))
    assert completion["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"a":1}'


def test_a_text_that_a_block_begins_with() -> None:
    events = list(events_of(message({"type": "text", "text": "b"}, {"type": "text", "text": "d"})))
    for event, text in zip((e for e in events if e["type"] == "content_block_start"), "ac", strict=True):
        event["content_block"] = {"type": "text", "text": text}
    completion = put_together(chunks_of(events, show_thinking=False))
    assert completion["choices"][0]["message"]["content"] == "abcd"


def test_frames() -> None:
    chunks = chunks_of(list(events_of(message({"type": "text", "text": "é\n\nb"}))), show_thinking=False)
    framed = EventDecoder().feed(b"".join(map(encode_chunk, chunks)) + DONE)
    assert [orjson.loads(event.data) for event in framed[:-1]] == chunks
    assert framed[-1].data == "[DONE]"
    assert encode_chunk({"a": "é"}) == 'data: {"a":"é"}\n\n'.encode()


START, BLOCK_START, _, DELTA, BLOCK_STOP, END, STOP = events_of(message({"type": "text", "text": "Hi"}))


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([BLOCK_START], "an event came outside of the message"),
        ([START, START], "a second message_start"),
        ([START, BLOCK_START, BLOCK_STOP, END, STOP, STOP], "an event came outside of the message"),
        ([START, STOP], "message_stop without a stop_reason before it"),
        ([{}], "an event has no type"),
        ([{"type": "message_start"}], "message_start: malformed event: KeyError('message')"),
        ([START, {**BLOCK_START, "content_block": 5}], "content_block_start: malformed event: TypeError("),
        ([START, {"type": "error", "error": {"type": "x"}}], "the stream holds an error: {'type': 'x'}"),
    ],
)
def test_nonsense(events: list[Json], why: str) -> None:
    stream = ChunkStream(CREATED)
    for event in events[:-1]:
        stream.feed(event)
    with pytest.raises(InvalidStream) as caught:
        stream.feed(events[-1])
    assert str(caught.value).startswith(why)
