"""A Messages request: from the body's bytes to a frozen value, or an `InvalidRequest` that says what and
where.

Rules: nothing is dropped in silence. A field is carried, or refused by name; a value has exactly the type
that the API documents (true is no number, 1.0 no integer); the first thing wrong is the one reported. Texts
and paths follow the API's own where they are known. Consecutive messages of one role become one, with all
their blocks, as in the API.

A conversation begins and ends with the user. An answer that is begun in the request (a prefill) cannot be
continued by the CLI, and a first message of the assistant's could not be taken back from an instance before
the next request.
"""

from __future__ import annotations

from typing import Any, Literal

from attrs import frozen

from ccproxy_trio.dialects.anthropic.blocks import EXTRA, NOT_AN_OBJECT, REQUIRED, ContentBlock, parse_content
from ccproxy_trio.dialects.anthropic.known import NULLABLE_FIELDS, UNSUPPORTED_FIELDS
from ccproxy_trio.dialects.anthropic.reserved import refuse_empty_answer, refuse_reserved_system
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import decode_object, refuse_repeated_keys, shorten

_MAX_MESSAGES = 100_000
_MAX_MODEL_LENGTH = 256


@frozen
class Message:
    """One turn of the conversation."""

    role: Literal["user", "assistant"]
    content: tuple[ContentBlock, ...]
    """At least one block."""


@frozen
class MessagesRequest:
    """What a client asks of POST /v1/messages."""

    model: str
    """As the client wrote it; aliases are not resolved here."""
    messages: tuple[Message, ...]
    """The conversation: user and assistant in turn, from the user and to the user."""
    max_tokens: int
    """At least 1."""
    system: tuple[ContentBlock, ...] = ()
    """The system prompt's text blocks; none when the client gave none, or an empty string."""
    stream: bool = False


def parse_request(body: bytes) -> MessagesRequest:
    """Read the body of POST /v1/messages.

    Raises InvalidRequest, and nothing else, for every body that is not a request this server can carry out in
    full.
    """
    fields = decode_object(body)
    _refuse_unsupported(fields)
    request = MessagesRequest(
        model=_parse_model(_required(fields, "model")),
        messages=_parse_messages(_required(fields, "messages")),
        max_tokens=_parse_max_tokens(_required(fields, "max_tokens")),
        system=_parse_system(fields.get("system", "")),
        stream=_parse_stream(fields.get("stream", False)),
    )
    refuse_repeated_keys(body)
    return request


def _refuse_unsupported(fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if name in UNSUPPORTED_FIELDS:
            if value is not None or name not in NULLABLE_FIELDS:
                raise InvalidRequest(name, "this server does not support this field yet")
        elif name not in ("model", "messages", "max_tokens", "system", "stream"):
            raise InvalidRequest(shorten(name), EXTRA)


def _required(fields: dict[str, Any], name: str, path: str = "") -> Any:
    if name not in fields:
        raise InvalidRequest(f"{path}{name}", REQUIRED)
    return fields[name]


def _parse_model(model: object) -> str:
    if not isinstance(model, str):
        raise InvalidRequest("model", "Input should be a valid string")
    if not model:
        raise InvalidRequest("model", "String should have at least 1 character")
    if len(model) > _MAX_MODEL_LENGTH:
        raise InvalidRequest("model", f"String should have at most {_MAX_MODEL_LENGTH} characters")
    if not model.isprintable() or model != model.strip():
        # The CLI would take the space away, and there may be nothing left.
        raise InvalidRequest("model", "String should be printable, without space at its ends")
    return model


def _parse_system(system: object) -> tuple[ContentBlock, ...]:
    blocks = parse_content(system, "system")
    refuse_reserved_system(blocks)
    return blocks


def _parse_max_tokens(max_tokens: object) -> int:
    if not isinstance(max_tokens, int) or isinstance(max_tokens, bool):
        raise InvalidRequest("max_tokens", "Input should be a valid integer")
    if max_tokens < 1:
        # The API takes 0 too, to fill its prompt cache without an answer; the CLI has no such request.
        raise InvalidRequest("max_tokens", "Input should be greater than or equal to 1")
    return max_tokens


def _parse_stream(stream: object) -> bool:
    if not isinstance(stream, bool):
        raise InvalidRequest("stream", "Input should be a valid boolean")
    return stream


def _parse_messages(messages: object) -> tuple[Message, ...]:
    if not isinstance(messages, list):
        raise InvalidRequest("messages", "Input should be a valid list")
    if not messages:
        raise InvalidRequest("messages", "at least one message is required")
    if len(messages) > _MAX_MESSAGES:
        raise InvalidRequest(
            "messages", f"List should have at most {_MAX_MESSAGES} items, not {len(messages)}"
        )
    turns = _merge([_parse_message(message, f"messages.{index}") for index, message in enumerate(messages)])
    if turns[0].role != "user":
        raise InvalidRequest("messages", 'first message must use the "user" role')
    if turns[-1].role != "user":
        raise InvalidRequest(
            f"messages.{len(messages) - 1}",
            "This server does not support assistant message prefill, because the CLI cannot continue an answer that "
            "it did not begin. The conversation must end with a user message.",
        )
    return turns


def _parse_message(message: object, path: str) -> Message:
    if not isinstance(message, dict):
        raise InvalidRequest(path, NOT_AN_OBJECT)
    for key in message:
        if key not in ("role", "content"):
            raise InvalidRequest(f"{path}.{shorten(key)}", EXTRA)
    role = _required(message, "role", f"{path}.")
    if role == "system":
        raise InvalidRequest(
            f"{path}.role",
            "this server does not support the role 'system' yet; use the top-level field system",
        )
    if role not in ("user", "assistant"):
        raise InvalidRequest(f"{path}.role", "Input should be 'user' or 'assistant'")
    content = parse_content(_required(message, "content", f"{path}."), f"{path}.content")
    if not content:
        raise InvalidRequest(path, f"{role} messages must have non-empty content")
    return Message(role, content)


def _merge(messages: list[Message]) -> tuple[Message, ...]:
    turns: list[Message] = []
    blocks: list[ContentBlock] = []
    for index, message in enumerate(messages):
        blocks.extend(message.content)
        if index + 1 == len(messages) or messages[index + 1].role != message.role:
            if message.role == "assistant":
                refuse_empty_answer(blocks, f"messages.{index}")
            turns.append(Message(message.role, tuple(blocks)))
            blocks = []
    return tuple(turns)
