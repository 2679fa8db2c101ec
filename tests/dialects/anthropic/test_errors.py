"""Failures in the Anthropic shape: exact bytes, headers and events."""

from __future__ import annotations

import orjson
import pytest

from ccproxy_trio.dialects.anthropic import error_event, error_response, error_type
from ccproxy_trio.dialects.failures import Failure, InvalidRequest


@pytest.mark.parametrize(
    ("status", "kind"),
    [(418, "invalid_request_error"), (422, "invalid_request_error"), (503, "api_error"), (599, "api_error")],
)
def test_a_status_without_a_type_of_its_own(status: int, kind: str) -> None:
    # Those that have one are rows of docs/compatibility.md, and tested from there.
    assert error_type(Failure(status, "?")) == kind


def test_upstreams_own_type_wins() -> None:
    assert error_type(Failure(500, "?", kind="overloaded_error")) == "overloaded_error"


def test_the_least_response() -> None:
    assert error_response(Failure(400, "model: Field required")) == (
        400,
        [("content-type", "application/json")],
        b'{"type":"error","error":{"type":"invalid_request_error","message":"model: Field required"},'
        b'"request_id":null}',
    )


def test_a_response_with_all_that_can_be_known() -> None:
    failure = Failure(529, "Überlastet", retry_after=1.2, kind="overloaded_error", request_id="req_up")
    assert error_response(failure, request_id="req_ours") == (
        529,
        [("content-type", "application/json"), ("request-id", "req_up"), ("retry-after", "2")],
        '{"type":"error","error":{"type":"overloaded_error","message":"Überlastet"},"request_id":"req_up"}'.encode(),
    )


def test_the_servers_own_request_id_fills_in() -> None:
    _, headers, body = error_response(Failure(502, "gone"), request_id="req_ours")
    assert ("request-id", "req_ours") in headers
    assert orjson.loads(body)["request_id"] == "req_ours"


def test_the_event() -> None:
    assert error_event(Failure(502, "The CLI died\nin mid-answer"), request_id="req_1") == (
        b"event: error\n"
        b'data: {"type":"error","error":{"type":"api_error","message":"The CLI died\\nin mid-answer"},'
        b'"request_id":"req_1"}\n\n'
    )


def test_a_message_that_is_no_unicode_can_still_be_sent() -> None:
    _, _, body = error_response(Failure(502, "stderr: \udcff"))
    assert orjson.loads(body)["error"]["message"] == "stderr: ?"


def test_a_code_that_programs_act_on_stands_in_the_details() -> None:
    _, _, body = error_response(InvalidRequest("thread", "no", "thread_unsupported_request").failure)
    assert orjson.loads(body)["error"] == {
        "type": "invalid_request_error",
        "message": "thread: no",
        "details": {"error_code": "thread_unsupported_request"},
    }
