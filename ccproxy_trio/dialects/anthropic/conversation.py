"""The messages of a request: who said what, to the user's last word.

Consecutive messages of one role become one, with all their blocks, as in the API. An answer that is begun in the
request (a prefill) cannot be continued by the CLI.
"""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from ccproxy_trio.dialects.anthropic.blocks import ContentBlock, parse_content
from ccproxy_trio.dialects.anthropic.losses import refuse_lost_answer, refuse_too_many_media
from ccproxy_trio.dialects.anthropic.pairing import refuse_unpaired
from ccproxy_trio.dialects.anthropic.values import EXTRA, array, obj, required, within
from ccproxy_trio.dialects.failures import InvalidRequest

_MAX_MESSAGES = 100_000
_PREFILL = (
    "This server does not support assistant message prefill, because the CLI cannot continue an answer that it did "
    "not begin. The conversation must end with a user message."
)


@frozen
class Message:
    """One turn of the conversation."""

    role: Literal["user", "assistant"]
    content: tuple[ContentBlock, ...]
    """At least one block."""


def parse_messages(value: object) -> tuple[Message, ...]:
    """Read the field `messages`: user and assistant in turn, the user last."""
    messages = array(value, "messages")
    if not messages:
        raise InvalidRequest("messages", "at least one message is required")
    if len(messages) > _MAX_MESSAGES:
        raise InvalidRequest(
            "messages", f"List should have at most {_MAX_MESSAGES} items, not {len(messages)}"
        )
    parsed = [_parse_message(message, f"messages.{index}") for index, message in enumerate(messages)]
    if parsed[-1].role != "user":
        raise InvalidRequest(f"messages.{len(messages) - 1}", _PREFILL)
    return _in_turns(parsed)


def _parse_message(value: object, path: str) -> Message:
    message = obj(value, path)
    for key in message:
        if key not in ("role", "content"):
            raise InvalidRequest(within(path, key), EXTRA)
    role = required(message, "role", path)
    if role == "system":
        raise InvalidRequest(
            f"{path}.role",
            "this server does not support the role 'system', as the CLI has no such message; use the field system",
        )
    if role not in ("user", "assistant"):
        raise InvalidRequest(f"{path}.role", "Input should be 'user' or 'assistant'")
    content = parse_content(required(message, "content", path), f"{path}.content", role)
    if not content:
        raise InvalidRequest(path, f"{role} messages must have non-empty content")
    return Message(role, content)


def _in_turns(messages: list[Message]) -> tuple[Message, ...]:
    turns: list[Message] = []
    places: list[str] = []  # of the last message in each turn
    blocks: list[ContentBlock] = []
    for index, message in enumerate(messages):
        blocks.extend(message.content)
        if index + 1 == len(messages) or messages[index + 1].role != message.role:
            place = f"messages.{index}"
            if message.role == "assistant":
                refuse_lost_answer(blocks, place)
            turns.append(Message(message.role, tuple(blocks)))
            places.append(place)
            blocks = []
    contents = [turn.content for turn in turns]
    refuse_unpaired(contents, places)
    refuse_too_many_media(contents)
    return tuple(turns)
