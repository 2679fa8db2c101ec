"""The official client against the server as people run it: the command, over the stand-in and the real binary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
import trio
from attrs import evolve

from tests.fake_api import open_fake_api
from tests.serve.running import IN_PROCESS, SERVE, open_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.serve.running import Scratch, Way

HISTORY: list[Any] = [
    {"role": "user", "content": "My name is Ada."},
    {"role": "assistant", "content": "Hello, Ada."},
    {"role": "user", "content": "Who am I? [[dump]]"},
]


async def try_client(way: Way, scratch: Scratch) -> None:
    async with open_server(way, scratch) as server:
        url = f"http://127.0.0.1:{server.port}"
        with anthropic.Anthropic(base_url=url, api_key="any", max_retries=0) as client:
            await trio.to_thread.run_sync(converse, client)


def converse(client: anthropic.Anthropic) -> None:
    """Text, a stream, a history with a system prompt, and three failures."""
    asking: dict[str, Any] = {"model": "haiku", "max_tokens": 1000}

    def prompt(text: str) -> list[Any]:
        return [{"role": "user", "content": text}]

    message = client.messages.create(**asking, messages=prompt("Hello!"))
    assert [block.text for block in message.content if block.type == "text"] == ["Demo echo: Hello!"]
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 0

    with client.messages.stream(**asking, messages=prompt("[[deltas=9]] Hello, stream!")) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert len(pieces) == 9
    assert "".join(pieces) == "Demo echo: Hello, stream!"
    assert final.stop_reason == "end_turn"

    message = client.messages.create(**asking, system="You know everybody.", messages=HISTORY)
    (block,) = message.content
    assert block.type == "text"
    received = json.loads(block.text)
    said = [turn["content"] for turn in received["messages"]]
    texts = [content if isinstance(content, str) else content[0]["text"] for content in said]
    assert texts == [turn["content"] for turn in HISTORY]
    assert received["system"][-1]["text"] == "You know everybody."

    with pytest.raises(anthropic.BadRequestError, match="container"):
        client.messages.create(**asking, container="c", messages=prompt("x"))
    with pytest.raises(anthropic.RateLimitError):
        client.messages.create(**asking, messages=prompt("[[status=429]]"))
    broken = client.messages.stream(**asking, messages=prompt("[[error=overloaded_error]] x"))
    with pytest.raises(anthropic.APIStatusError), broken as stream:
        stream.get_final_message()


@pytest.mark.parametrize("way", [SERVE, IN_PROCESS], ids=str)
async def test_over_the_stand_in(way: Way, scratch: Scratch) -> None:
    await try_client(way, scratch)


@pytest.mark.cli
@pytest.mark.parametrize("way", [SERVE, IN_PROCESS], ids=str)
async def test_over_the_real_binary(way: Way, scratch: Scratch, claude_binary: Path) -> None:
    async with open_fake_api() as api:
        variables = {
            "ANTHROPIC_BASE_URL": api.url,
            "ANTHROPIC_API_KEY": "dummy",
            "CLAUDE__CLI_PATH": str(claude_binary),
            "POOL_SETTINGS__MIN_SIZE": "1",
            "POOL_SETTINGS__ACQUIRE_TIMEOUT": "30",
        }
        await try_client(way, evolve(scratch, variables=variables))
        assert len(api.turns) >= 5
