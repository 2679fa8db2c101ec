"""How a model is to choose among the functions that it is offered.

A choice from some of them is emulated by offering no others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from ccproxy_trio.dialects.anthropic.values import array, obj, one_of, required
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import shorten
from ccproxy_trio.dialects.openai.places import item

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ccproxy_trio.dialects.openai.parts import Placed

_WORDS = {"none": "none", "auto": "auto", "required": "any"}
_NEEDLESS = ("none", "auto")
"""What says nothing where there are no tools."""


@frozen
class Choice:
    """How to choose, as the Messages API has it, and from which functions."""

    how: Mapping[str, Any]
    among: Mapping[str, str] | None = None
    """The paths of the names of those that are allowed, by name; None for all."""


def read_word(value: object) -> Choice:
    """A choice that is one word. Raises InvalidRequest."""
    return Choice({"type": _WORDS[one_of(value, "tool_choice", *_WORDS)]})


def read_allowed(
    given: dict[str, Any], path: str, read_name: Callable[[dict[str, Any], str], tuple[str, str]]
) -> Choice:
    """A choice from some of the functions; `read_name` gives the name of one, and its path. Raises InvalidRequest."""
    mode = one_of(required(given, "mode", path), f"{path}.mode", "auto", "required")
    among = {}
    for index, tool in enumerate(array(required(given, "tools", path), f"{path}.tools")):
        place = item(f"{path}.tools", index)
        name, name_path = read_name(obj(tool, place), place)
        among[name] = name_path
    if not among:
        raise InvalidRequest(f"{path}.tools", "at least one tool is required")
    return Choice({"type": _WORDS[mode]}, among)


def offer(tools: list[Placed], choice: Choice | None, *, parallel: bool) -> tuple[dict[str, Any], list[str]]:
    """The fields `tools` and `tool_choice` of a Messages body, and where each of the tools offered came from.

    Raises InvalidRequest for a choice from what there is not.
    """
    if choice is not None and choice.among is not None:
        names = {tool["name"] for tool, _ in tools}
        for name, path in choice.among.items():
            if name not in names:
                raise InvalidRequest(path, f"Tool {shorten(name)!r} not found in provided tools")
        tools = [(tool, origin) for tool, origin in tools if tool["name"] in choice.among]
    how = choice.how if choice is not None else {"type": "auto"} if not parallel else None
    if how is not None and not parallel and how["type"] != "none":
        how = {**how, "disable_parallel_tool_use": True}
    body: dict[str, Any] = {"tools": [tool for tool, _ in tools]} if tools else {}
    if how is not None and (tools or how["type"] not in _NEEDLESS):
        body["tool_choice"] = how
    return body, [origin for _, origin in tools]
