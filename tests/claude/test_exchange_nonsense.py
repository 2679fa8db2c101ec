"""What a child that keeps to the protocol never says is called nonsense, and what it asks is refused."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.claude.errors import InstanceNonsense
from ccproxy_trio.claude.exchange import Exchange
from ccproxy_trio.claude.frames import (
    ControlRequest,
    ControlResponse,
    Frame,
    FrameError,
    Result,
    StreamEvent,
    Unknown,
    parse_frame,
)
from tests.claude.exchanges import ABORTED, DONE, INIT, START, TEXT, answered, asked, event, feed


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
