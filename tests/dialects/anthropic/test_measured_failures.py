"""Requests that failed, with the CLI's real texts, and what a client is told of each."""

from __future__ import annotations

import pytest

from ccproxy_trio.dialects.anthropic import failure_from_result
from ccproxy_trio.dialects.failures import Failure

NOT_LOGGED_IN = (
    "The CLI behind this server is not logged in: whoever runs it has to log in or give it an API key"
)
CREDIT = (
    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase "
    "credits."
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
