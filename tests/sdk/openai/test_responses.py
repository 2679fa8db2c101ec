"""The Responses API: answers, streams, rounds of calls with thoughts between them, structured output, errors."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.sdk.conftest import PATIENCE
from tests.sdk.openai.asking import ASKING, DUE, DUMP, prompt, user
from tests.sdk.openai.test_streaming import leaves_generators
from tests.sdk.test_parse import BOOK, Book
from tests.sdk.test_requests import png
from tests.server.carried import check_body

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS: list[Any] = [
    {"type": "function", "name": name, "parameters": SCHEMA, "strict": True}
    for name in ("get_weather", "get_time")
]
TWO_ROUNDS = (
    '[[thinking=Hm; tool=get_weather,get_time; rounds=2; input={"city": "Oslo"}; dump]] How is it there?'
)


def check_received(response: Any, **due: Any) -> None:
    """An answer to `[[dump]]` tells that the API was asked for exactly this, by a Messages request."""
    check_body(json.loads(response.output_text), {**DUE, **due})


def test_an_answer(client: openai.OpenAI) -> None:
    response = client.responses.create(**ASKING, input="Hello, world!")
    assert response.output_text == "Demo echo: Hello, world!"
    assert (response.status, response.model, response.store) == ("completed", "claude-sonnet-5-5", False)
    assert response.usage is not None
    usage = response.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (11, 4, 15)
    raw = client.responses.with_raw_response.create(**ASKING, input="x", prompt_cache_key="k")
    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.headers["x-ccproxy-ignored"] == "prompt_cache_key"


def test_what_reaches_the_api(client: openai.OpenAI) -> None:
    picture = base64.b64encode(png(8, 8)).decode()
    content: list[Any] = [
        {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{picture}"},
        {"type": "input_text", "text": DUMP},
    ]
    response = client.responses.create(
        **ASKING,
        instructions="Be brief.",
        input=[user("One?"), {"role": "assistant", "content": "One."}, user(content)],
        max_output_tokens=77,
        temperature=0.5,
        tools=TOOLS[:1],
        tool_choice="auto",
        parallel_tool_calls=False,
    )
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": picture}}
    check_received(
        response,
        system="Be brief.",
        messages=[
            user("One?"),
            {"role": "assistant", "content": "One."},
            user([image, {"type": "text", "text": DUMP}]),
        ],
        max_tokens=77,
        temperature=0.5,
        tools=[{"name": "get_weather", "input_schema": SCHEMA, "strict": True}],
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
    )


def ask_whole(client: openai.OpenAI, items: list[Any]) -> Any:
    return client.responses.create(**ASKING, input=items, tools=TOOLS, reasoning={"effort": "low"})


def ask_streamed(client: openai.OpenAI, items: list[Any]) -> Any:
    with client.responses.stream(**ASKING, input=items, tools=TOOLS, reasoning={"effort": "low"}) as stream:
        events = list(stream)
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
        return stream.get_final_response()


@pytest.mark.parametrize("ask", [ask_whole, ask_streamed])
def test_two_rounds_of_two_calls(
    client: openai.OpenAI, ask: Callable[[openai.OpenAI, list[Any]], Any]
) -> None:
    """The whole conversation goes back each time, as it came; upstream has its own thoughts back, signed."""
    items = prompt(TWO_ROUNDS)
    due = prompt(TWO_ROUNDS)
    for at in range(2):
        response = ask(client, items)
        calls = [item for item in response.output if item.type == "function_call"]
        assert [(call.name, json.loads(call.arguments)) for call in calls] == [
            ("get_weather", {"city": "Oslo"}),
            ("get_time", {"city": "Oslo"}),
        ]
        items += response.output
        items += [
            {"type": "function_call_output", "call_id": call.call_id, "output": f"fine {at}"}
            for call in calls
        ]
        thought = {"type": "thinking", "thinking": "Hm", "signature": "c2lnbmVk"}
        text = {"type": "text", "text": response.output_text}
        blocks = [
            {"type": "tool_use", "id": call.call_id, "name": call.name, "input": {"city": "Oslo"}}
            for call in calls
        ]
        due.append({"role": "assistant", "content": [thought, text, *blocks]})
        told = [{"type": "text", "text": f"fine {at}"}]
        due.append(
            user([{"type": "tool_result", "tool_use_id": call.call_id, "content": told} for call in calls])
        )
    check_received(
        ask(client, items),
        messages=due,
        tools=[{"name": tool["name"], "input_schema": SCHEMA, "strict": True} for tool in TOOLS],
        thinking={"type": "adaptive"},
        output_config={"effort": "low"},
    )


def test_parse(client: openai.OpenAI) -> None:
    parsed = client.responses.parse(**ASKING, input="A book!", text_format=Book)
    assert parsed.output_parsed == BOOK
    with client.responses.stream(**ASKING, input="A book!", text_format=Book) as stream:
        assert stream.get_final_response().output_parsed == BOOK


def test_an_answer_that_is_cut_off(client: openai.OpenAI) -> None:
    response = client.responses.create(**ASKING, input="one two three", max_output_tokens=3)
    assert (response.status, response.output_text) == ("incomplete", "Demo echo: one")
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize("stream", [False, True], ids=["", "stream"])
def test_what_the_api_refuses(client: openai.OpenAI, stream: bool) -> None:
    for status, kind in {
        400: openai.BadRequestError,
        401: openai.AuthenticationError,
        429: openai.RateLimitError,
        529: openai.InternalServerError,
    }.items():
        with pytest.raises(openai.APIStatusError, match="no luck") as told:
            client.responses.create(**ASKING, input=f"x [[status={status}; message=no luck]]", stream=stream)
        assert type(told.value) is kind


def test_a_stream_that_breaks_off(client: openai.OpenAI) -> None:
    asked = "x [[error=overloaded_error; message=no luck; gap=0.02]]"
    types = []

    def read() -> None:
        for event in client.responses.create(**ASKING, input=asked, stream=True):
            types.append(event.type)  # noqa: PERF401 -- what came before it breaks off counts

    with pytest.raises(openai.APIError, match="no luck") as told:
        read()
    assert told.value.code == "server_is_overloaded"
    assert types[0] == "response.created"
    assert "response.completed" not in types


@pytest.mark.parametrize("param", ["previous_response_id", "conversation", "background", "store"])
def test_what_would_have_to_be_kept(client: openai.OpenAI, param: str) -> None:
    asked: Any = {param: True if param in {"background", "store"} else "x_1"}
    with pytest.raises(openai.BadRequestError) as told:
        client.responses.create(**ASKING, input="x", **asked)
    assert (told.value.param, told.value.code) == (param, "unsupported_parameter")


@leaves_generators
async def test_the_asynchronous_client_under_trio(url: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", timeout=PATIENCE) as client:
        response = await client.responses.create(**ASKING, input="Hello, trio!")
        assert response.output_text == "Demo echo: Hello, trio!"
        async with client.responses.stream(**ASKING, input="[[deltas=4]] Hello, trio!") as stream:
            pieces = [event.delta async for event in stream if event.type == "response.output_text.delta"]
    assert len(pieces) == 4
    assert "".join(pieces) == "Demo echo: Hello, trio!"
