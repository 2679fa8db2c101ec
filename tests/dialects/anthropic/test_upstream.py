"""What the CLI says of a failure, with its real texts, and what a client is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.dialects.anthropic import failure_from_result
from ccproxy_trio.dialects.failures import Failure

NOT_LOGGED_IN = (
    "The CLI behind this server is not logged in: whoever runs it has to log in or give it an API key"
)
LOGIN_OVER = "The login of the CLI behind this server is no longer valid: whoever runs it has to log in again"
NOT_YOURS = "it is this server's own, not the client's"
CREDIT = (
    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase "
    "credits."
)
EITHER = "prompt is too long: input length and `max_tokens` exceed context limit"
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
        (400, "Credit balance is too low", "billing_error", Failure(400, CREDIT)),
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
            Failure(413, "Request exceeds the maximum size"),
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
        # The CLI takes the last stop off; where there are several sentences there was one.
        (
            500,
            f"API Error: 500 First of two. The second.{ADVICE}",
            "server_error",
            Failure(500, "First of two. The second."),
        ),
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
            Failure(401, NOT_LOGGED_IN),
        ),
    ],
)
def test_measured_texts(status: int | None, text: str, error: str, failure: Failure) -> None:
    assert failure_from_result(status, text, error, None) == failure


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


TOO_LONG = "prompt is too long: 208310 tokens > 200000 maximum"


# Recorded, but for the two with "own content" and "provider": those were read in the program.
@pytest.mark.parametrize("status", [400, None])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Prompt is too long · the request is ~208310 tokens (limit 200000) but this conversation is only ~22 "
            "tokens — the rest is system prompt, tool definitions, and attachment content. A single-exchange "
            "conversation cannot be compacted; reduce attached files/tools or start with less context.",
            TOO_LONG,
        ),
        (
            "Prompt is too long · the request is ~208310 tokens (limit 200000) and this conversation's own content "
            "is most of it. A single-exchange conversation cannot be compacted; start with less content.",
            TOO_LONG,
        ),
        (
            "Prompt is too long · this conversation is a single exchange and cannot be compacted — the request size "
            "comes mostly from system prompt, tool definitions, or attachments.",
            EITHER,
        ),
        ("Prompt is too long", EITHER),
        ("Prompt is too long · automatic compaction failed: API Error: Invalid URL", EITHER),
        ("Prompt is too long · the provider said: max 9 tokens", "prompt is too long: max 9 tokens"),
    ],
)
def test_a_prompt_that_is_too_long(status: int | None, text: str, message: str) -> None:
    kind = "invalid_request_error"
    assert failure_from_result(status, text, "invalid_request", kind=kind) == Failure(400, message, kind=kind)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Image was too large. Try resizing the image or using a different approach.",
            "image exceeds the maximum size",
        ),
        (
            "An image in the conversation exceeds the dimension limit for many-image requests (2000px). Start a new "
            "session with fewer images.",
            "At least one of the image dimensions exceed max allowed size for many-image requests: 2000 pixels",
        ),
        (
            "API Error: an image in the conversation could not be processed and was removed. Re-read the file with a "
            "different approach if you still need it.",
            "Could not process image",
        ),
        (
            "The PDF file was not valid. Try converting it to text first (e.g., pdftotext).",
            "The PDF specified was not valid.",
        ),
        (
            "PDF is password protected. Try using a CLI tool to extract or convert the PDF.",
            "The PDF specified is password protected.",
        ),
        (
            "PDF too large (max 100 pages, 20MB). Try reading the file a different way (e.g., extract text with "
            "pdftotext).",
            "A maximum of 100 PDF pages may be provided.",
        ),
        (
            "API Error: 400 due to tool use concurrency issues.",
            "`tool_use` ids were found without `tool_result` blocks immediately after",
        ),
        (
            "API Error: 400 orphaned tool_result in conversation history.",
            "unexpected `tool_use_id` found in `tool_result` blocks",
        ),
        ("API Error: 400 duplicate tool_use ID in conversation history.", "`tool_use` ids must be unique"),
        (
            "API Error: Effort 'max' isn't available with thinking turned off on this model · use --effort high (or "
            "the effortLevel setting), or turn thinking back on (unset MAX_THINKING_TOKENS=0)",
            "effort 'max' is not supported when thinking is disabled",
        ),
        (
            "Your ANTHROPIC_API_KEY belongs to a disabled organization · Update or unset the environment variable",
            "This organization has been disabled.",
        ),
        (
            "API Error: 400 `temperature` may only be set to 1 when thinking is enabled. Please consult our "
            "documentation at https://docs.claude.com",
            "`temperature` may only be set to 1 when thinking is enabled. Please consult our documentation at "
            "https://docs.claude.com",
        ),
        (
            "API Error: 400 You have reached your specified API usage limits. You will regain access on 2026-12-01.",
            "You have reached your specified API usage limits. You will regain access on 2026-12-01.",
        ),
    ],
)
def test_words_of_the_clis_own_for_what_the_api_refused(text: str, message: str) -> None:
    assert failure_from_result(400, text, "invalid_request") == Failure(400, message)


@pytest.mark.parametrize(
    ("status", "text", "error", "failure"),
    [
        (
            403,
            "Your organization has disabled API key authentication · Unset ANTHROPIC_API_KEY and run /login to sign "
            "in with your claude.ai account",
            "invalid_request",
            Failure(403, "API key authentication is disabled for this organization."),
        ),
        (
            403,
            "Failed to authenticate: OAuth token revoked. Please log in again or contact your administrator.",
            "authentication_failed",
            Failure(403, LOGIN_OVER),
        ),
        (
            None,
            "Failed to authenticate: OAuth session expired and could not be refreshed",
            "authentication_failed",
            Failure(401, LOGIN_OVER),
        ),
        (None, "Login expired · Please run /login", "authentication_failed", Failure(401, LOGIN_OVER)),
        (
            None,
            "Failed to refresh OAuth token: the disk that holds the Claude Code config directory (~/.claude by "
            "default), or your disk quota on it, is full. Delete files you no longer need on that disk and retry",
            "invalid_request",
            Failure(502, LOGIN_OVER),
        ),
        (
            None,
            "Invalid ANTHROPIC_CUSTOM_HEADERS · Fix the environment variable · Header 'x' has an invalid value",
            "invalid_request",
            Failure(502, "The headers that this server is set up to send to the API are not valid"),
        ),
        (
            None,
            "Your apiKeyHelper script is failing · This usually means you need to re-authenticate with your provider "
            "· Run /status to see the script's error output",
            "invalid_request",
            Failure(502, "This server could not obtain its API key"),
        ),
        (
            None,
            "API Error: Invalid URL",
            "unknown",
            Failure(502, "The address of the API that this server is set up with is not valid"),
        ),
        (
            None,
            "API Error: Request timed out (waited 10s). If a proxy or gateway on your network holds responses until "
            "they complete, raise API_TIMEOUT_MS or CLAUDE_STREAM_FIRST_BYTE_TIMEOUT_MS to wait longer.",
            "server_error",
            Failure(502, "The CLI got no answer from the API: Request timed out (waited 10s)."),
        ),
        (
            429,
            "API Error: Usage credits required for 1M context · run /extra-usage to turn them on (they take "
            "effect in a new session), or /model to switch to standard context",
            "rate_limit",
            Failure(429, "Usage credits required for 1M context"),
        ),
        (
            None,
            "API Error: set API_TIMEOUT_MS",
            "unknown",
            Failure(502, "The CLI failed: it does not say why"),
        ),
        (
            429,
            "API Error: Server is temporarily limiting requests (not your usage limit) · Slow",
            "rate_limit",
            Failure(429, "Slow"),
        ),
        (
            429,
            'API Error: Request rejected (429) · {"type":"error","error":{"type":"rate_limit_error","message":""}}',
            "rate_limit",
            Failure(429, "The API answered 429 without a message", kind="rate_limit_error"),
        ),
        (
            429,
            "API Error: Request rejected (429) · this may be a temporary capacity issue. If it persists, check your "
            "inference gateway (127.0.0.1:18771).",
            "rate_limit",
            Failure(429, "The API answered 429 without a message"),
        ),
        (
            529,
            f"API Error: Repeated 529 Overloaded errors. The API is at capacity — this is usually temporary.{ADVICE}",
            "server_error",
            Failure(529, "Overloaded"),
        ),
    ],
)
def test_nothing_is_told_of_the_operators_commands_and_variables(
    status: int | None, text: str, error: str, failure: Failure
) -> None:
    assert failure_from_result(status, text, error) == failure


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
