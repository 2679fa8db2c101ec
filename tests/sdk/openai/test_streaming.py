"""The client's streams: their chunks, events and snapshots, the completion they add up to, and how they break off."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.sdk.conftest import PATIENCE
from tests.sdk.openai.asking import ASKING, prompt, said

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from openai.types.chat import ChatCompletionChunk

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "find",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
USAGE: Any = {"stream_options": {"include_usage": True}}
# It leaves its generators to the garbage collector once it has read [DONE], which trio warns of.
leaves_generators = pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")


def deltas(chunks: Iterable[ChatCompletionChunk]) -> list[dict[str, Any]]:
    """What each chunk adds, with its finish reason if it has one."""
    found = []
    for chunk in chunks:
        (choice,) = chunk.choices
        assert choice.index == 0
        delta = choice.delta.to_dict()
        found.append({**delta, **({"finish": choice.finish_reason} if choice.finish_reason else {})})
    return found


def test_chunks(client: openai.OpenAI) -> None:
    with client.chat.completions.create(
        **ASKING, stream=True, messages=prompt("[[deltas=3]] Hi"), **USAGE
    ) as stream:
        *chunks, last = stream
    role, *texts, end = deltas(chunks)
    assert role == {"role": "assistant", "content": "", "refusal": None}
    assert len(texts) == 3
    assert "".join(text.pop("content") for text in texts) == "Demo echo: Hi"
    assert (texts, end) == ([{}] * 3, {"finish": "stop"})
    heads = [
        {key: value for key, value in chunk.to_dict().items() if key not in {"choices", "usage"}}
        for chunk in (*chunks, last)
    ]
    assert all(head == heads[0] for head in heads)
    assert heads[0]["model"] == "claude-sonnet-5-5"
    assert [chunk.usage for chunk in chunks] == [None] * len(chunks)
    assert last.choices == []
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens) == (11, 3, 14)


def test_no_usage_unless_it_is_asked_for(client: openai.OpenAI) -> None:
    with client.chat.completions.create(**ASKING, stream=True, messages=prompt("Hi")) as stream:
        chunks = list(stream)
    assert deltas(chunks)[-1] == {"finish": "stop"}
    assert not any("usage" in chunk.to_dict() for chunk in chunks)


def test_thoughts_text_and_a_call(client: openai.OpenAI) -> None:
    asked = prompt('[[thinking=Well then; tool=find; input={"city": "Oslo"}; deltas=3]] Where?')
    with client.chat.completions.create(
        **ASKING, stream=True, messages=asked, tools=[TOOL], reasoning_effort="low"
    ) as stream:
        role, *middle, end = deltas(stream)
    assert (role["role"], end) == ("assistant", {"finish": "tool_calls"})
    kinds = [next(iter(delta)) for delta in middle]
    assert sorted(kinds, key=["reasoning_content", "content", "tool_calls"].index) == kinds
    for key, whole in {"reasoning_content": "Well then", "content": "Demo echo: Where?"}.items():
        assert "".join(delta.get(key, "") for delta in middle) == whole
    first, *pieces = [call for delta in middle for call in delta.get("tool_calls", [])]
    assert first.pop("id").startswith("toolu_")
    assert first == {"index": 0, "type": "function", "function": {"name": "find", "arguments": ""}}
    assert "".join(piece["function"]["arguments"] for piece in pieces) == '{"city": "Oslo"}'
    assert {piece["index"] for piece in pieces} == {0}


def test_the_helper(client: openai.OpenAI) -> None:
    """`chat.completions.stream`: the same as events."""
    asked = prompt('[[tool=find; input={"city": "Oslo"}; deltas=3]] Where?')
    strict = {**TOOL, "function": {**TOOL["function"], "strict": True}}
    with client.chat.completions.stream(**ASKING, messages=asked, tools=[strict], **USAGE) as stream:
        events = list(stream)
        completion = stream.get_final_completion()
    contents = [event for event in events if event.type == "content.delta"]
    assert "".join(event.delta for event in contents) == contents[-1].snapshot == "Demo echo: Where?"
    assert [event.content for event in events if event.type == "content.done"] == ["Demo echo: Where?"]
    (done,) = [event for event in events if event.type == "tool_calls.function.arguments.done"]
    assert (done.name, done.index, done.parsed_arguments) == ("find", 0, {"city": "Oslo"})
    (call,) = completion.choices[0].message.tool_calls or []
    assert call.function.parsed_arguments == {"city": "Oslo"}
    assert completion.choices[0].finish_reason == "tool_calls"
    assert completion.usage is not None
    assert completion.usage.total_tokens > 10


def test_a_stream_is_what_would_have_come_whole(client: openai.OpenAI) -> None:
    asking = {**ASKING, "messages": prompt('[[tool=find,find; input={"city": "Oslo"}; thinking=Hm]] Where?')}
    asking |= {"tools": [TOOL], "reasoning_effort": "high"}
    with client.chat.completions.stream(**asking, **USAGE) as stream:
        streamed = stream.get_final_completion()
    whole = client.chat.completions.create(**asking)
    shapes = [completion.model_dump(exclude_none=True) for completion in (streamed, whole)]
    for shape in shapes:
        assert shape.pop("id").startswith("chatcmpl-")
        assert shape.pop("created") > 1_700_000_000
        for call in shape["choices"][0]["message"]["tool_calls"]:
            assert call.pop("id").startswith("toolu_")
            assert json.loads(call["function"].pop("arguments")) == {"city": "Oslo"}
            call.pop("index", None)
    assert shapes[0] == shapes[1]


def test_leaving_early_harms_nobody(client: openai.OpenAI, narrow: openai.OpenAI) -> None:
    """Not even where there is but one instance."""
    for asked in (client, narrow):
        for _ in range(2):
            long = prompt("[[deltas=1000; gap=0.05]] a long story")
            with asked.chat.completions.create(**ASKING, stream=True, messages=long) as stream:
                assert next(stream).choices[0].delta.role == "assistant"
            assert said(asked.chat.completions.create(**ASKING, messages=prompt("next"))) == "Demo echo: next"


@pytest.mark.parametrize(
    ("fault", "code", "kind", "message"),
    [
        ("error=overloaded_error; message=no luck", "server_is_overloaded", "server_error", "no luck"),
        ("error=rate_limit_error; message=no luck", "rate_limit_exceeded", "rate_limit_error", "no luck"),
        ("error=api_error; message=no luck", None, "server_error", "no luck"),
        ("cut", None, "server_error", "The CLI got no answer from the API"),
    ],
)
@pytest.mark.parametrize("helper", [False, True], ids=["", "helper"])
def test_a_stream_that_breaks_off(
    client: openai.OpenAI, fault: str, code: str | None, kind: str, message: str, helper: bool
) -> None:
    """It is raised, and what came before it is no completion."""
    completions = client.chat.completions
    asking = {**ASKING, "messages": prompt(f"[[{fault}; gap=0.02]] x")}
    got: list[Any] = []

    def read(opened: AbstractContextManager[Iterable[Any]]) -> None:
        with opened as stream:
            for each in stream:
                got.append(each)  # noqa: PERF402 -- what came before it breaks off counts

    with pytest.raises(openai.APIError) as told:
        read(completions.stream(**asking) if helper else completions.create(**asking, stream=True))
    assert type(told.value) is openai.APIError
    assert (told.value.code, told.value.type) == (code, kind)
    assert told.value.message.startswith(message)
    if helper:
        assert {event.type for event in got} == {"chunk", "content.delta"}
    else:
        assert [choice.finish_reason for chunk in got for choice in chunk.choices] == [None] * len(got) != []


@leaves_generators
async def test_the_asynchronous_client_under_trio(url: str) -> None:
    asked = prompt("[[deltas=4]] Hello, trio!")
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", timeout=PATIENCE) as client:
        async with client.chat.completions.stream(**ASKING, messages=asked) as stream:
            pieces = [event.delta async for event in stream if event.type == "content.delta"]
            completion = await stream.get_final_completion()
        assert len(pieces) == 5  # an empty one comes with the role
        assert "".join(pieces) == said(completion) == "Demo echo: Hello, trio!"
        broken = prompt("[[error=overloaded_error; message=no luck; gap=0.02]] x")
        with pytest.raises(openai.APIError, match="no luck"):
            async for _ in await client.chat.completions.create(**ASKING, stream=True, messages=broken):
                pass
