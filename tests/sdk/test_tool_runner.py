"""The client's tool runner: rounds of parallel calls, what the tools answer, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from anthropic import beta_async_tool, beta_tool
from anthropic.lib.tools import ToolError

from tests.sdk.conftest import PATIENCE
from tests.sdk.prompts import ASKING, prompt, received, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

TWO_ROUNDS = prompt('[[tool=get_weather,get_time; rounds=2; input={"city": "Oslo"}; dump]] How is it there?')
RESULTS = [("Oslo: fine", None), ("Oslo: noon", None)]


@beta_tool
def get_weather(city: str) -> str:
    """The weather.

    Args:
        city: Where.
    """
    return f"{city}: fine"


@beta_tool
def get_time(city: str) -> str:
    """The time.

    Args:
        city: Where.
    """
    return f"{city}: noon"


@beta_tool
def fail(city: str) -> str:
    """Fail.

    Args:
        city: Where.
    """
    raise ToolError(f"nobody knows {city}")


@beta_async_tool
async def get_news(city: str) -> str:
    """The news.

    Args:
        city: Where.
    """
    return f"{city}: none"


def check_two_rounds(answers: Sequence[Any]) -> None:
    """Two answers with two calls each, and a last one to a history that has all of them and their results."""
    assert [answer.stop_reason for answer in answers] == ["tool_use", "tool_use", "end_turn"]
    body = received(answers[-1])
    assert [(tool["name"], tool["input_schema"]["required"]) for tool in body["tools"]] == [
        ("get_weather", ["city"]),
        ("get_time", ["city"]),
    ]
    assert [message["role"] for message in body["messages"]] == ["user", "assistant"] * 2 + ["user"]
    for at, answer in enumerate(answers[:-1]):
        said, results = body["messages"][2 * at + 1 : 2 * at + 3]
        calls = [block for block in answer.content if block.type == "tool_use"]
        assert [(call.name, call.input) for call in calls] == [
            ("get_weather", {"city": "Oslo"}),
            ("get_time", {"city": "Oslo"}),
        ]
        replayed = [block for block in said["content"] if block["type"] == "tool_use"]
        assert [(block["id"], block["name"], block["input"]) for block in replayed] == [
            (call.id, call.name, call.input) for call in calls
        ]
        assert [(block["type"], block["tool_use_id"]) for block in results["content"]] == [
            ("tool_result", call.id) for call in calls
        ]
        assert [(block["content"], block.get("is_error")) for block in results["content"]] == RESULTS


def test_two_rounds(client: anthropic.Anthropic) -> None:
    """As the client does it by default: it asks for a message thread, and goes on without one."""
    runner = client.beta.messages.tool_runner(**ASKING, tools=[get_weather, get_time], messages=TWO_ROUNDS)
    check_two_rounds(list(runner))


def test_two_rounds_without_a_thread(client: anthropic.Anthropic) -> None:
    tools = [get_weather, get_time]
    runner = client.beta.messages.tool_runner(**ASKING, tools=tools, messages=TWO_ROUNDS, thread=False)
    check_two_rounds(list(runner))


@pytest.mark.parametrize("eagerly", [False, True], ids=["", "eagerly"])
def test_two_rounds_streamed(client: anthropic.Anthropic, eagerly: bool) -> None:
    runner = client.beta.messages.tool_runner(
        **ASKING,
        tools=[get_weather, get_time],
        messages=TWO_ROUNDS,
        stream=True,
        run_tools_eagerly=eagerly,
    )
    answers = []
    for stream in runner:
        told = [event.type for event in stream]
        assert told[0] == "message_start"
        assert told[-1] == "message_stop"
        answers.append(stream.get_final_message())
    check_two_rounds(answers)


def test_until_done(client: anthropic.Anthropic) -> None:
    runner = client.beta.messages.tool_runner(**ASKING, tools=[get_weather, get_time], messages=TWO_ROUNDS)
    assert runner.until_done().stop_reason == "end_turn"


def test_a_tool_that_fails(client: anthropic.Anthropic) -> None:
    asked = prompt('[[tool=fail; input={"city": "Ys"}; dump]] x')
    runner = client.beta.messages.tool_runner(**ASKING, tools=[fail], messages=asked)
    (result,) = received(runner.until_done())["messages"][-1]["content"]
    assert (result["content"], result["is_error"]) == ("nobody knows Ys", True)


def test_a_runner_that_is_to_stop_early(client: anthropic.Anthropic) -> None:
    tools = [get_weather, get_time]
    runner = client.beta.messages.tool_runner(**ASKING, tools=tools, messages=TWO_ROUNDS, max_iterations=1)
    assert runner.until_done().stop_reason == "tool_use"
    assert text_of(client.messages.create(**ASKING, messages=prompt("next"))) == "Demo echo: next"


async def test_the_asynchronous_runner_under_trio(url: str) -> None:
    asked = prompt('[[tool=get_news; input={"city": "Oslo"}; dump]] x')
    async with anthropic.AsyncAnthropic(base_url=url, api_key="any", timeout=PATIENCE) as client:
        runner = client.beta.messages.tool_runner(**ASKING, tools=[get_news], messages=asked)
        answers = [answer async for answer in runner]
    (result,) = received(answers[-1])["messages"][-1]["content"]
    assert result["content"] == "Oslo: none"
