"""A request of POST /v1/messages/count_tokens: from the body's bytes to a frozen value, or an `InvalidRequest`.

The fields are those of a message that say what the model is given. The CLI has messages counted and nothing beside
them: so what would change the count, and cannot be put into it, is refused by name, as a number that is too low would
be worse than none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from ccproxy_trio.dialects.anthropic.conversation import Message, parse_messages
from ccproxy_trio.dialects.anthropic.losses import find_lost_citations, refuse_inexact, write_again
from ccproxy_trio.dialects.anthropic.request import parse_model, refuse_changed
from ccproxy_trio.dialects.anthropic.system import parse_system
from ccproxy_trio.dialects.anthropic.values import EXTRA, required
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import decode_object, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_UNCOUNTED = "this server cannot count it: the CLI has nothing counted but messages and a system prompt"
_THINKING = "this server cannot count thinking: the CLI has it counted as it pleases, whatever is asked for"

WITHOUT_EFFECT = frozenset({"billing_policy", "cache_control", "compaction"})
"""Fields that the API takes and that change no count."""


@frozen
class CountRequest:
    """What a client wants counted."""

    model: str
    """As the client wrote it; aliases are not resolved here."""
    messages: tuple[Message, ...]
    """The conversation: user and assistant in turn, the user last."""
    system: tuple[str, ...] = ()
    """The texts of the system prompt; none when the client gave none, or an empty one."""
    ignored: tuple[str, ...] = ()
    """Paths of what has no effect, for the client to be told."""


def parse_count_request(body: bytes) -> CountRequest:
    """Read the body of POST /v1/messages/count_tokens.

    Raises InvalidRequest, and nothing else, for every body whose tokens this server cannot have counted.
    """
    fields = decode_object(body)
    written = write_again(fields)
    _refuse_uncounted(fields)
    model = parse_model(required(fields, "model"))
    messages = parse_messages(required(fields, "messages"))
    _refuse_thinking(fields["messages"])
    system, ignored = parse_system(fields.get("system", ""))
    refuse_inexact(fields, written)
    refuse_changed(body, written)
    return CountRequest(model, messages, system, (*ignored, *find_lost_citations(fields["messages"])))


def _refuse_uncounted(fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if name in NEUTRAL:
            if not NEUTRAL[name](value):
                raise InvalidRequest(name, _UNCOUNTED)
        elif name not in {"model", "messages", "system"} | WITHOUT_EFFECT:
            raise InvalidRequest(shorten(name), EXTRA)


def _refuse_thinking(messages: list[dict[str, Any]]) -> None:
    for number, message in enumerate(messages):
        for index, block in enumerate(message["content"]):
            if isinstance(block, dict) and block["type"] in ("thinking", "redacted_thinking"):
                raise InvalidRequest(f"messages.{number}.content.{index}.{block['type']}", _THINKING)


def _asks_for_nothing(config: object) -> bool:
    return isinstance(config, dict) and all(value is None for value in config.values())


NEUTRAL: Mapping[str, Callable[[Any], bool]] = {
    "context_management": lambda value: value is None,
    "mcp_servers": lambda value: value == [],
    "output_config": _asks_for_nothing,
    "output_format": lambda value: value is None,
    "speed": lambda value: value in (None, "standard"),
    "thinking": lambda value: value == {"type": "disabled"},
    "tool_choice": lambda value: value == {"type": "none"},
    "tools": lambda value: value == [],
}
"""Fields that would change a count, each with the test for a value that does not."""
