"""A request for a response: from the body's bytes to the equivalent Messages request, or an `InvalidRequest`.

The body is translated into a Messages body, which is then read by the Messages API's own rules. Nothing is dropped in
silence: a parameter is carried, or emulated, or refused by name, or told among what is ignored. Nothing is kept
either: each request brings its whole conversation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from ccproxy_trio.dialects.anthropic.losses import write_again
from ccproxy_trio.dialects.anthropic.request import refuse_changed
from ccproxy_trio.dialects.anthropic.values import boolean, required
from ccproxy_trio.dialects.json_body import decode_object
from ccproxy_trio.dialects.openai.places import Notes
from ccproxy_trio.dialects.openai.request import read_translated
from ccproxy_trio.dialects.openai.responses.fields import check_fields
from ccproxy_trio.dialects.openai.responses.items import read_input
from ccproxy_trio.dialects.openai.responses.settings import read_settings, read_stream_options
from ccproxy_trio.dialects.openai.responses.tools import read_tools

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccproxy_trio.dialects.anthropic.request import MessagesRequest
    from ccproxy_trio.dialects.openai.places import Places, WhenUnsupported


@frozen
class ResponsesRequest:
    """What a client asks of POST /v1/responses."""

    messages: MessagesRequest
    """The equivalent Messages request; its `model` is the client's word for it, its `ignored` empty."""
    places: Places
    """For errors about that request which are found later: `retell` says them in the client's terms."""
    settings: Mapping[str, Any]
    """What the answer tells of the request."""
    ignored: tuple[str, ...] = ()
    """Paths of what has no effect, for the client to be told."""

    @property
    def model(self) -> str:
        """As the client wrote it."""
        return self.messages.model

    @property
    def stream(self) -> bool:
        """Whether the answer is to be streamed."""
        return self.messages.stream

    @property
    def summary(self) -> bool:
        """Whether the answer is to tell what the model thought."""
        return self.settings["reasoning"]["summary"] is not None


def parse_responses_request(body: bytes, *, unsupported: WhenUnsupported = "refuse") -> ResponsesRequest:
    """Read the body of POST /v1/responses.

    `unsupported` says what becomes of parameters that cannot be honoured. Raises InvalidRequest, and nothing else,
    for every body that is not a request this server can carry out.
    """
    fields = decode_object(body)
    written = write_again(fields)
    request = _read_request(fields, Notes(unsupported))
    refuse_changed(body, written)
    return request


def _read_request(fields: dict[str, Any], notes: Notes) -> ResponsesRequest:
    carried = check_fields(fields, notes)
    for name in ("model", "input"):
        required(carried, name)
    stream = boolean(carried.get("stream", False), "stream")
    read_stream_options(carried, notes, stream=stream)
    system, messages = read_input(carried.get("instructions"), carried["input"], notes)
    tools, told = read_tools(carried, notes)
    body: dict[str, Any] = {
        "model": carried["model"],
        "stream": stream,
        "system": system,
        "messages": messages,
        # OpenAI's API caches prompts unasked.
        "cache_control": {"type": "ephemeral"},
        **tools,
    }
    settings = {**told, **read_settings(carried, body, notes)}
    return ResponsesRequest(read_translated(body, notes.places), notes.places, settings, tuple(notes.ignored))
