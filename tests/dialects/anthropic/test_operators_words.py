"""What the CLI says to whoever runs the server: a client is told what failed, and no command, variable or file."""

from __future__ import annotations

import pytest

from ccproxy_trio.dialects.anthropic import failure_from_result
from ccproxy_trio.dialects.failures import Failure
from tests.dialects.anthropic.test_measured_failures import ADVICE

LOGIN_OVER = "The login of the CLI behind this server is no longer valid: whoever runs it has to log in again"


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
