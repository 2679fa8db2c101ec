"""The stream-json protocol: lines in any pieces, frames of every kind, and errors that quote nothing."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.claude.frames import (
    ControlRequest,
    ControlResponse,
    ErrorNote,
    FrameError,
    LineSplitter,
    RateLimit,
    Result,
    StreamEvent,
    Unknown,
    assistant_frame,
    control_frame,
    parse_frame,
    refusal_frame,
    user_frame,
)


@given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line)), st.data())
def test_any_split_of_the_stream_gives_the_same_lines(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    splitter = LineSplitter()
    got = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += splitter.feed(stream[start:end])
    assert got == lines


@pytest.mark.parametrize("chunk", [b"x" * 11, b"x" * 11 + b"\n"], ids=["endless", "ended"])
def test_a_line_above_the_limit_is_an_error(chunk: bytes) -> None:
    assert LineSplitter(10).feed(b"x" * 10 + b"\n") == [b"x" * 10]
    with pytest.raises(FrameError, match="a line longer than 10 bytes"):
        LineSplitter(10).feed(chunk)
    pieces = LineSplitter(10)
    pieces.feed(b"x" * 6)
    with pytest.raises(FrameError):
        pieces.feed(chunk[5:])


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        ({"type": "stream_event", "event": {"type": "ping"}}, StreamEvent({"type": "ping"})),
        (
            {"type": "stream_event", "event": {"type": "message_start"}, "user_message_uuid": "U"},
            StreamEvent({"type": "message_start"}, "U"),
        ),
        (
            {
                "type": "control_response",
                "response": {"subtype": "success", "request_id": "R", "response": {"a": 1}},
            },
            ControlResponse("R", {"a": 1}, None),
        ),
        (
            {"type": "control_response", "response": {"subtype": "success", "request_id": "R"}},
            ControlResponse("R", {}, None),
        ),
        (
            {"type": "control_response", "response": {"subtype": "error", "request_id": "R", "error": "no"}},
            ControlResponse("R", {}, "no"),
        ),
        (
            {"type": "control_request", "request_id": "Q", "request": {"subtype": "can_use_tool"}},
            ControlRequest("Q", "can_use_tool"),
        ),
        (
            {
                "type": "assistant",
                "error": "rate_limit",
                "api_error_status": 429,
                "api_error_type": "rate_limit_error",
                "request_id": "req_1",
                "message": {"content": [{"type": "text", "text": "API Error: 429"}]},
            },
            ErrorNote("rate_limit", "API Error: 429", 429, "rate_limit_error", "req_1"),
        ),
        (
            {"type": "result", "is_error": True, "num_turns": 1, "result": "no", "api_error_status": 500},
            Result(True, "no", 1, 500),
        ),
        ({"type": "result", "is_error": False, "num_turns": 0}, Result(False, "", 0, None)),
        (
            {"type": "result", "is_error": False, "num_turns": 1, "total_cost_usd": 0.25},
            Result(False, "", 1, None, 0.25),
        ),
        (
            {"type": "result", "is_error": False, "num_turns": 1, "total_cost_usd": -1},
            Result(False, "", 1, None, None),
        ),
        (
            {"type": "result", "is_error": False, "num_turns": 1, "total_cost_usd": True},
            Result(False, "", 1, None, None),
        ),
        ({"type": "system", "subtype": "init"}, Unknown("system", {"type": "system", "subtype": "init"})),
        (
            {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 7}},
            RateLimit(True, 7),
        ),
        ({"type": "rate_limit_event", "rate_limit_info": {"status": "allowed"}}, RateLimit(False, None)),
        ({"type": "of tomorrow"}, Unknown("of tomorrow", {"type": "of tomorrow"})),
        ({}, Unknown("", {})),
    ],
)
def test_a_line_becomes_a_frame(line: dict[str, object], frame: object) -> None:
    assert parse_frame(json.dumps(line).encode()) == frame


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{secret", "a line of 7 bytes that is not JSON"),
        (b"\xff\xfe", "a line of 2 bytes that is not JSON"),
        (b"[1]", "a JSON list where an object is due"),
        (b'{"type":"stream_event"}', "a frame of type stream_event without a proper 'event'"),
        (
            b'{"type":"stream_event","event":{"secret":1}}',
            "a frame of type stream_event without a proper event",
        ),
        (b'{"type":"control_response","response":"secret"}', "a frame of type control_response"),
        (
            b'{"type":"control_request","request_id":7,"request":{"subtype":"s"}}',
            "a frame of type control_request",
        ),
        (b'{"type":"result"}', "a frame of type result without a proper 'is_error'"),
    ],
)
def test_what_is_no_frame_is_an_error_that_does_not_quote_it(line: bytes, message: str) -> None:
    with pytest.raises(FrameError) as caught:
        parse_frame(line)
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


KEYS = [
    "type",
    "event",
    "response",
    "request",
    "request_id",
    "subtype",
    "error",
    "message",
    "content",
    "result",
]
KINDS = ["stream_event", "control_response", "control_request", "assistant", "rate_limit_event", "result"]
HELD = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["success", "x", *KINDS]),
    lambda inside: st.lists(inside, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inside, max_size=3),
    max_leaves=6,
)
FRAMES = st.builds(
    lambda fields, kind: {**fields, "type": kind},
    st.dictionaries(st.sampled_from([*KEYS, "rate_limit_info", "is_error", "num_turns"]), HELD, max_size=4),
    st.sampled_from(KINDS),
)


@given(st.binary() | FRAMES.map(lambda frame: json.dumps(frame).encode()))
def test_no_line_breaks_the_parser(line: bytes) -> None:
    with suppress(FrameError):
        parse_frame(line)


def test_what_is_sent() -> None:
    text = [{"type": "text", "text": "two\nlines \u2028"}]
    frames = [
        user_frame(text, "U", query=True),
        user_frame(text, "U", query=False),
        assistant_frame(text, "opus"),
        control_frame("R", "set_model", model="opus"),
        refusal_frame("Q"),
    ]
    assert all(frame.count(b"\n") == 1 and frame.endswith(b"\n") for frame in frames)
    asked, appended, answered, control, refusal = map(json.loads, frames)
    assert asked == {
        "type": "user",
        "message": {"role": "user", "content": text},
        "parent_tool_use_id": None,
        "session_id": "",
        "uuid": "U",
        "client_composed": True,
    }
    assert appended == {**asked, "shouldQuery": False}
    assert answered["message"] == {"role": "assistant", "model": "opus", "content": text}
    assert control == {
        "type": "control_request",
        "request_id": "R",
        "request": {"subtype": "set_model", "model": "opus"},
    }
    assert refusal["response"]["subtype"] == "error"
    assert refusal["response"]["request_id"] == "Q"


def test_a_line_of_64_mib_is_fine() -> None:
    splitter = LineSplitter()
    piece = b"x" * 65536
    assert all(splitter.feed(piece) == [] for _ in range(1024))
    (line,) = splitter.feed(b"\n")
    assert len(line) == 64 * 2**20
    assert splitter.feed(b"next\n") == [b"next"]
