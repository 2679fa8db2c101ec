"""ResponseStream: however an answer is cut into events, its last event is the whole answer's response."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from ccproxy_trio.dialects.anthropic import InvalidStream
from ccproxy_trio.dialects.failures import Failure, InvalidRequest
from ccproxy_trio.dialects.openai import ResponseStream, build_response, encode_response_event
from ccproxy_trio.dialects.sse import EventDecoder

from ...anthropic.streams import events_of
from ..test_chunks import BLOCKS, STOPS, USAGES, message
from .asks import ask

Json = dict[str, Any]
CREATED = 1_700_000_000
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
PLAIN = ask(reasoning={"effort": "low"})
SUMMARIZED = ask(reasoning={"effort": "low", "summary": "auto"}, instructions="Be brief.")
DETAILS = st.none() | st.sampled_from([{"type": "refusal", "explanation": e} for e in (None, "No.")])


def told_of(events: list[Json], request: Any = PLAIN) -> list[Json]:
    stream = ResponseStream(request, lambda: CREATED)
    told = [each for event in events for each in stream.feed(event)]
    assert stream.done
    return told


def put_together(events: list[Json]) -> list[Json]:
    """The output that the deltas make, with what each `done` says of them checked."""
    output: list[Json] = []
    for event in events:
        match event["type"].removeprefix("response."):
            case "output_item.added":
                assert event["output_index"] == len(output)
                assert event["item"]["status"] == "in_progress"
                output.append(copy.deepcopy(event["item"]))
            case "content_part.added":
                output[-1]["content"].append(copy.deepcopy(event["part"]))
            case "reasoning_summary_part.added":
                output[-1]["summary"].append(copy.deepcopy(event["part"]))
            case "output_text.delta":
                output[-1]["content"][event["content_index"]]["text"] += event["delta"]
            case "refusal.delta":
                output[-1]["content"][event["content_index"]]["refusal"] += event["delta"]
            case "reasoning_summary_text.delta":
                output[-1]["summary"][event["summary_index"]]["text"] += event["delta"]
            case "function_call_arguments.delta":
                output[-1]["arguments"] += event["delta"]
            case "output_text.done":
                assert output[-1]["content"][event["content_index"]]["text"] == event["text"]
            case "refusal.done":
                assert output[-1]["content"][event["content_index"]]["refusal"] == event["refusal"]
            case "content_part.done":
                assert output[-1]["content"][event["content_index"]] == event["part"]
            case "reasoning_summary_text.done":
                assert output[-1]["summary"][event["summary_index"]]["text"] == event["text"]
            case "reasoning_summary_part.done":
                assert output[-1]["summary"][event["summary_index"]] == event["part"]
            case "function_call_arguments.done":
                assert output[-1]["arguments"] == event["arguments"]
            case "output_item.done":
                news = {"status": event["item"]["status"]}
                if event["item"]["type"] == "reasoning":
                    news["encrypted_content"] = event["item"]["encrypted_content"]
                output[-1] |= news
                assert output[-1] == event["item"]
            case _:
                pytest.fail(event["type"])
        assert event.get("item_id", output[-1]["id"]) == output[-1]["id"]
        assert event["output_index"] == len(output) - 1
    return output


@given(st.lists(BLOCKS, max_size=4), STOPS, DETAILS, USAGES, st.sampled_from([PLAIN, SUMMARIZED]), st.data())
def test_any_answer_in_any_pieces(
    blocks: list[Json], stop: str, details: Json | None, usage: Json, request: Any, data: st.DataObject
) -> None:
    def cut(text: str) -> list[str]:
        places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=3)))
        return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]

    numbered = [
        {**block, "id": f"{block['id']}_{n}"} if "id" in block else block for n, block in enumerate(blocks)
    ]
    whole = message(*numbered, stop_reason=stop, **usage)
    before = copy.deepcopy(whole)
    events = list(events_of(whole, cut))
    whole["stop_details"] = events[-2]["delta"]["stop_details"] = details
    told = told_of(events, request)
    response = build_response(whole, request, CREATED, CREATED)
    created, begun, *said, last = told
    assert (created["type"], begun["type"]) == ("response.created", "response.in_progress")
    assert last["type"] == f"response.{response['status']}"
    assert last["response"] == response
    assert put_together(said) == response["output"]
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    assert {key: whole[key] for key in before} == before
    # The pieces change where deltas begin and end, and nothing else.
    again = list(events_of(before))
    again[-2]["delta"]["stop_details"] = details
    assert without_pieces(told_of(again, request)) == without_pieces(told)
    # The official client takes all of it.
    Response.model_validate(response, strict=True)
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=[], text_format=omit)
    for event in told:
        state.handle_event(EVENT.validate_python(event, strict=True))


def without_pieces(events: list[Json]) -> list[Json]:
    kept = [event for event in events if not event["type"].endswith(".delta")]
    return [{key: value for key, value in event.items() if key != "sequence_number"} for event in kept]


def kinds(events: list[Json]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def test_each_event_is_told_at_once() -> None:
    stream = ResponseStream(SUMMARIZED, lambda: CREATED)
    thinking = {"type": "thinking", "thinking": "ab", "signature": "c2ln"}
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    whole = message(thinking, {"type": "text", "text": "cd"}, call, stop_reason="tool_use")
    told = [kinds(stream.feed(event)) for event in events_of(whole, list)]
    assert [each for each in told if each] == [
        ["created", "in_progress"],
        ["output_item.added"],
        ["reasoning_summary_part.added", "reasoning_summary_text.delta"],
        ["reasoning_summary_text.delta"],
        # With its first character: until then there may be none.
        [
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
        ],
        ["output_text.delta"],
        ["output_text.done", "content_part.done", "output_item.done", "output_item.added"],
        ["function_call_arguments.delta", "function_call_arguments.done", "output_item.done", "completed"],
    ]


def test_a_call_that_was_cut_off_keeps_its_arguments_as_they_came() -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"q": [1, 2]}}
    events = [
        event
        for number, event in enumerate(events_of(message(call, stop_reason="max_tokens"), list))
        if event["type"] != "content_block_delta" or number < 9
    ]
    response = told_of(events)[-1]["response"]
    [item] = response["output"]
    assert (item["arguments"], item["status"]) == ('{"q":', "incomplete")
    assert (response["status"], response["incomplete_details"]) == (
        "incomplete",
        {"reason": "max_output_tokens"},
    )


def test_an_input_that_a_call_begins_with() -> None:
    start, _, *rest = events_of(message({"type": "tool_use", "id": "t", "name": "f", "input": {}}))
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
    events = [start, {"type": "content_block_start", "index": 0, "content_block": block}, *rest]
    [item] = told_of(events)[-1]["response"]["output"]
    assert item["arguments"] == '{"a":1}'


def test_what_belongs_to_another_block_is_no_part_of_the_open_item() -> None:
    text, search = (
        {"type": "text", "text": "a"},
        {"type": "server_tool_use", "id": "s", "name": "x", "input": {"q": 1}},
    )
    response = told_of(list(events_of(message(text, search, text))))[-1]["response"]
    assert [part["text"] for item in response["output"] for part in item["content"]] == ["aa"]


def test_frames() -> None:
    told = told_of(list(events_of(message({"type": "text", "text": "é\n\nb"}))))
    framed = EventDecoder().feed(b"".join(map(encode_response_event, told)))
    assert [orjson.loads(event.data) for event in framed] == told
    assert [event.name for event in framed] == [event["type"] for event in told]
    assert (
        encode_response_event({"type": "x", "a": "é"}) == 'event: x\ndata: {"type":"x","a":"é"}\n\n'.encode()
    )


START, BLOCK_START, _, DELTA, BLOCK_STOP, END, STOP = events_of(message({"type": "text", "text": "Hi"}))
OUTSIDE = "an event came outside of the message"


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([BLOCK_START], OUTSIDE),
        ([DELTA], OUTSIDE),
        ([END], OUTSIDE),
        ([STOP], OUTSIDE),
        ([START, START], "a second message_start"),
        ([START, BLOCK_START, BLOCK_STOP, END, STOP, STOP], OUTSIDE),
        ([START, BLOCK_START, BLOCK_STOP, STOP], "message_stop without a stop_reason before it"),
        ([START, BLOCK_START, BLOCK_STOP, DELTA], "content_block_delta: malformed event: KeyError('type')"),
        ([{"type": "message_start"}], "message_start: malformed event: KeyError('message')"),
        ([START, {**BLOCK_START, "content_block": 5}], "content_block_start: malformed event: TypeError("),
        ([START, {"type": "error", "error": {"type": "x"}}], "the stream holds an error: {'type': 'x'}"),
    ],
)
def test_nonsense(events: list[Json], why: str) -> None:
    stream = ResponseStream(PLAIN, lambda: CREATED)
    for event in events[:-1]:
        stream.feed(event)
    with pytest.raises(InvalidStream) as caught:
        stream.feed(events[-1])
    assert str(caught.value).startswith(why)


@pytest.mark.parametrize(
    ("error", "code", "failed"),
    [
        (Failure(529, "?"), "server_is_overloaded", "server_error"),
        (Failure(500, "?"), "server_error", "server_error"),
        (Failure(429, "?"), "rate_limit_exceeded", "rate_limit_exceeded"),
        (Failure(402, "?"), "insufficient_quota", "rate_limit_exceeded"),
        (Failure(400, "?"), "invalid_request_error", "invalid_prompt"),
        (InvalidRequest("", "?"), "invalid_request_error", "invalid_prompt"),
    ],
)
def test_a_stream_that_broke_off(error: Any, code: str, failed: str) -> None:
    stream = ResponseStream(SUMMARIZED, lambda: CREATED)
    thought = {"type": "thinking", "thinking": "a", "signature": "c2ln"}
    events = list(events_of(message(thought, {"type": "text", "text": "abc"}), list))
    told = [each for event in events[:-4] for each in stream.feed(event)]
    last = stream.fail(error)
    for event in last:
        EVENT.validate_python(event, strict=True)
    assert [event["sequence_number"] for event in told + last] == list(range(len(told) + 2))
    failure, said = last
    response = failure["response"]
    assert failure["type"] == "response.failed"
    assert (response["status"], response["error"]) == ("failed", {"code": failed, "message": "?"})
    assert [item["type"] for item in response["output"]] == ["reasoning"]  # what had come to its end
    told_error = {"code": code, "message": "?", "param": None}
    kind = said["error"].pop("type")
    assert said == {"type": "error", **told_error, "error": told_error, "sequence_number": len(told) + 1}
    assert kind in {"server_error", "rate_limit_error", "insufficient_quota", "invalid_request_error"}
    assert stream.done
    assert stream.fail(error) == []


def test_a_failure_before_the_answer_began() -> None:
    [event] = ResponseStream(PLAIN, lambda: CREATED).fail(Failure(503, "a \udcff"))
    assert (event["type"], event["sequence_number"], event["message"]) == ("error", 0, "a ?")
    encode_response_event(event)


def test_a_failure_after_the_end() -> None:
    stream = ResponseStream(PLAIN, lambda: CREATED)
    for event in events_of(message({"type": "text", "text": "Hi"})):
        stream.feed(event)
    assert stream.fail(Failure(500, "?")) == []


def test_when_it_was_created_and_completed() -> None:
    for stop, completed in {"end_turn": 7, "tool_use": 7, "max_tokens": None, "refusal": None}.items():
        stream = ResponseStream(PLAIN, partial(next, iter((5, 7))))
        whole = message({"type": "text", "text": "Hi"}, stop_reason=stop)
        begun, *_, last = (told for event in events_of(whole) for told in stream.feed(event))
        times = [(told["response"]["created_at"], told["response"]["completed_at"]) for told in (begun, last)]
        assert times == [(5, None), (5, completed)]
        assert build_response(whole, PLAIN, 5, 7)["completed_at"] == completed


def test_an_input_that_is_too_long() -> None:
    stream = ResponseStream(PLAIN, lambda: CREATED)
    [told] = stream.fail(Failure(400, "prompt is too long: 210000 tokens > 200000 maximum"))
    assert (told["code"], told["param"]) == ("context_length_exceeded", "input")
