"""A failure from whatever tells of it: the API's JSON, the text, the category, and what stands beside them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.dialects.anthropic import failure_from_result
from ccproxy_trio.dialects.failures import Failure

NOT_YOURS = "it is this server's own, not the client's"
QUOTED = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}'
TOLD = Failure(529, "Overloaded", kind="overloaded_error", request_id="req_1")


# Recorded: status, error category, api_error_type and text of the frames; then what the API had said.
@pytest.mark.parametrize(
    ("status", "error", "kind", "text", "told"),
    [
        (None, "unknown", "api_error", "API Error: Internal server error", (500, "Internal server error")),
        (None, "unknown", "timeout_error", "API Error: Timed out", (504, "Timed out")),
        (None, "unknown", "authentication_error", "API Error: expired", (401, "expired")),
        (None, "unknown", "billing_error", "API Error: Billing", (402, "Billing")),
        (None, "unknown", "permission_error", "API Error: no", (403, "no")),
        (None, "unknown", "not_found_error", "API Error: model: x", (404, "model: x")),
        (None, "unknown", "request_too_large", "API Error: big", (413, "big")),
        (None, "unknown", "conflict_error", "API Error: Conflict.", (409, "Conflict.")),
        (None, "unknown", "error_of_tomorrow", "API Error: new", (500, "new")),
        (529, "unknown", "overloaded_error", "API Error: Overloaded", (529, "Overloaded")),
        (429, "unknown", "rate_limit_error", "API Error: Slow down", (429, "Slow down")),
        (403, "authentication_failed", "forbidden", "Failed to authenticate. API Error: 403 no", (403, "no")),
    ],
)
def test_an_error_that_came_as_an_event(
    status: int | None, error: str, kind: str, text: str, told: tuple[int, str]
) -> None:
    failure = failure_from_result(status, text, error, kind=kind, request_id="req_33")
    assert failure == Failure(*told, kind=kind, request_id="req_33")


@pytest.mark.parametrize(
    ("status", "text", "error", "failure"),
    [
        (529, f"API Error: 529 {QUOTED}", None, TOLD),
        (None, f"API Error: 529 {QUOTED}", None, TOLD),
        (None, f"API Error: 529 {QUOTED} · check status.claude.com", None, TOLD),
        (None, f"Please run /login · API Error: 529 {QUOTED}", None, TOLD),
        (None, QUOTED, "overloaded", TOLD),
        (
            400,
            'API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"messages: x {y}"}}',
            None,
            Failure(400, "messages: x {y}", kind="invalid_request_error"),
        ),
        (400, 'API Error: 400 {"error": "x"}', None, Failure(400, '{"error": "x"}')),
        (400, "API Error: 400 {not json}", None, Failure(400, "{not json}")),
        (400, 'API Error: 400 {"error": {"message": 1}}', None, Failure(400, '{"error": {"message": 1}}')),
        (500, "API Error: 500 " + '{"a":' * 100_000, None, Failure(500, ('{"a":' * 800) + "…")),
    ],
)
def test_json_in_the_text_wins(status: int | None, text: str, error: str | None, failure: Failure) -> None:
    assert failure_from_result(status, text, error, None) == failure


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("account_on_hold", 403),
        ("authentication_failed", 401),
        ("billing_error", 402),
        ("cloud_credential_error", 401),
        ("invalid_request", 400),
        ("model_not_found", 404),
        ("oauth_org_not_allowed", 403),
        ("overloaded", 529),
        ("rate_limit", 429),
        ("verification_required", 403),
    ],
)
def test_a_category_stands_in_for_a_status(error: str, status: int) -> None:
    assert failure_from_result(None, "You've hit your limit · resets 3pm (UTC)", error, None) == Failure(
        status, "You've hit your limit · resets 3pm (UTC)"
    )


@pytest.mark.parametrize(
    ("status", "text", "error", "failure"),
    [
        (None, "Execution error", "unknown", Failure(502, "The CLI failed: Execution error")),
        (None, "Execution error", None, Failure(502, "The CLI failed: Execution error")),
        (None, "", None, Failure(502, "The CLI failed: it does not say why")),
        (None, "", "server_error", Failure(502, "The CLI got no answer from the API: it does not say why")),
        (
            400,
            "API Error: 400 you are not logged in there",
            None,
            Failure(400, "you are not logged in there"),
        ),
        (200, "odd", None, Failure(502, "The CLI failed: odd")),
        (None, "API Error: 302 moved", None, Failure(502, "The CLI failed: moved")),
        (503, "", None, Failure(503, "The API answered 503 without a message")),
        (
            429,
            "API Error: Request rejected (429) · ",
            None,
            Failure(429, "The API answered 429 without a message"),
        ),
        (
            400,
            "API Error: 400 a tool said. API Error: 500 no",
            None,
            Failure(400, "a tool said. API Error: 500 no"),
        ),
        (
            401,
            "Please run /login · API Error: 401 Invalid bearer token",
            "authentication_failed",
            Failure(401, f"Invalid bearer token: {NOT_YOURS}"),
        ),
    ],
)
def test_other_texts(status: int | None, text: str, error: str | None, failure: Failure) -> None:
    assert failure_from_result(status, text, error, None) == failure


def test_what_the_frames_tell_besides_the_text() -> None:
    assert failure_from_result(
        429,
        "API Error: Request rejected (429) · Slow",
        "rate_limit",
        7.5,
        kind="rate_limit_error",
        request_id="req_9",
    ) == Failure(429, "Slow", retry_after=7.5, kind="rate_limit_error", request_id="req_9")
    assert failure_from_result(500, "API Error: 500 Oops", retry_after=7.5).retry_after is None


@pytest.mark.parametrize("forged", ["req_1\r\nset-cookie: a=b", "", "x" * 101, "ré"])
def test_an_id_that_is_no_id_is_left_out(forged: str) -> None:
    assert failure_from_result(500, "x", None, None, kind=forged, request_id=forged) == Failure(500, "x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("API Error: 401 bad key sk-ant-api03-AbC_d-9.", "bad key [redacted]."),
        ("API Error: 401 sent Authorization: Bearer eyJh.b-c_d/e+f==", "sent Authorization: [redacted]"),
        (
            '{"error":{"type":"t","message":"key sk-ant-oat01-x is not valid"}}',
            "key [redacted] is not valid",
        ),
    ],
)
def test_a_secret_is_never_shown(text: str, message: str) -> None:
    assert failure_from_result(401, text, None, None).message == message


@given(
    st.none() | st.integers(-1, 1000),
    st.lists(
        st.sampled_from(["API Error: ", "429 ", ". ", " · ", "{", QUOTED, "/login", "Not logged in"])
        | st.text()
    ).map("".join),
    st.none() | st.sampled_from(["rate_limit", "server_error", "new"]),
)
def test_any_text_makes_a_failure_with_a_message(status: int | None, text: str, error: str | None) -> None:
    assert failure_from_result(status, text, error, None).message
