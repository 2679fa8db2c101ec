"""A turn that fails: a stream that broke off, what the CLI tells of it, and what is a failure only by its looks."""

from __future__ import annotations

import pytest

from ccproxy_trio.claude.exchange import Exchange
from ccproxy_trio.claude.frames import ControlResponse, ErrorNote, Frame, RateLimit, Result, Unknown
from ccproxy_trio.dialects.failures import Failure
from tests.claude.exchanges import ABORTED, APPENDED, DONE, INIT, START, STOP, TEXT, asked, event, feed, stop


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
