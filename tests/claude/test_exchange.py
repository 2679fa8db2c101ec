"""The state machine of a conversation: what a turn is, and how a rewind ends it."""

from __future__ import annotations

import json

import pytest

from ccproxy_trio.claude.errors import InstanceNonsense, NotRewound
from ccproxy_trio.claude.exchange import Exchange, State
from ccproxy_trio.claude.frames import ControlResponse, StreamEvent, Unknown
from tests.claude.exchanges import (
    ABORTED,
    APPENDED,
    DONE,
    INIT,
    START,
    STOP,
    TEXT,
    answered,
    asked,
    event,
    feed,
    stop,
)


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
