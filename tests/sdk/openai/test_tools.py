"""Calls of functions: two at once, their results over several rounds, what a choice among them does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
import pytest
from pydantic import BaseModel

from tests.sdk.openai.asking import ASKING, DUMP, check_received, prompt, said

if TYPE_CHECKING:
    from collections.abc import Callable

TWO_ROUNDS = '[[tool=get_weather,get_time; rounds=2; input={"city": "Oslo"}; dump]] How is it there?'


class Place(BaseModel):
    """Where."""

    city: str


TOOLS: list[Any] = [
    openai.pydantic_function_tool(Place, name=name, description=f"{name}.")
    for name in ("get_weather", "get_time")
]
DUE = [
    {
        "name": tool["function"]["name"],
        "description": tool["function"]["description"],
        "input_schema": tool["function"]["parameters"],
        "strict": True,
    }
    for tool in TOOLS
]
LOOSE: list[Any] = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "get_time")]
LOOSE_DUE = [
    {"name": name, "input_schema": {"type": "object", "properties": {}}}
    for name in ("get_weather", "get_time")
]


def ask_whole(client: openai.OpenAI, messages: list[Any]) -> Any:
    return client.chat.completions.create(**ASKING, messages=messages, tools=TOOLS)


def ask_parsed(client: openai.OpenAI, messages: list[Any]) -> Any:
    return client.chat.completions.parse(**ASKING, messages=messages, tools=TOOLS)


def ask_streamed(client: openai.OpenAI, messages: list[Any]) -> Any:
    with client.chat.completions.stream(**ASKING, messages=messages, tools=TOOLS) as stream:
        return stream.get_final_completion()


@pytest.mark.parametrize("ask", [ask_whole, ask_parsed, ask_streamed])
@pytest.mark.parametrize("plain", [False, True], ids=["", "plain"])
def test_two_rounds_of_two_calls(
    client: openai.OpenAI, ask: Callable[[openai.OpenAI, list[Any]], Any], plain: bool
) -> None:
    """What the client made of an answer goes back as it is, or as plain JSON with all its nulls."""
    messages = prompt(TWO_ROUNDS)
    due = prompt(TWO_ROUNDS)
    for at in range(2):
        (choice,) = ask(client, messages).choices
        assert (choice.finish_reason, choice.message.content is None) == ("tool_calls", False)
        calls = choice.message.tool_calls
        assert [(call.type, call.function.name) for call in calls] == [
            ("function", "get_weather"),
            ("function", "get_time"),
        ]
        assert [json.loads(call.function.arguments) for call in calls] == [{"city": "Oslo"}] * 2
        if ask is not ask_whole:
            assert [call.function.parsed_arguments for call in calls] == [Place(city="Oslo")] * 2
        messages.append(choice.message.model_dump(mode="json") if plain else choice.message)
        # In the other order than that of the calls, and in either form.
        contents: list[Any] = [f"fine {at}", [{"type": "text", "text": f"noon {at}"}]]
        results = [
            {"role": "tool", "tool_call_id": call.id, "content": content}
            for call, content in zip(calls, contents, strict=True)
        ]
        messages += reversed(results)
        blocks = [
            {"type": "tool_use", "id": call.id, "name": call.function.name, "input": {"city": "Oslo"}}
            for call in calls
        ]
        text = {"type": "text", "text": choice.message.content}
        due.append({"role": "assistant", "content": [text, *blocks]})
        answered = [
            {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": words}]}
            for call, words in zip(calls, (f"fine {at}", f"noon {at}"), strict=True)
        ]
        due.append({"role": "user", "content": answered[::-1]})
    completion = ask(client, messages)
    assert completion.choices[0].finish_reason == "stop"
    check_received(completion, tools=DUE, messages=due)


@pytest.mark.parametrize(
    ("choice", "due"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        (None, None),
    ],
)
def test_a_choice_that_may_be_text(client: openai.OpenAI, choice: Any, due: Any) -> None:
    completion = client.chat.completions.create(
        **ASKING, messages=prompt(DUMP), tools=LOOSE, tool_choice=choice
    )
    check_received(
        completion, messages=prompt(DUMP), tools=LOOSE_DUE, **({"tool_choice": due} if due else {})
    )


NAMED = {"type": "function", "function": {"name": "get_time"}}
ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}}


@pytest.mark.parametrize(
    ("choice", "called"),
    [("required", "get_weather"), (NAMED, "get_time"), (ALLOWED, "get_time")],
    ids=["required", "named", "allowed"],
)
def test_a_choice_that_must_be_a_call(client: openai.OpenAI, choice: Any, called: str) -> None:
    completion = client.chat.completions.create(
        **ASKING, messages=prompt("x"), tools=LOOSE, tool_choice=choice
    )
    message = completion.choices[0].message
    assert message.content is None
    assert [call.to_dict()["function"] for call in message.tool_calls or []] == [
        {"name": called, "arguments": "{}"}
    ]


def test_one_call_at_a_time(client: openai.OpenAI) -> None:
    asked = prompt("[[tool=get_weather,get_time]] x")
    completion = client.chat.completions.create(
        **ASKING, messages=asked, tools=TOOLS, parallel_tool_calls=False
    )
    assert len(completion.choices[0].message.tool_calls or []) == 1


def test_calls_that_nothing_answers(client: openai.OpenAI) -> None:
    message = ask_whole(client, prompt(TWO_ROUNDS)).choices[0].message
    calls = message.tool_calls
    one = {"role": "tool", "tool_call_id": calls[0].id, "content": "fine"}
    with pytest.raises(openai.BadRequestError, match=calls[1].id) as told:
        ask_whole(client, [*prompt(TWO_ROUNDS), message, one])
    assert told.value.param == "messages.[1].tool_calls.[1]"
    stray = {**one, "tool_call_id": "toolu_stray"}
    with pytest.raises(openai.BadRequestError, match="toolu_stray") as told:
        ask_whole(client, [*prompt(TWO_ROUNDS), message, stray])
    assert told.value.param == "messages.[2].tool_call_id"
    assert said(client.chat.completions.create(**ASKING, messages=prompt("next"))) == "Demo echo: next"
