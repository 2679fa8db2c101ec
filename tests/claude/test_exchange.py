"""The state machine of a conversation: what a turn is, and everything that is refused as nonsense."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.claude.errors import InstanceNonsense, NotRewound
from ccproxy_trio.claude.exchange import Exchange, State
from ccproxy_trio.claude.frames import (
    ControlRequest,
    ControlResponse,
    ErrorNote,
    Frame,
    FrameError,
    RateLimit,
    Result,
    StreamEvent,
    Unknown,
    parse_frame,
)
from ccproxy_trio.dialects.failures import Failure

TEXT = [{"type": "text", "text": "hello"}]
INIT = Unknown("system", {"type": "system", "subtype": "init"})
DONE = Result(is_error=False, text="", num_turns=1, api_error_status=None)
APPENDED = Result(is_error=False, text="", num_turns=0, api_error_status=None)
ABORTED = Result(is_error=True, text="", num_turns=2, api_error_status=None)


def event(kind: str, **fields: Any) -> StreamEvent:
    return StreamEvent({"type": kind, **fields})


def stop(reason: str | None) -> StreamEvent:
    return event("message_delta", delta={"stop_reason": reason})


START, STOP = event("message_start"), event("message_stop")


def answered(request_id: str, **response: Any) -> ControlResponse:
    return ControlResponse(request_id, response, None)


def feed(exchange: Exchange, *frames: Frame) -> None:
    for frame in frames:
        exchange.feed(frame)


def asked(*frames: Frame) -> Exchange:
    exchange = Exchange()
    exchange.ask(TEXT)
    feed(exchange, *frames)
    return exchange


def test_a_turn_is_the_events_up_to_the_first_message_stop() -> None:
    delta = event("content_block_delta", delta={"type": "text_delta", "text": "Hi"})
    exchange = asked(INIT, START, delta)
    assert exchange.take_events() == [START.event, delta.event]
    assert exchange.streaming
    assert not exchange.finished
    feed(exchange, stop("end_turn"), STOP)
    assert [e["type"] for e in exchange.take_events()] == ["message_delta", "message_stop"]
    assert exchange.finished
    assert not exchange.would_go_on
    feed(exchange, event("message_start"), delta)  # the CLI's own loop
    assert exchange.take_events() == []
    feed(exchange, DONE)
    assert exchange.quiet
    assert exchange.failure is None


def test_what_was_asked_has_begun_when_the_cli_says_so() -> None:
    exchange = Exchange()
    exchange.append(TEXT)
    feed(exchange, INIT, APPENDED)  # which is the history's
    assert not exchange.begun
    exchange.ask(TEXT)
    assert not exchange.begun
    feed(exchange, INIT)
    assert exchange.begun
    assert asked(DONE).begun  # in whatever way it ended
    given_up = asked()
    given_up.rewind()
    assert given_up.begun


SAID = event("content_block_delta", delta={"type": "text_delta", "text": "Hi"})
BLANK = event("content_block_delta", delta={"type": "text_delta", "text": " \n"})
THOUGHT = event("content_block_delta", delta={"type": "thinking_delta", "thinking": "Hm"})
CALL = event("content_block_start", content_block={"type": "tool_use", "id": "t", "name": "f", "input": {}})
WHOLE = event("content_block_start", content_block={"type": "text", "text": "all at once"})


@pytest.mark.parametrize(
    ("pieces", "reason", "goes_on"),
    [
        ([SAID], "end_turn", False),
        ([WHOLE], "end_turn", False),
        ([SAID], "stop_sequence", False),
        ([BLANK, SAID], "end_turn", False),
        ([], "end_turn", True),
        ([BLANK], "end_turn", True),
        ([THOUGHT], "stop_sequence", True),
        ([], "pause_turn", False),
        ([CALL], "tool_use", False),
        ([SAID, CALL], "max_tokens", False),
        ([], "tool_use", True),
        ([SAID], "max_tokens", True),
        ([SAID], "refusal", True),
        ([SAID], "of tomorrow", True),
    ],
)
def test_an_end_that_the_cli_would_go_on_from_is_told(
    pieces: list[StreamEvent], reason: str, *, goes_on: bool
) -> None:
    assert asked(INIT, START, *pieces, stop(reason), STOP).would_go_on is goes_on


def test_what_the_cli_calls_the_model_is_known_from_the_first_message_on() -> None:
    exchange = Exchange()
    assert exchange.model == ""
    exchange.append([])
    feed(exchange, Unknown("system", {"subtype": "init", "model": "claude-x[1m]"}), APPENDED)
    assert exchange.model == "claude-x[1m]"


def test_at_rest_again_only_by_a_confirmed_rewind() -> None:
    exchange = asked(INIT, START, stop("end_turn"), STOP, DONE)
    request_id, frame = exchange.rewind()
    request = json.loads(frame)["request"]
    assert request["target_message_uuid"] == request["last_seen_user_message_uuid"]
    assert not exchange.untouched
    feed(exchange, answered(request_id, rewound=True))
    response = exchange.answer(request_id)
    assert response is not None
    renewed = exchange.after_rewind(response)
    assert renewed.untouched
    assert renewed.state is State.REST


def test_a_rewind_goes_from_the_first_message_to_the_last() -> None:
    exchange = Exchange()
    first = json.loads(exchange.append(TEXT))["uuid"]
    feed(exchange, INIT, APPENDED)
    exchange.append(TEXT)
    feed(exchange, INIT, APPENDED)
    last = json.loads(exchange.ask(TEXT))["uuid"]
    request = json.loads(exchange.rewind()[1])["request"]
    assert (request["target_message_uuid"], request["last_seen_user_message_uuid"]) == (first, last)
    assert request["interrupt_if_running"] is True


def test_a_rewind_breaks_a_turn_off() -> None:
    exchange = asked(INIT, START)
    request_id, _ = exchange.rewind()
    feed(exchange, stop(None), STOP, ABORTED, answered(request_id, rewound=True))
    response = exchange.answer(request_id)
    assert response is not None
    exchange.after_rewind(response)
    assert exchange.failure is None


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (ControlResponse("R", {"rewound": False, "reason": "stale_target"}, None), "stale_target"),
        (ControlResponse("R", {}, None), "no reason given"),
        (ControlResponse("R", {"rewound": "yes"}, None), "no reason given"),
        (ControlResponse("R", {"rewound": False, "reason": "what was said"}, None), "no reason given"),
        (ControlResponse("R", {}, "Unsupported control request"), "no reason given"),
        (ControlResponse("R", {"rewound": True}, "out of memory"), "no reason given"),
    ],
)
def test_an_unconfirmed_rewind_is_an_error(response: ControlResponse, message: str) -> None:
    exchange = asked(INIT, START, stop("end_turn"), STOP, DONE)
    with pytest.raises(NotRewound, match=message):
        exchange.after_rewind(response)


def test_a_rewind_while_a_result_is_due_is_an_error() -> None:
    exchange = asked(INIT, START, stop("end_turn"), STOP)
    request_id, _ = exchange.rewind()
    with pytest.raises(InstanceNonsense, match="before what it broke off had ended"):
        exchange.feed(answered(request_id, rewound=True))


def test_a_rewind_while_an_answer_is_due_is_an_error() -> None:
    exchange = asked(INIT, START, stop("end_turn"), STOP, DONE)
    exchange.control("get_binary_version")
    request_id, _ = exchange.rewind()
    exchange.feed(answered(request_id, rewound=True))
    with pytest.raises(NotRewound, match="still running"):
        exchange.after_rewind(answered(request_id, rewound=True))


@pytest.mark.parametrize(
    "frames",
    [
        (INIT, START, event("content_block_start"), stop(None)),
        (INIT, START, STOP),
        (INIT, START, DONE),
    ],
    ids=["delta without a reason", "stop without a delta", "result without a stop"],
)
def test_a_stream_that_broke_off_never_ends_in_a_clean_way(frames: tuple[Frame, ...]) -> None:
    exchange = asked(*frames)
    assert exchange.failure is not None
    assert (exchange.failure.status, exchange.failure.message) == (
        502,
        "the upstream API broke off its answer",
    )
    kinds = [e["type"] for e in exchange.take_events()]
    assert "message_stop" not in kinds
    assert "message_delta" not in kinds


def test_a_broken_stream_is_told_as_the_cli_told_it() -> None:
    note = ErrorNote("server_error", "API Error: 529 Overloaded.", 529, "overloaded_error", "req_7")
    failure = asked(INIT, START, note, stop(None), STOP).failure
    assert failure is not None
    assert (failure.status, failure.request_id) == (529, "req_7")


def test_an_answer_to_what_was_left_of_a_refused_question_is_no_answer() -> None:
    """Measured: an image that the API refuses is taken out, and the rest is asked; the note comes first."""
    text = "Image was too large. Try resizing the image or using a different approach."
    note = ErrorNote("invalid_request", text, 400, "invalid_request_error", "req_4")
    exchange = asked(INIT, note, START, stop("end_turn"), STOP, DONE)
    assert exchange.failure is not None
    assert (exchange.failure.status, exchange.failure.request_id) == (400, "req_4")
    assert exchange.take_events() == []
    assert exchange.would_go_on


def test_what_the_cli_says_of_the_history_is_no_failure_of_the_turn() -> None:
    exchange = Exchange()
    exchange.append(TEXT)
    feed(exchange, INIT, ErrorNote("unknown", "API Error: odd", None, None, None), APPENDED)
    exchange.ask(TEXT)
    feed(exchange, INIT, START)
    assert exchange.streaming


def test_a_request_that_was_held_back_is_not_what_happened() -> None:
    """Measured: the connection lost after a whole block, and the CLI's own request to go on kept in."""
    named = Unknown("assistant", {"type": "assistant", "request_id": "req_5"})
    held_back = ErrorNote("unknown", "API Error: Invalid URL", None, None, None)
    result = Result(is_error=True, text=held_back.text, num_turns=2, api_error_status=None)
    ends: list[tuple[Frame, ...]] = [(held_back, STOP), (STOP, held_back), (held_back, result)]
    for end in ends:
        failure = asked(INIT, START, named, event("content_block_stop"), *end).failure
        assert failure == Failure(502, "the upstream API broke off its answer", request_id="req_5")


def test_an_api_error_is_the_turns_failure() -> None:
    note = ErrorNote("rate_limit", "API Error: 429 slow down", 429, None, "req_8")
    result = Result(is_error=True, text="API Error: 429 slow down", num_turns=1, api_error_status=429)
    failure = asked(INIT, note, result).failure
    assert failure is not None
    assert (failure.status, failure.request_id) == (429, "req_8")


@pytest.mark.parametrize(
    ("limit", "retry_after"),
    [
        (RateLimit(True, 1060), 60.0),
        (RateLimit(True, 990), 1.0),
        (RateLimit(True, None), None),
        (RateLimit(False, 1060), None),
    ],
)
def test_when_to_come_back_is_told_where_the_cli_knows(limit: RateLimit, retry_after: float | None) -> None:
    exchange = Exchange(clock=lambda: 1000.0)
    exchange.ask(TEXT)
    feed(exchange, INIT, limit, Result(is_error=True, text="limit", num_turns=1, api_error_status=429))
    assert exchange.failure is not None
    assert exchange.failure.retry_after == retry_after
    later = exchange.after_rewind(ControlResponse("R", {"rewound": True}, None))
    later.ask(TEXT)
    feed(later, INIT, Result(is_error=True, text="limit", num_turns=1, api_error_status=429))
    assert later.failure == exchange.failure


def test_a_refusal_is_an_answer_although_its_result_is_an_error() -> None:
    note = ErrorNote("unknown", "API Error: refused", None, None, None)
    exchange = asked(INIT, START, note, stop("refusal"), STOP, ABORTED)
    assert exchange.failure is None
    assert exchange.finished


def test_compaction_is_refused_as_too_long_a_prompt() -> None:
    exchange = asked(INIT, Unknown("system", {"subtype": "status", "status": "compacting"}))
    assert exchange.failure is not None
    assert exchange.failure.status == 400
    assert exchange.failure.message.startswith("prompt is too long")
    assert exchange.would_go_on


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ((START,), "something else than what was asked"),
        ((INIT, event("content_block_start")), "before message_start"),
        (
            (INIT, StreamEvent({"type": "message_start"}, "another uuid")),
            "something else than what was asked",
        ),
        ((INIT, START, START), "another answer inside"),
        ((answered("never asked"),), "that was not made"),
    ],
)
def test_events_that_cannot_be_ours_are_nonsense(frames: tuple[Frame, ...], message: str) -> None:
    with pytest.raises(InstanceNonsense, match=message):
        asked(*frames)


def test_no_event_counts_before_every_parameter_is_in_force() -> None:
    exchange = Exchange()
    request_id, _ = exchange.control("apply_flag_settings")
    exchange.ask(TEXT)
    exchange.feed(INIT)
    with pytest.raises(InstanceNonsense):
        exchange.feed(START)
    in_force = Exchange()
    request_id, _ = in_force.control("apply_flag_settings")
    in_force.ask(TEXT)
    feed(in_force, answered(request_id), INIT, START)
    assert in_force.take_events() == [START.event]


def test_a_control_request_that_failed_is_nonsense() -> None:
    exchange = Exchange()
    request_id, _ = exchange.control("initialize")
    with pytest.raises(InstanceNonsense, match="initialize failed") as caught:
        exchange.feed(ControlResponse(request_id, {}, "no such thing"))
    assert "no such thing" not in str(caught.value)
    assert caught.value.told_to_its_client.endswith("the control request initialize failed: no such thing")


@pytest.mark.parametrize("frame", [START, event("content_block_delta")])
def test_an_event_at_rest_is_nonsense(frame: Frame) -> None:
    with pytest.raises(InstanceNonsense, match="no turn was asked for"):
        Exchange().feed(frame)


@pytest.mark.parametrize("result", [DONE, ABORTED])
def test_a_message_for_the_history_that_is_answered_is_nonsense(result: Result) -> None:
    exchange = Exchange()
    exchange.append(TEXT)
    assert not exchange.appended
    with pytest.raises(InstanceNonsense, match="answered a message for the history"):
        exchange.feed(result)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
KINDS = [
    "stream_event",
    "control_response",
    "control_request",
    "assistant",
    "result",
    "system",
    "rate_limit_event",
]
EVENTS = ["message_start", "content_block_delta", "message_delta", "message_stop", "error", "ping"]


@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(KINDS)},
            optional={
                "event": st.fixed_dictionaries({"type": st.sampled_from(EVENTS)}, optional={"delta": JSON})
                | JSON,
                "subtype": st.sampled_from(["init", "status"]) | JSON,
                "status": st.sampled_from(["compacting"]) | JSON,
                "is_error": st.booleans(),
                "num_turns": JSON,
                "response": JSON,
                "message": JSON,
                "error": JSON,
                "rate_limit_info": st.fixed_dictionaries({"status": JSON}, optional={"resetsAt": JSON})
                | JSON,
            },
        ),
        max_size=12,
    )
)
def test_whatever_the_child_says_is_taken_or_named_nonsense(lines: list[dict[str, Any]]) -> None:
    exchange = asked()
    with suppress(FrameError, InstanceNonsense):
        for line in lines:
            exchange.feed(parse_frame(json.dumps(line).encode()))
    stops = [event for event in exchange.take_events() if event["type"] == "message_stop"]
    assert len(stops) <= 1
    assert not stops or exchange.failure is None


def test_what_the_cli_asks_is_refused_so_that_it_does_not_wait() -> None:
    exchange = asked(ControlRequest("Q", "can_use_tool"), Unknown("of tomorrow", {}))
    [frame] = exchange.owed
    assert json.loads(frame)["response"]["request_id"] == "Q"
