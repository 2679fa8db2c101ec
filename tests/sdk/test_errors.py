"""What goes wrong, as the classes of error that the client knows, and what they say."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest

from tests.sdk.prompts import ASKING, prompt, text_of

CLASSES: dict[int, type[anthropic.APIStatusError]] = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    402: anthropic.PaymentRequiredError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    409: anthropic.ConflictError,
    413: anthropic.RequestTooLargeError,
    429: anthropic.RateLimitError,
    500: anthropic.InternalServerError,
    503: anthropic.ServiceUnavailableError,
    504: anthropic.DeadlineExceededError,
    529: anthropic.OverloadedError,
}
IN_OTHER_WORDS = {404, 413}
"""Of these the CLI tells the status, but not what upstream said."""


@pytest.mark.parametrize("status", CLASSES)
@pytest.mark.parametrize("stream", [False, True], ids=["", "stream"])
def test_what_the_api_refuses(client: anthropic.Anthropic, status: int, stream: bool) -> None:
    asked = prompt(f"x [[status={status}; message=no luck today]]")
    with pytest.raises(anthropic.APIStatusError) as told:
        client.messages.create(**ASKING, stream=stream, messages=asked)
    assert type(told.value) is CLASSES[status]
    assert status in IN_OTHER_WORDS or told.value.api_message == "no luck today"
    assert told.value.request_id is not None


REFUSED: dict[str, dict[str, Any]] = {
    "container": {"container": "container_1"},
    "mcp_servers": {"mcp_servers": [{"type": "url", "name": "x", "url": "https://example.com"}]},
    "fallbacks": {"fallbacks": "default"},
    "tools.0": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    "temperature": {"extra_body": {"temperature": "warm"}},
    "max_tokens": {"max_tokens": 0},
    "nonsense": {"extra_body": {"nonsense": 1}},
}


@pytest.mark.parametrize("field", REFUSED)
def test_what_the_server_refuses(client: anthropic.Anthropic, field: str) -> None:
    with pytest.raises(anthropic.BadRequestError) as told:
        client.beta.messages.create(**{**ASKING, **REFUSED[field]}, messages=prompt("x"))
    assert told.value.type == "invalid_request_error"
    assert (told.value.api_message or "").startswith(f"{field}: ")


def test_what_the_server_does_not_have(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="this server has no such endpoint") as told:
        client.messages.batches.list()
    assert told.value.type == "not_found_error"


def test_a_client_without_patience(client: anthropic.Anthropic) -> None:
    hasty = client.with_options(timeout=0.2)
    with pytest.raises(anthropic.APITimeoutError):
        hasty.messages.create(**ASKING, messages=prompt("[[delay=20]] x"))
    assert text_of(client.messages.create(**ASKING, messages=prompt("next"))) == "Demo echo: next"


def test_a_client_that_tries_again(client: anthropic.Anthropic) -> None:
    """As it does by default, but once only."""
    patient = client.with_options(max_retries=1)
    with pytest.raises(anthropic.OverloadedError) as told:
        patient.messages.create(**ASKING, messages=prompt("[[status=529]] x"))
    assert told.value.request.headers["x-stainless-retry-count"] == "1"
