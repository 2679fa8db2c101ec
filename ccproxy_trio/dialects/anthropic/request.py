"""A Messages request: from the body's bytes to a frozen value, or an `InvalidRequest` that says what and where.

Rules: nothing is dropped in silence. A field is carried, or refused by name, or told among what is ignored; a value
has exactly the type that the API documents; the first thing wrong is the one reported. Texts and paths follow the
API's own where they are known.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from ccproxy_trio.dialects.anthropic.caching import plan_caching
from ccproxy_trio.dialects.anthropic.conversation import Message, parse_messages
from ccproxy_trio.dialects.anthropic.known import NULLABLE_FIELDS, REFUSAL_CODES, UNSUPPORTED_FIELDS
from ccproxy_trio.dialects.anthropic.losses import (
    find_lost_citations,
    refuse_inexact,
    refuse_rounded,
    write_again,
)
from ccproxy_trio.dialects.anthropic.parameters import PARAMETERS, parse_parameters
from ccproxy_trio.dialects.anthropic.system import parse_system
from ccproxy_trio.dialects.anthropic.tools import Tool, parse_tool_choice, parse_tools
from ccproxy_trio.dialects.anthropic.values import EXTRA, boolean, integer, required, string
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import decode_object, refuse_lost_keys, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_MODEL_LENGTH = 256
_BETA = re.compile(r"[\w.-]{1,100}", re.ASCII)
_OWN_FIELDS = frozenset({"model", "messages", "max_tokens", "system", "stream", "tools", "tool_choice"})

FIELDS = _OWN_FIELDS | PARAMETERS.keys()
"""The fields of the body that are carried."""


@frozen
class MessagesRequest:
    """What a client asks of POST /v1/messages."""

    model: str
    """As the client wrote it; aliases are not resolved here."""
    messages: tuple[Message, ...]
    """The conversation: user and assistant in turn, the user last."""
    max_tokens: int
    """At least 1."""
    system: tuple[str, ...] = ()
    """The texts of the system prompt; none when the client gave none, or an empty one."""
    system_cache: Literal["5m", "1h"] | None = None
    """How long the system prompt is to be cached, if it is to be."""
    tools: tuple[Tool, ...] = ()
    """What the model may call, as the client wrote it."""
    parameters: Mapping[str, Any] = {}
    """Fields that go upstream as they are, by name: `temperature`, `thinking`, `tool_choice` …"""
    betas: tuple[str, ...] = ()
    """Names of the header `anthropic-beta`, which `parse_betas` reads."""
    ignored: tuple[str, ...] = ()
    """Paths of what has no effect, for the client to be told."""
    stream: bool = False


def parse_request(body: bytes) -> MessagesRequest:
    """Read the body of POST /v1/messages.

    Raises InvalidRequest, and nothing else, for every body that is not a request this server can carry out.
    """
    fields = decode_object(body)
    written = write_again(fields)
    request = _read(fields, written)
    refuse_changed(body, written)
    return request


def read_request(fields: dict[str, Any]) -> MessagesRequest:
    """The same for a body already decoded."""
    return _read(fields, write_again(fields))


def refuse_changed(body: bytes, written: bytes) -> None:
    """Raise InvalidRequest when decoding has changed what `body` says; `written` is what it was decoded to."""
    if body != written:  # they are equal when the client, too, writes no spaces
        refuse_lost_keys(body, written)
        refuse_rounded(body)


def _read(fields: dict[str, Any], written: bytes) -> MessagesRequest:
    refuse_unknown_fields(fields, FIELDS)
    model = parse_model(required(fields, "model"))
    messages = parse_messages(required(fields, "messages"))
    max_tokens = _parse_max_tokens(required(fields, "max_tokens"))
    system, ignored = parse_system(fields.get("system", ""))
    tools = parse_tools(fields.get("tools", []))
    parameters = parse_parameters(fields, max_tokens)
    if "tool_choice" in fields:
        parameters["tool_choice"] = parse_tool_choice(fields["tool_choice"], tools)
    stream = boolean(fields.get("stream", False), "stream")
    refuse_inexact(fields, written)
    caching = plan_caching(fields)
    return MessagesRequest(
        model,
        messages,
        max_tokens,
        system,
        caching.system,
        tools,
        parameters,
        ignored=(*ignored, *find_lost_citations(fields["messages"]), *caching.ignored),
        stream=stream,
    )


def refuse_unknown_fields(fields: dict[str, Any], carried: frozenset[str]) -> None:
    """Raise InvalidRequest for a field that is not among those that are carried."""
    for name, value in fields.items():
        if name in carried:
            continue
        if name not in UNSUPPORTED_FIELDS:
            raise InvalidRequest(shorten(name), EXTRA)
        if value is not None or name not in NULLABLE_FIELDS:
            reason = UNSUPPORTED_FIELDS[name]
            message = f"this server does not support this field: {reason}"
            raise InvalidRequest(name, message, REFUSAL_CODES.get(name))


def parse_model(value: object) -> str:
    """Read the field `model`."""
    model = string(value, "model")
    if not model:
        raise InvalidRequest("model", "String should have at least 1 character")
    if len(model) > _MAX_MODEL_LENGTH:
        raise InvalidRequest("model", f"String should have at most {_MAX_MODEL_LENGTH} characters")
    if not model.isprintable() or model != model.strip():
        # The CLI would take the space away, and there may be nothing left.
        raise InvalidRequest("model", "String should be printable, without space at its ends")
    return model


def parse_betas(header: str) -> tuple[str, ...]:
    """Read the header `anthropic-beta`: names with commas between them."""
    names = tuple(name.strip() for name in header.split(",") if name.strip())
    for name in names:
        if not _BETA.fullmatch(name):
            raise InvalidRequest("anthropic-beta", f"{shorten(name)!r} is not the name of a beta")
    return names


def _parse_max_tokens(value: object) -> int:
    # The API takes 0 too, to fill its prompt cache without an answer; the CLI has no such request.
    return integer(value, "max_tokens", at_least=1)
