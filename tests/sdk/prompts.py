"""What the tests ask, and what they read of the answers."""

from __future__ import annotations

import json
from typing import Any

ASKING: dict[str, Any] = {"model": "haiku", "max_tokens": 2000}
"""What every request needs beside its messages."""


def prompt(text: str) -> list[Any]:
    """The messages of a conversation that begins."""
    return [{"role": "user", "content": text}]


def text_of(message: Any) -> str:
    """The text blocks of an answer, put together."""
    return "".join(block.text for block in message.content if block.type == "text")


def received(message: Any) -> dict[str, Any]:
    """The body that reached the API, from an answer to `[[dump]]`."""
    body: dict[str, Any] = json.loads(text_of(message))
    return body
