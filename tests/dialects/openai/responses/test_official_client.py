"""The official client over bytes of this dialect: what it parses, sends back and raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import openai
import orjson
import pytest
from pydantic import BaseModel

from ccproxy_trio.dialects.failures import Failure, InvalidRequest
from ccproxy_trio.dialects.openai import (
    ResponsesRequest,
    ResponseStream,
    build_response,
    encode_response_event,
    error_response,
    parse_responses_request,
)

from ...anthropic.streams import events_of
from ..test_chunks import message

if TYPE_CHECKING:
    from collections.abc import Iterator

CREATED = 1_700_000_000
TOOLS: Any = [{"type": "function", "name": "get", "parameters": {"type": "object"}, "strict": False}]
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
USER: Any = {"role": "user", "content": "Hi"}
CALLS = [
    {"type": "tool_use", "id": f"toolu_{n}", "name": "get", "input": {"city": city}}
    for n, city in enumerate(("Oslo", "Rome"))
]


class City(BaseModel):
    name: str


class Dialect:
    """Answers a client's requests out of the dialect alone."""

    def __init__(self) -> None:
        self.message: dict[str, Any] = {}
        self.cut_by: Failure | None = None
        self.asked: list[ResponsesRequest] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        try:
            asked = parse_responses_request(request.content)
        except InvalidRequest as error:
            status, headers, body = error_response(error, "req_1")
            return httpx2.Response(status, headers=headers, content=body)
        self.asked.append(asked)
        if not asked.stream:
            body = orjson.dumps(build_response(self.message, asked, CREATED, CREATED))
            return httpx2.Response(200, headers={"content-type": "application/json"}, content=body)
        stream = ResponseStream(asked, lambda: CREATED)
        events = list(events_of(self.message, list))
        told = [each for event in events[: -3 if self.cut_by else None] for each in stream.feed(event)]
        if self.cut_by is not None:
            told += stream.fail(self.cut_by)
        body = b"".join(map(encode_response_event, told))
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)


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


def test_text(client: openai.OpenAI, dialect: Dialect) -> None:
    dialect.message = message({"type": "text", "text": "Hello"})
    response = client.responses.create(model="gpt-4o", input="Hi", instructions="Be brief.")
    assert (response.output_text, response.status) == ("Hello", "completed")
    assert response.usage is not None
    assert response.usage.total_tokens == 14
    with client.responses.stream(model="gpt-4o", input="Hi") as stream:
        assert "".join(e.delta for e in stream if e.type == "response.output_text.delta") == "Hello"
        assert stream.get_final_response().output_text == "Hello"


def test_structured_output(client: openai.OpenAI, dialect: Dialect) -> None:
    dialect.message = message({"type": "text", "text": '{"name": "Oslo"}'})
    parsed = client.responses.parse(model="gpt-4o", input="Hi", text_format=City)
    assert parsed.output_parsed == City(name="Oslo")
    with client.responses.stream(model="gpt-4o", input="Hi", text_format=City) as stream:
        assert stream.get_final_response().output_parsed == City(name="Oslo")
    said: Any = [item.model_dump(mode="json") for item in parsed.output]
    client.responses.parse(model="gpt-4o", input=[*said, USER], text_format=City)
    assert dialect.asked[-1].ignored == ()
    for asked in dialect.asked:
        assert asked.messages.parameters["output_config"]["format"]["schema"]["required"] == ["name"]


def test_two_parallel_calls_and_their_results(client: openai.OpenAI, dialect: Dialect) -> None:
    dialect.message = message(
        THOUGHT, {"type": "text", "text": "Let me see."}, *CALLS, stop_reason="tool_use"
    )
    ask: Any = {"model": "gpt-4o", "tools": TOOLS, "reasoning": {"effort": "low", "summary": "auto"}}
    created = client.responses.create(input="Hi", **ask)
    with client.responses.stream(input="Hi", **ask) as stream:
        streamed = stream.get_final_response()
    for final in (created, streamed):
        calls = [item for item in final.output if item.type == "function_call"]
        assert [call.arguments for call in calls] == ['{"city":"Oslo"}', '{"city":"Rome"}']
        results = [
            {"type": "function_call_output", "call_id": call.call_id, "output": "cold"} for call in calls
        ]
        # What the client made of it is taken back as history, as it is or with all its nulls.
        plain: list[Any] = [item.model_dump(mode="json", by_alias=True) for item in final.output]
        for said in (final.output, plain):
            history: Any = [{"role": "user", "content": "Hi"}, *said, *results]
            client.responses.create(input=history, **ask)
            _, answer, given = dialect.asked[-1].messages.messages
            assert list(answer.content) == dialect.message["content"]
            assert [block["tool_use_id"] for block in given.content] == ["toolu_0", "toolu_1"]
            assert dialect.asked[-1].ignored == ()


def test_an_answer_cut_off_is_known_as_such(client: openai.OpenAI, dialect: Dialect) -> None:
    dialect.message = message({"type": "text", "text": "Hel"}, stop_reason="max_tokens")
    response = client.responses.create(model="gpt-4o", input="Hi")
    assert response.incomplete_details is not None
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    *_, last = client.responses.create(model="gpt-4o", input="Hi", stream=True)
    assert last.type == "response.incomplete"


def test_the_parameter_is_named(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="gpt-4o", input="Hi", previous_response_id="resp_1")
    assert (caught.value.param, caught.value.code) == ("previous_response_id", "unsupported_parameter")


def test_a_stream_that_is_cut_is_raised(client: openai.OpenAI, dialect: Dialect) -> None:
    dialect.message = message({"type": "text", "text": "Hel"})
    dialect.cut_by = Failure(529, "Overloaded")
    told: list[str] = []
    stream = client.responses.create(model="gpt-4o", input="Hi", stream=True)
    with pytest.raises(openai.APIError, match="Overloaded") as caught:
        told.extend(event.type for event in stream)
    assert caught.value.code == "server_is_overloaded"
    assert told[-2:] == ["response.output_text.delta", "response.failed"]
