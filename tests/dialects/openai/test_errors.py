"""Failures in OpenAI's shape: exact bytes, headers and codes. The statuses are rows of the compatibility page."""

from __future__ import annotations

import orjson
import pytest

from ccproxy_trio.dialects.failures import Failure, InvalidRequest
from ccproxy_trio.dialects.openai import Unsupported, error_chunk, error_response
from ccproxy_trio.dialects.openai.errors import ErrorKind, error_kind

REQUEST = "invalid_request_error"


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Failure(418, "?"), ErrorKind(418, REQUEST)),
        (Failure(599, "?"), ErrorKind(599, "server_error")),
        (Failure(404, "GET /v2: this server has no such endpoint"), ErrorKind(404, REQUEST)),
        (Failure(404, "model: gpt-9"), ErrorKind(404, REQUEST, "model_not_found", "model")),
        (
            Failure(400, "prompt is too long: 210000 tokens > 200000 maximum"),
            ErrorKind(400, REQUEST, "context_length_exceeded", "messages"),
        ),
        (
            Failure(400, "input length and `max_tokens` exceed context limit: 1 + 2 > 2"),
            ErrorKind(400, REQUEST, "context_length_exceeded", "messages"),
        ),
        (
            Failure(400, "Your balance is too low", kind="billing_error"),
            ErrorKind(429, "insufficient_quota", "insufficient_quota"),
        ),
        (
            Failure(500, "?", kind="overloaded_error"),
            ErrorKind(503, "server_error", "server_is_overloaded"),
        ),
    ],
)
def test_what_a_failure_is_called(failure: Failure, kind: ErrorKind) -> None:
    assert error_kind(failure) == kind


def test_the_parameter_that_is_too_long() -> None:
    failure = Failure(400, "prompt is too long: 210000 tokens > 200000 maximum")
    for conversation in ("messages", "input"):
        _, _, body = error_response(failure, None, conversation)
        error = orjson.loads(body)["error"]
        assert (error["code"], error["param"]) == ("context_length_exceeded", conversation)


def test_a_bad_request() -> None:
    assert error_response(InvalidRequest("messages.[0].role", "Field required"), "req_1") == (
        400,
        [("content-type", "application/json"), ("x-request-id", "req_1")],
        b'{"error":{"message":"messages.[0].role: Field required","type":"invalid_request_error",'
        b'"param":"messages.[0].role","code":null}}',
    )


def test_a_parameter_that_is_not_supported() -> None:
    _, _, body = error_response(Unsupported("seed", "no"))
    assert orjson.loads(body)["error"] == {
        "message": "seed: no",
        "type": REQUEST,
        "param": "seed",
        "code": "unsupported_parameter",
    }


def test_a_bad_request_without_a_place_has_no_param() -> None:
    _, headers, body = error_response(InvalidRequest("", "Unrecognized request argument supplied: x"))
    assert headers == [("content-type", "application/json")]
    assert orjson.loads(body)["error"]["param"] is None


def test_a_response_with_all_that_can_be_known() -> None:
    failure = Failure(529, "Überlastet", retry_after=1.2, kind="overloaded_error", request_id="req_up")
    assert error_response(failure, "req_ours") == (
        503,
        [("content-type", "application/json"), ("x-request-id", "req_up"), ("retry-after", "2")],
        '{"error":{"message":"Überlastet","type":"server_error","param":null,"code":"server_is_overloaded"}}'.encode(),
    )


@pytest.mark.parametrize(
    ("failure", "retry_after"),
    [
        (Failure(429, "slow down"), "5"),
        (Failure(503, "busy"), "1"),
        (Failure(529, "busy"), "1"),
        (Failure(529, "busy", retry_after=40), "40"),
        (Failure(402, "no credit"), None),
        (Failure(500, "oops"), None),
        (Failure(400, "bad"), None),
    ],
)
def test_when_to_try_again(failure: Failure, retry_after: str | None) -> None:
    assert dict(error_response(failure)[1]).get("retry-after") == retry_after


def test_an_unknown_model() -> None:
    status, _, body = error_response(Failure(404, "model: gpt-9", kind="not_found_error"))
    assert status == 404
    assert orjson.loads(body)["error"] == {
        "message": "The model `gpt-9` does not exist, or this server has no access to it.",
        "type": REQUEST,
        "param": "model",
        "code": "model_not_found",
    }


def test_the_end_of_a_stream_that_was_cut() -> None:
    assert error_chunk(Failure(502, "The CLI died\nin mid-answer")) == (
        b'data: {"error":{"message":"The CLI died\\nin mid-answer","type":"server_error","param":null,'
        b'"code":null}}\n\n'
    )


def test_a_message_that_is_no_unicode_can_still_be_sent() -> None:
    _, _, body = error_response(Failure(502, "stderr: \udcff"))
    assert orjson.loads(body)["error"]["message"] == "stderr: ?"
