"""What the CLI says of a failure, with its real texts, and what a client is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.dialects.anthropic import failure_from_result
from ccproxy_trio.dialects.failures import Failure

LOG_IN = (
    "Log in with the `claude` CLI as the user that runs this server, "
    "or set ANTHROPIC_API_KEY in the server's environment."
)
ADVICE = (
    " This is a server-side issue, usually temporary — try again in a moment. If it persists, check your inference "
    "gateway (127.0.0.1:38137)."
)


# Measured on 2.1.330 with an API that answers so: status, result text, error category, then what it means.
@pytest.mark.parametrize(
    ("status", "text", "error", "failure"),
    [
        (
            400,
            "API Error: 400 messages: text content blocks must be non-empty",
            "unknown",
            Failure(400, "messages: text content blocks must be non-empty"),
        ),
        (400, "Credit balance is too low", "billing_error", Failure(400, "Credit balance is too low")),
        (400, "Prompt is too long", "invalid_request", Failure(400, "Prompt is too long")),
        (
            401,
            "Invalid API key · Fix external API key",
            "authentication_failed",
            Failure(401, "Invalid API key: it is this server's own, not the client's"),
        ),
        (
            401,
            "Failed to authenticate. API Error: 401 token expired",
            "authentication_failed",
            Failure(401, "token expired"),
        ),
        (402, "API Error: 402 pay up", "unknown", Failure(402, "pay up")),
        (
            403,
            "Failed to authenticate. API Error: 403 Your API key does not have permission to use the resource.",
            "authentication_failed",
            Failure(403, "Your API key does not have permission to use the resource."),
        ),
        (
            404,
            "There's an issue with the selected model (claude-sonnet-4-5). It may not exist or you may not have "
            "access to it. Run --model to pick a different model.",
            "model_not_found",
            Failure(404, "model: claude-sonnet-4-5"),
        ),
        (
            413,
            "Request too large (max 32MB). Accumulated images and attachments in the conversation pushed the request "
            "over the limit. Remove older images or compact the conversation.",
            "invalid_request",
            Failure(413, "Request too large (max 32MB)"),
        ),
        (
            429,
            "API Error: Request rejected (429) · This request would exceed your rate limit of 4000 tokens per "
            "minute.",
            "rate_limit",
            Failure(429, "This request would exceed your rate limit of 4000 tokens per minute."),
        ),
        (
            500,
            f"API Error: 500 Internal server error.{ADVICE}",
            "server_error",
            Failure(500, "Internal server error"),
        ),
        (
            503,
            f"API Error: 503 Service Unavailable.{ADVICE}",
            "server_error",
            Failure(503, "Service Unavailable"),
        ),
        (504, f"API Error: 504 timed out.{ADVICE}", "server_error", Failure(504, "timed out")),
        (529, f"API Error: 529 Overloaded.{ADVICE}", "server_error", Failure(529, "Overloaded")),
        (529, "API Error: Overloaded", "server_error", Failure(529, "Overloaded")),
        (
            None,
            "API Error: Connection to the API was lost (ECONNRESET). This is usually temporary — try again.",
            "server_error",
            Failure(502, "The CLI got no answer from the API: Connection to the API was lost (ECONNRESET)"),
        ),
        (
            None,
            "API Error: Connection refused — a firewall or proxy may be blocking it (ECONNREFUSED)",
            "server_error",
            Failure(
                502,
                "The CLI got no answer from the API: Connection refused — a firewall or proxy may be blocking it "
                "(ECONNREFUSED)",
            ),
        ),
        (
            None,
            "Not logged in · Please run /login",
            "authentication_failed",
            Failure(401, f"The CLI behind this server is not logged in. {LOG_IN}"),
        ),
    ],
)
def test_measured_texts(status: int | None, text: str, error: str, failure: Failure) -> None:
    assert failure_from_result(status, text, error, None) == failure


QUOTED = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}'
TOLD = Failure(529, "Overloaded", kind="overloaded_error", request_id="req_1")


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
            Failure(401, f"Invalid bearer token. {LOG_IN}"),
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
