"""Where a request asks for prompt caching, and how the marks on its system prompt are emulated.

Marks in `messages` and `tools` go upstream as they are. The system prompt reaches the CLI as a bare text, without
them; but the CLI can set three marks of its own: on the block before the client's system prompt, on that prompt, and
on the last block of the conversation, in place of the client's there. So a mark on the system prompt switches those
on for the request, if the API's limit leaves room for them.

They all last equally long: an hour if every mark that they stand for, and every one between them, asks for that, for
the API takes no long one behind a short one. For the same reason they do if one between them asks for that behind a
system prompt that does; then the last one is longer than asked. A mark that finds no place is ignored, as is the time
that one asks for and does not get; that is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from attrs import frozen

from ccproxy_trio.dialects.anthropic.values import obj, one_of, required

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_Lasting: TypeAlias = Literal["5m", "1h"]

_Marks: TypeAlias = "dict[str, Mapping[str, Any]]"
"""What has a mark, by the path of that mark."""

_MOST_MARKS = 4
_OWN_MARKS = 3


@frozen
class Caching:
    """What of a request's marks needs more than to be carried."""

    system: _Lasting | None = None
    """How long the CLI's own marks are to last; None for no such marks."""
    ignored: tuple[str, ...] = ()
    """The paths of marks, or of their `ttl`, that cannot be honoured."""


def check_mark(value: object, path: str) -> None:
    """Check a `cache_control` that is not null. Raises InvalidRequest."""
    mark = obj(value, path)
    one_of(required(mark, "type", path), f"{path}.type", "ephemeral")
    if "ttl" in mark:
        one_of(mark["ttl"], f"{path}.ephemeral.ttl", "5m", "1h")


def plan_caching(fields: Mapping[str, Any]) -> Caching:
    """Decide what becomes of the marks in a body that is otherwise known to be good."""
    messages = fields["messages"]
    on_system = _marks(fields.get("system"), "system")
    on_messages: _Marks = {}
    for number, message in enumerate(messages):
        on_messages |= _marks(message["content"], f"messages.{number}.content")
    if not on_system:
        return Caching(None, _lost(on_messages))
    last = f"messages.{len(messages) - 1}.content.{len(messages[-1]['content']) - 1}.cache_control"
    replaced = on_system | {path: block for path, block in on_messages.items() if path == last}
    elsewhere = {path: block for path, block in on_messages.items() if path != last}
    carried = [
        _lasting(block["cache_control"]) for block in elsewhere.values() if not _is_written_anew(block)
    ]
    carried += [_lasting(mark) for message in messages for mark in _marks_inside(message["content"])]
    long_between = "1h" in carried and "5m" not in {
        _lasting(each["cache_control"]) for each in on_system.values()
    }
    if fields.get("cache_control"):
        carried.append(_lasting(fields["cache_control"]))
    if len(carried) + len(_marks(fields.get("tools"), "tools")) + _OWN_MARKS > _MOST_MARKS:
        return Caching(None, (*on_system, *_lost(on_messages)))
    wanted = {path: _lasting(block["cache_control"]) for path, block in replaced.items()}
    own: _Lasting = "5m" if "5m" in {*wanted.values(), *carried} and not long_between else "1h"
    altered = [f"{path}.ttl" for path, lasting in wanted.items() if lasting != own]
    return Caching(own, (*altered, *_lost(elsewhere)))


def _marks(held: object, path: str) -> _Marks:
    """What in a list has a mark, by the mark's path."""
    items = enumerate(held if isinstance(held, list) else ())
    return {f"{path}.{index}.cache_control": each for index, each in items if each.get("cache_control")}


def _lost(on_messages: _Marks) -> tuple[str, ...]:
    return tuple(path for path, block in on_messages.items() if _is_written_anew(block))


def _marks_inside(blocks: object) -> Iterator[object]:
    """The marks at any depth within the blocks of a list: in their contents and sources."""
    inside = [
        block.get(key)
        for block in (blocks if isinstance(blocks, list) else ())
        for key in ("content", "source")
    ]
    while inside:
        held = inside.pop()
        if isinstance(held, dict):
            if held.get("cache_control"):
                yield held["cache_control"]
            inside.extend(held.values())
        elif isinstance(held, list):
            inside.extend(held)


def _lasting(mark: object) -> _Lasting:
    return "1h" if isinstance(mark, dict) and mark.get("ttl") == "1h" else "5m"


def _is_written_anew(block: Mapping[str, Any]) -> bool:
    """Whether the CLI builds this block of a message itself, and leaves out what it does not know."""
    kind = block["type"]
    return bool(kind == "tool_use" or (kind == "image" and block["source"]["type"] == "base64"))
