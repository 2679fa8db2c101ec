"""The functions that a model may call, and how it is to choose among them, in the Responses API's flat shape.

Tools that OpenAI runs itself, and those whose input is no JSON, have no counterpart and are refused: a model that is
told of them would not find them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccproxy_trio.dialects.anthropic.values import array, boolean, obj, one_of, required, string
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import shorten
from ccproxy_trio.dialects.openai.places import Unsupported, item
from ccproxy_trio.dialects.openai.tools import function_tool, note_tools
from ccproxy_trio.dialects.openai.values import known_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccproxy_trio.dialects.openai.places import Notes

REFUSED = frozenset(
    {
        "apply_patch",
        "code_interpreter",
        "computer",
        "computer_use",
        "computer_use_preview",
        "custom",
        "file_search",
        "image_generation",
        "local_shell",
        "mcp",
        "namespace",
        "programmatic_tool_calling",
        "shell",
        "tool_search",
        "web_search",
        "web_search_2025_08_26",
        "web_search_preview",
        "web_search_preview_2025_03_11",
    }
)
"""The types of tools that are not carried."""

_CHOICES = {"none": "none", "auto": "auto", "required": "any"}


def read_tools(fields: Mapping[str, Any], notes: Notes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields `tools` and `tool_choice` of a Messages body; and what the answer says of them.

    Raises InvalidRequest.
    """
    given = array(fields.get("tools", []), "tools")
    tools = [(_read_tool(tool, item("tools", n), notes), item("tools", n)) for n, tool in enumerate(given)]
    asked = fields.get("tool_choice", "auto")
    choice, allowed = _read_choice(asked) if "tool_choice" in fields else (None, None)
    parallel = boolean(fields.get("parallel_tool_calls", True), "parallel_tool_calls")
    told = {
        "parallel_tool_calls": parallel,
        "tool_choice": asked,
        "tools": [
            _tell_tool(tool, each.get("parameters")) for (tool, _), each in zip(tools, given, strict=True)
        ],
    }
    if allowed is not None:
        _refuse_unoffered(allowed, [tool["name"] for tool, _ in tools])
        tools = [(tool, origin) for tool, origin in tools if tool["name"] in allowed.values()]
    if not parallel and tools:
        choice = choice or {"type": "auto"}
        if choice["type"] != "none":
            choice = {**choice, "disable_parallel_tool_use": True}
    note_tools([origin for _, origin in tools], "", notes)
    notes.places.note("tool_choice.tool", "tool_choice", verbatim=True)
    body: dict[str, Any] = {"tools": [tool for tool, _ in tools]} if tools else {}
    if choice is not None and (tools or choice["type"] not in ("auto", "none")):
        body["tool_choice"] = choice
    return body, told


def _tell_tool(tool: Mapping[str, Any], parameters: object) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool["name"],
        "description": tool.get("description"),
        "parameters": parameters,
        "strict": tool.get("strict", False),
    }


def _read_tool(value: object, path: str, notes: Notes) -> dict[str, Any]:
    tool = _function(obj(value, path), path, "description", "parameters", "strict", *_EXTRAS)
    for name, (neutral, why) in _EXTRAS.items():
        if tool.get(name, neutral) != neutral:
            notes.leave_out(f"{path}.{name}", why)
    return function_tool(tool, path)


def _function(held: dict[str, Any], path: str, *keys: str) -> dict[str, Any]:
    kind = required(held, "type", path)
    if isinstance(kind, str) and kind in REFUSED:
        raise Unsupported(
            f"{path}.type", f"this server does not support the tool {kind!r}: Claude's models call functions"
        )
    one_of(kind, f"{path}.type", "function")
    return known_keys(held, path, "type", "name", *keys)


def _read_choice(value: object) -> tuple[dict[str, Any], dict[str, str] | None]:
    """The choice, and the names of the tools that it is from, by path; None for all."""
    path = "tool_choice"
    if isinstance(value, str):
        return {"type": _CHOICES[one_of(value, path, *_CHOICES)]}, None
    choice = obj(value, path)
    if choice.get("type") != "allowed_tools":
        return {"type": "tool", "name": _name(choice, path)}, None
    known_keys(choice, path, "type", "mode", "tools")
    mode = one_of(required(choice, "mode", path), f"{path}.mode", "auto", "required")
    names = {}
    for index, tool in enumerate(array(required(choice, "tools", path), f"{path}.tools")):
        place = item(f"{path}.tools", index)
        names[f"{place}.name"] = _name(obj(tool, place), place)
    if not names:
        raise InvalidRequest(f"{path}.tools", "at least one tool is required")
    return {"type": _CHOICES[mode]}, names


def _name(held: dict[str, Any], path: str) -> str:
    return string(required(_function(held, path), "name", path), f"{path}.name")


def _refuse_unoffered(allowed: Mapping[str, str], offered: list[str]) -> None:
    for path, name in allowed.items():
        if name not in offered:
            raise InvalidRequest(path, f"Tool {shorten(name)!r} not found in provided tools")


_EXTRAS: Mapping[str, tuple[object, str]] = {
    "allowed_callers": (["direct"], "there is no other caller than the model"),
    "async": (False, "upstream waits for the output of each call"),
    "defer_loading": (False, "nothing here searches for tools"),
    "output_schema": (None, "Claude's models take no schema of an output; say it in the description"),
}
"""Keys of a function that are not carried: the value that asks for nothing, and why."""
