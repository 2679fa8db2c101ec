"""Where a request asks for prompt caching, and how the marks on its system prompt are emulated.

Marks in `messages` and `tools` go upstream as they are. The system prompt reaches the CLI as a bare text, without
them; but the CLI can set marks of its own: on the block before the client's system prompt, on that prompt, and on
the last block of the conversation, in place of the client's there. So a mark on the system prompt switches those
three on for the request, if the API's limit leaves room for them. A mark that finds no place is ignored, and that is
said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from ccproxy_trio.dialects.anthropic.values import obj, one_of, required

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_MARKS = 4
_OWN_MARKS = 3


@frozen
class Caching:
    """What of a request's marks needs more than to be carried."""

    system: Literal["5m", "1h"] | None = None
    """How long the system prompt is to be cached by the CLI's own marks; None for not at all."""
    ignored: tuple[str, ...] = ()
    """The paths of marks that cannot be honoured."""


def check_mark(value: object, path: str) -> None:
    """Check a `cache_control` that is not null. Raises InvalidRequest."""
    mark = obj(value, path)
    one_of(required(mark, "type", path), f"{path}.type", "ephemeral")
    if "ttl" in mark:
        one_of(mark["ttl"], f"{path}.ephemeral.ttl", "5m", "1h")


def plan_caching(fields: Mapping[str, Any]) -> Caching:
    """Decide what becomes of the marks in a body that is otherwise known to be good."""
    on_system = dict(_marks(fields.get("system"), "system"))
    lost: list[str] = []
    carried = len(dict(_marks(fields.get("tools"), "tools"))) + bool(fields.get("cache_control"))
    last = fields["messages"][-1]["content"]
    for number, message in enumerate(fields["messages"]):
        for path, block in _marks(message["content"], f"messages.{number}.content"):
            if _is_written_anew(block):
                lost.append(path)
            elif not (message is fields["messages"][-1] and block is last[-1]):
                carried += 1
    if not on_system:
        return Caching(None, tuple(lost))
    if carried + _OWN_MARKS > _MOST_MARKS:
        return Caching(None, (*on_system, *lost))
    long = any(block["cache_control"].get("ttl") == "1h" for block in on_system.values())
    return Caching("1h" if long else "5m", tuple(lost))


def _marks(held: object, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What in a list, at any depth, has a mark, with the mark's path."""
    for index, each in enumerate(held if isinstance(held, list) else ()):
        if isinstance(each, dict):
            if each.get("cache_control"):
                yield f"{path}.{index}.cache_control", each
            yield from _marks(each.get("content"), f"{path}.{index}.content")


def _is_written_anew(block: Mapping[str, Any]) -> bool:
    """Whether the CLI builds this block of a message itself, and leaves out what it does not know."""
    kind = block["type"]
    return bool(kind == "tool_use" or (kind == "image" and block["source"]["type"] == "base64"))
