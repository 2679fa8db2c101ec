"""Pairs in files: a chat completion request and its Messages body; a message, its completion and its chunks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from attrs import evolve
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from ccproxy_trio.dialects.anthropic import MessageAssembler, read_request
from ccproxy_trio.dialects.openai import ChunkStream, build_completion, parse_chat_request

from ..anthropic.streams import events_of

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"
CREATED = 1_700_000_000


def pairs(kind: str) -> Callable[..., Any]:
    files = sorted((GOLDEN / kind).glob("*.json"))
    assert files
    return pytest.mark.parametrize(
        "pair", [pytest.param(orjson.loads(f.read_bytes()), id=f.stem) for f in files]
    )


@pairs("requests")
def test_request(pair: dict[str, Any]) -> None:
    request = parse_chat_request(orjson.dumps(pair["chat"]), **pair.get("options", {}))
    assert request.messages == evolve(read_request(pair["messages"]), ignored=())
    assert list(request.ignored) == pair["ignored"]
    assert request.model == pair["chat"]["model"]
    assert request.stream == bool(pair["chat"].get("stream"))
    assert request.include_usage == pair.get("include_usage", False)


@pairs("answers")
def test_answer(pair: dict[str, Any]) -> None:
    completion = build_completion(pair["message"], CREATED, **pair["options"])
    assert completion == pair["completion"]
    ChatCompletion.model_validate(completion, strict=True)


@pairs("answers")
def test_answer_in_chunks(pair: dict[str, Any]) -> None:
    stream = ChunkStream(CREATED, include_usage=True, **pair["options"])
    bare = ChunkStream(CREATED, **pair["options"])
    assembler = MessageAssembler()
    chunks, without_usage, message = [], [], None
    for event in streamed(pair["message"]):
        assert not stream.done
        chunks += stream.feed(event)
        without_usage += bare.feed(event)
        message = assembler.feed(event)
    assert message == pair["message"]  # so that both tell of the same answer
    assert stream.done
    assert chunks == pair["chunks"]
    assert without_usage == [{k: v for k, v in chunk.items() if k != "usage"} for chunk in chunks[:-1]]
    for chunk in chunks + without_usage:
        ChatCompletionChunk.model_validate(chunk, strict=True)


def streamed(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Its events, and in `message_delta` what only comes there."""
    *events, delta, stop = events_of({key: message[key] for key in message if key != "stop_details"})
    if "stop_details" in message:
        delta["delta"]["stop_details"] = message["stop_details"]
    return [*events, delta, stop]
