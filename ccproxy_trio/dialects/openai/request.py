"""A chat completion request: from the body's bytes to the equivalent Messages request, or an `InvalidRequest`.

The body is translated into a Messages body, which is then read by the Messages API's own rules. Nothing is dropped in
silence: a parameter is carried, or emulated, or refused by name, or told among what is ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from ccproxy_trio.dialects.anthropic.losses import write_again
from ccproxy_trio.dialects.anthropic.request import read_request, refuse_changed
from ccproxy_trio.dialects.anthropic.values import boolean, required
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import decode_object
from ccproxy_trio.dialects.openai.conversation import read_conversation
from ccproxy_trio.dialects.openai.fields import check_fields
from ccproxy_trio.dialects.openai.parameters import read_parameters
from ccproxy_trio.dialects.openai.places import Notes
from ccproxy_trio.dialects.openai.tools import read_tools
from ccproxy_trio.dialects.openai.values import known_keys

if TYPE_CHECKING:
    from ccproxy_trio.dialects.anthropic.request import MessagesRequest
    from ccproxy_trio.dialects.openai.places import Places, WhenUnsupported


@frozen
class ChatRequest:
    """What a client asks of POST /v1/chat/completions."""

    messages: MessagesRequest
    """The equivalent Messages request; its `model` is the client's word for it, its `ignored` empty."""
    places: Places
    """For errors about that request which are found later: `retell` says them in the client's terms."""
    include_usage: bool = False
    """Whether the stream is to end with a chunk of usage."""
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


def parse_chat_request(
    body: bytes, *, unsupported: WhenUnsupported = "refuse", show_thinking: bool = False
) -> ChatRequest:
    """Read the body of POST /v1/chat/completions.

    `unsupported` says what becomes of parameters that cannot be honoured; `show_thinking` asks for thoughts that can
    be shown. Raises InvalidRequest, and nothing else, for every body that is not a request this server can carry out.
    """
    fields = decode_object(body)
    written = write_again(fields)
    request = _read_chat_request(fields, Notes(unsupported), show_thinking=show_thinking)
    refuse_changed(body, written)
    return request


def _read_chat_request(fields: dict[str, Any], notes: Notes, *, show_thinking: bool) -> ChatRequest:
    for name in ("model", "messages"):
        required(fields, name)
    carried = {"model": fields["model"], "messages": fields["messages"], **check_fields(fields, notes)}
    stream = boolean(carried.get("stream", False), "stream")
    include_usage = _read_stream_options(carried, notes, stream=stream)
    system, messages = read_conversation(carried["messages"], notes)
    body: dict[str, Any] = {
        "model": carried["model"],
        "stream": stream,
        "system": system,
        "messages": messages,
        # OpenAI's API caches prompts unasked.
        "cache_control": {"type": "ephemeral"},
        **read_tools(carried, notes),
    }
    read_parameters(carried, body, notes, show_thinking=show_thinking)
    return ChatRequest(read_translated(body, notes.places), notes.places, include_usage, tuple(notes.ignored))


def read_translated(body: dict[str, Any], places: Places) -> MessagesRequest:
    """Read a Messages body by all its rules, with errors in terms of what it was made from."""
    try:
        return read_request(body)
    except InvalidRequest as error:
        raise places.retell(error) from error


def _read_stream_options(fields: dict[str, Any], notes: Notes, *, stream: bool) -> bool:
    if "stream_options" not in fields:
        return False
    path = "stream_options"
    options = known_keys(fields[path], path, "include_usage", "include_obfuscation")
    if not stream:
        raise InvalidRequest(path, "this parameter is only allowed when 'stream' is true")
    if boolean(options.get("include_obfuscation", False), f"{path}.include_obfuscation"):
        notes.ignored.append(f"{path}.include_obfuscation")
    return boolean(options.get("include_usage", False), f"{path}.include_usage")
