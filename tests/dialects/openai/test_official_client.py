"""The official client over bytes of this dialect: what it parses, and which exception it raises for what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import openai
import orjson
import pytest
from openai.types.chat import ChatCompletionMessage
from pydantic import BaseModel

from ccproxy_trio.dialects.failures import Failure, InvalidRequest
from ccproxy_trio.dialects.openai import (
    DONE,
    ChunkStream,
    build_completion,
    encode_chunk,
    error_chunk,
    error_response,
    model_list,
    model_object,
    parse_chat_request,
)

from ..anthropic.streams import events_of

if TYPE_CHECKING:
    from collections.abc import Iterator

CREATED = 1_700_000_000
HI: Any = [{"role": "user", "content": "Hi"}]
JSON = {"content-type": "application/json"}


class Dialect:
    """Answers a client's requests out of the dialect alone."""

    def __init__(self) -> None:
        self.message: dict[str, Any] = {}
        self.failure: Failure | InvalidRequest | None = None
        self.cut_by: Failure | None = None

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if self.failure is not None:
            return self._error(self.failure)
        match request.url.path.split("/"):
            case ["", "v1", "models"]:
                return self._json(model_list([("sonnet", "Claude Sonnet"), ("opus", "Claude Opus")], CREATED))
            case ["", "v1", "models", "sonnet"]:
                return self._json(model_object("sonnet", CREATED))
            case ["", "v1", "models", name]:
                return self._error(Failure(404, f"model: {name}"))
        try:
            asked = parse_chat_request(request.content)
        except InvalidRequest as error:
            return self._error(error)
        if not asked.stream:
            return self._json(build_completion(self.message, CREATED))
        chunks = ChunkStream(CREATED, include_usage=asked.include_usage)
        events = events_of(self.message, list)
        body = b"".join(encode_chunk(chunk) for event in events for chunk in chunks.feed(event))
        body += error_chunk(self.cut_by) if self.cut_by else DONE
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)

    def _json(self, value: dict[str, Any]) -> httpx2.Response:
        return httpx2.Response(200, headers=JSON, content=orjson.dumps(value))

    def _error(self, error: Failure | InvalidRequest) -> httpx2.Response:
        status, headers, body = error_response(error, "req_1")
        return httpx2.Response(status, headers=headers, content=body)


@pytest.fixture
def dialect() -> Dialect:
    return Dialect()


@pytest.fixture
def client(dialect: Dialect) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        api_key="unused",
        base_url="http://server/v1",
        max_retries=0,
        http_client=httpx2.Client(transport=httpx2.MockTransport(dialect)),
        _strict_response_validation=True,
    ) as client:
        yield client


def message(*content: dict[str, Any], stop_reason: str = "end_turn") -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": list(content),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 2, "output_tokens": 9},
    }


CITY = {"type": "text", "text": '{"name": "Oslo"}'}
CALLS = [
    {"type": "tool_use", "id": f"toolu_{n}", "name": "get", "input": {"city": city}}
    for n, city in enumerate(("Oslo", "Rome"))
]


class City(BaseModel):
    name: str


def test_structured_output(client: openai.OpenAI, dialect: Dialect) -> None:
    dialect.message = message(CITY)
    completion = client.chat.completions.parse(model="gpt-4o", messages=HI, response_format=City)
    assert completion.choices[0].message.parsed == City(name="Oslo")
    with client.chat.completions.stream(model="gpt-4o", messages=HI, response_format=City) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == City(name="Oslo")


def test_two_parallel_calls_in_a_stream_and_their_results(client: openai.OpenAI, dialect: Dialect) -> None:
    tools: Any = [{"type": "function", "function": {"name": "get", "parameters": {"type": "object"}}}]
    dialect.message = message(*CALLS, stop_reason="tool_use")
    with client.chat.completions.stream(
        model="gpt-4o", messages=HI, tools=tools, stream_options={"include_usage": True}
    ) as stream:
        final = stream.get_final_completion()
    answer = final.choices[0].message
    calls = answer.tool_calls or []
    assert [call.function.arguments for call in calls] == ['{"city":"Oslo"}', '{"city":"Rome"}']
    assert final.usage is not None
    assert final.usage.total_tokens == 14
    # What the client made of it is taken back as history, as it is or with all its nulls.
    results: Any = [{"role": "tool", "tool_call_id": call.id, "content": "cold"} for call in calls]
    plain: Any = ChatCompletionMessage.model_validate(answer.model_dump()).model_dump()
    spoken: Any = answer
    dialect.message = message({"type": "text", "text": "Cold."})
    for said in (spoken, plain):
        again = client.chat.completions.create(model="gpt-4o", messages=[*HI, said, *results], tools=tools)
        assert again.choices[0].message.content == "Cold."


def test_a_refusal_is_a_filter_of_content(client: openai.OpenAI, dialect: Dialect) -> None:
    dialect.message = message(stop_reason="refusal")
    with pytest.raises(openai.ContentFilterFinishReasonError):
        client.chat.completions.parse(model="gpt-4o", messages=HI, response_format=City)


def test_an_answer_cut_off_is_known_as_such(client: openai.OpenAI, dialect: Dialect) -> None:
    dialect.message = message({"type": "text", "text": '{"na'}, stop_reason="max_tokens")
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(model="gpt-4o", messages=HI, response_format=City)


@pytest.mark.parametrize(
    ("failure", "kind", "code"),
    [
        (InvalidRequest("model", "Field required"), openai.BadRequestError, None),
        (Failure(401, "?"), openai.AuthenticationError, "invalid_api_key"),
        (Failure(402, "?"), openai.RateLimitError, "insufficient_quota"),
        (Failure(403, "?"), openai.PermissionDeniedError, "insufficient_permissions"),
        (Failure(404, "model: x"), openai.NotFoundError, "model_not_found"),
        (Failure(409, "?"), openai.ConflictError, None),
        (Failure(413, "?"), openai.APIStatusError, None),
        (Failure(429, "?"), openai.RateLimitError, "rate_limit_exceeded"),
        (Failure(500, "?"), openai.InternalServerError, None),
        (Failure(529, "?"), openai.InternalServerError, "server_is_overloaded"),
    ],
)
def test_errors(
    client: openai.OpenAI,
    dialect: Dialect,
    failure: Failure | InvalidRequest,
    kind: type[openai.APIStatusError],
    code: str | None,
) -> None:
    dialect.failure = failure
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model="gpt-4o", messages=HI)
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.request_id) == (code, "req_1")


def test_the_parameter_is_named(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="gpt-4o", messages=HI, seed=1)
    assert (caught.value.param, caught.value.code) == ("seed", "unsupported_parameter")


def test_a_stream_that_is_cut_is_raised(client: openai.OpenAI, dialect: Dialect) -> None:
    dialect.message = message({"type": "text", "text": "Hel"})
    dialect.cut_by = Failure(529, "Overloaded")
    stream = client.chat.completions.create(model="gpt-4o", messages=HI, stream=True)
    with pytest.raises(openai.APIError, match="Overloaded") as caught:
        list(stream)
    assert caught.value.code == "server_is_overloaded"


def test_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["sonnet", "opus"]
    assert client.models.retrieve("sonnet").owned_by == "anthropic"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-9")
    assert caught.value.code == "model_not_found"
