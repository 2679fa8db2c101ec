"""What the tests ask, what they read of the answers, and the Messages request that is due upstream for theirs."""

from __future__ import annotations

import json
from typing import Any

from tests.server.carried import check_body

ASKING: dict[str, Any] = {"model": "gpt-4o"}
"""What every request needs beside its messages; the servers' settings make Sonnet of this model."""
DUE: dict[str, Any] = {
    "model": "sonnet",
    "max_tokens": 32_000,
    "cache_control": {"type": "ephemeral"},
}
"""What is due upstream for a request that says no more."""
DUMP = "What did I say? [[dump]]"


def user(content: Any) -> dict[str, Any]:
    """A message of the user's; it is the same upstream."""
    return {"role": "user", "content": content}


def prompt(text: str) -> list[Any]:
    """The messages of a conversation that begins."""
    return [user(text)]


def said(completion: Any) -> str:
    """The text of an answer."""
    (choice,) = completion.choices
    text = choice.message.content
    assert isinstance(text, str), choice
    return text


def check_received(completion: Any, **due: Any) -> None:
    """An answer to `[[dump]]` tells that the API was asked for exactly this, by a Messages request."""
    check_body(json.loads(said(completion)), {**DUE, **due})
