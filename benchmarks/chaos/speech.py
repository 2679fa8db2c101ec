"""A drawn request in the words of its API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .drawing import Asked, Dialect

Json = dict[str, Any]

_PATHS: Mapping[Dialect, str] = {
    "messages": "/v1/messages",
    "chat": "/v1/chat/completions",
    "responses": "/openai/v1/responses",
    "count": "/v1/messages/count_tokens",
    "models": "/v1/models",
}
_SCHEMA = {"type": "object", "properties": {"at": {"type": "string"}}}
_BY_BEARER = ("chat", "responses")


def request_of(asked: Asked) -> tuple[str, str, dict[str, str], bytes]:
    """Method, path, headers and body."""
    method, path = "GET" if asked.dialect == "models" else "POST", _PATHS[asked.dialect]
    headers = {"host": "localhost", "content-type": "application/json"}
    if asked.dialect in _BY_BEARER:
        headers |= {"authorization": f"Bearer {asked.key}"} if asked.key else {}
    else:
        headers |= {"anthropic-version": "2023-06-01", **({"x-api-key": asked.key} if asked.key else {})}
    body = b"" if method == "GET" else json.dumps(_body(asked)).encode()
    length = len(body)
    if (mistake := asked.mistake) is not None:
        body = body if mistake.body is None else mistake.body(_body(asked))
        method, path, length = mistake.method, path + mistake.path, len(body) + mistake.missing
        headers |= mistake.headers
    return method, path, {**headers, "content-length": str(length)}, body


def conversation_of(asked: Asked) -> list[tuple[str, str]]:
    """Role and text of each message."""
    padding = " " + "x" * asked.padding if asked.padding else ""
    said = [f"{asked.word} turn {n}{padding}" for n in range(asked.turns)]
    if asked.course.wish:
        said[-1] += f" [[{asked.course.wish.format(word=asked.word)}]]"
    return [("assistant" if (asked.turns - n) % 2 == 0 else "user", text) for n, text in enumerate(said)]


def echo_of(asked: Asked) -> str:
    """What the stand-in answers, but for the dots behind it."""
    padding = " " + "x" * asked.padding if asked.padding else ""
    return f"Demo echo: {asked.word} turn {asked.turns - 1}{padding}"


def messages_of(asked: Asked) -> list[Json]:
    """The conversation as the Messages API has it."""
    said = conversation_of(asked)
    return [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in said]


def _body(asked: Asked) -> Json:
    if asked.dialect == "count":
        return {"model": asked.model, "messages": messages_of(asked)}
    shared: Json = {"model": asked.model, "stream": asked.stream}
    function = {"name": "look", "description": "Look."}
    if asked.dialect == "messages":
        system = {"system": asked.system} if asked.system else {}
        tools = {"tools": [{**function, "input_schema": _SCHEMA}]} if asked.tool else {}
        return {**shared, "max_tokens": 100_000, "messages": messages_of(asked), **system, **tools}
    said = [{"role": role, "content": text} for role, text in conversation_of(asked)]
    if asked.dialect == "chat":
        system_message = [{"role": "developer", "content": asked.system}] if asked.system else []
        called = {"type": "function", "function": {**function, "parameters": _SCHEMA}}
        return {**shared, "messages": [*system_message, *said], **({"tools": [called]} if asked.tool else {})}
    instructions = {"instructions": asked.system} if asked.system else {}
    offered = {"type": "function", **function, "parameters": _SCHEMA, "strict": False}
    return {**shared, "input": said, **instructions, **({"tools": [offered]} if asked.tool else {})}
