"""What goes wrong, as the classes of error that the client knows, and what they say."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.sdk.openai.asking import ASKING, prompt, said

CLASSES: dict[int, tuple[type[openai.APIStatusError], int, str | None]] = {
    400: (openai.BadRequestError, 400, None),
    401: (openai.AuthenticationError, 401, "invalid_api_key"),
    402: (openai.RateLimitError, 429, "insufficient_quota"),
    403: (openai.PermissionDeniedError, 403, "insufficient_permissions"),
    404: (openai.NotFoundError, 404, "model_not_found"),
    409: (openai.ConflictError, 409, None),
    413: (openai.APIStatusError, 413, None),
    422: (openai.UnprocessableEntityError, 422, None),
    429: (openai.RateLimitError, 429, "rate_limit_exceeded"),
    500: (openai.InternalServerError, 500, None),
    503: (openai.InternalServerError, 503, None),
    504: (openai.InternalServerError, 504, None),
    529: (openai.InternalServerError, 503, "server_is_overloaded"),
}
"""By the status upstream: the class, the status and the code here."""
IN_OTHER_WORDS = {404, 413}
"""Of these the CLI tells the status, but not what upstream said."""
SOON = {429: "5", 503: "1", 529: "1"}
"""When to try again, by the status upstream."""


@pytest.mark.parametrize("status", CLASSES)
@pytest.mark.parametrize("stream", [False, True], ids=["", "stream"])
def test_what_the_api_refuses(client: openai.OpenAI, status: int, stream: bool) -> None:
    asked = prompt(f"x [[status={status}; message=no luck today]]")
    with pytest.raises(openai.APIStatusError) as told:
        client.chat.completions.create(**ASKING, stream=stream, messages=asked)
    error = told.value
    assert (type(error), error.status_code, error.code) == CLASSES[status]
    assert (error.message.endswith(" - no luck today")) is (status not in IN_OTHER_WORDS)
    assert error.request_id is not None
    assert error.response.headers.get("retry-after") == SOON.get(status)


def test_a_model_that_is_not_there(client: openai.OpenAI) -> None:
    """Nobody but upstream knows what models there are."""
    with pytest.raises(openai.NotFoundError) as told:
        client.chat.completions.create(model="davinci", messages=prompt("x [[status=404]]"))
    assert (told.value.code, told.value.param) == ("model_not_found", "model")
    assert "davinci" in told.value.message


REFUSED: dict[str, dict[str, Any]] = {
    "audio": {"audio": {"format": "wav", "voice": "alloy"}},
    "frequency_penalty": {"frequency_penalty": 1},
    "functions": {"functions": [{"name": "f"}]},
    "logit_bias": {"logit_bias": {"1": 5}},
    "logprobs": {"logprobs": True},
    "modalities": {"modalities": ["audio"]},
    "n": {"n": 2},
    "prediction": {"prediction": {"type": "content", "content": "x"}},
    "seed": {"seed": 0},
    "service_tier": {"service_tier": "flex"},
    "temperature": {"temperature": 1.5},
    "tools.[0].type": {"tools": [{"type": "custom", "custom": {"name": "x"}}]},
    "web_search_options": {"web_search_options": {}},
}
MALFORMED: dict[str, dict[str, Any]] = {
    "max_completion_tokens": {"max_completion_tokens": 0},
    "max_tokens": {"max_tokens": 5, "max_completion_tokens": 5},
    "messages": {"messages": []},
    "messages.[0].content": {"messages": [{"role": "user"}]},
    "messages.[1].role": {"messages": [*prompt("x"), {"role": "robot", "content": "x"}]},
    "model": {"model": None},
    "reasoning_effort": {"reasoning_effort": "heroic"},
    "stop": {"stop": ["a", "b", "c", "d", "e"]},
    "stream_options": {"stream_options": {"include_usage": True}},
    "tool_choice": {"tool_choice": "required"},
    "tools.[0].function.name": {"tools": [{"type": "function", "function": {}}]},
}


@pytest.mark.parametrize(
    ("param", "code"),
    [*((param, "unsupported_parameter") for param in REFUSED), *((param, None) for param in MALFORMED)],
)
def test_what_the_server_refuses(client: openai.OpenAI, param: str, code: str | None) -> None:
    asked = {**ASKING, "messages": prompt("x"), **{**REFUSED, **MALFORMED}[param]}
    with pytest.raises(openai.BadRequestError) as told:
        client.chat.completions.create(**asked)
    assert (told.value.param, told.value.code, told.value.type) == (param, code, "invalid_request_error")
    assert told.value.message.startswith(f"Error code: 400 - {param}: ")


def test_a_parameter_that_nobody_knows(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="Unrecognized request argument supplied: nonsense"):
        client.chat.completions.create(**ASKING, messages=prompt("x"), extra_body={"nonsense": 1})


def test_what_the_server_does_not_have(client: openai.OpenAI) -> None:
    for ask in (
        client.batches.list,
        lambda: client.embeddings.create(model="text-embedding-3-small", input="x"),
        lambda: client.completions.create(model="gpt-3.5-turbo-instruct", prompt="x"),
    ):
        with pytest.raises(openai.NotFoundError, match="this server has no such endpoint") as told:
            ask()
        assert (told.value.type, told.value.code) == ("invalid_request_error", None)


def test_a_server_that_is_busy(narrow: openai.OpenAI) -> None:
    hanging = prompt("[[hang]] x")
    with narrow.chat.completions.create(**ASKING, stream=True, messages=hanging) as stream:
        assert next(stream).choices[0].delta.role == "assistant"
        with pytest.raises(openai.InternalServerError, match="all claude instances are busy") as told:
            narrow.with_options(max_retries=0).chat.completions.create(**ASKING, messages=prompt("x"))
        assert (told.value.status_code, told.value.code) == (503, "server_is_overloaded")
        assert told.value.response.headers["retry-after"] == "1"


def test_a_client_without_patience(client: openai.OpenAI) -> None:
    hasty = client.with_options(timeout=0.2)
    with pytest.raises(openai.APITimeoutError):
        hasty.chat.completions.create(**ASKING, messages=prompt("[[delay=20]] x"))
    assert said(client.chat.completions.create(**ASKING, messages=prompt("next"))) == "Demo echo: next"


def test_a_client_that_tries_again(client: openai.OpenAI) -> None:
    """As it does by default, but once only, after as long as it was told."""
    patient = client.with_options(max_retries=1)
    with pytest.raises(openai.InternalServerError) as told:
        patient.chat.completions.create(**ASKING, messages=prompt("[[status=529]] x"))
    assert told.value.request.headers["x-stainless-retry-count"] == "1"
