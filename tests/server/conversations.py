"""Messages as they are sent, and what of an upstream body is the client's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "text", "text": text}]}


def conversation(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages that the model was given, without the CLI's marks for the prompt cache."""
    return [
        {"role": message["role"], "content": [_unmarked(block) for block in message["content"]]}
        for message in body["messages"]
    ]


def system(body: Mapping[str, Any]) -> list[str]:
    """The system prompt that the model was given, after the two blocks of the CLI's own."""
    return [block["text"] for block in body["system"][2:]]


def _unmarked(block: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in block.items() if key != "cache_control"}
