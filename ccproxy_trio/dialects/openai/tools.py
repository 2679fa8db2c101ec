"""The functions that a model may call, and how it is to choose among them.

OpenAI's custom tools, whose input is free text, have no counterpart. A choice from some of the tools is emulated by
offering no others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccproxy_trio.dialects.anthropic.values import array, boolean, obj, one_of, required, string
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import shorten
from ccproxy_trio.dialects.openai.places import Unsupported, item
from ccproxy_trio.dialects.openai.values import known_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccproxy_trio.dialects.openai.places import Notes

_CHOICES = {"none": "none", "auto": "auto", "required": "any"}
_CUSTOM = "this server does not support custom tools, as Claude's models call functions only"


def read_tools(fields: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """The fields `tools` and `tool_choice` of a Messages body. Raises InvalidRequest."""
    tools = [
        (_read_tool(tool, item("tools", index)), item("tools", index))
        for index, tool in enumerate(array(fields.get("tools", []), "tools"))
    ]
    choice, allowed = _read_choice(fields["tool_choice"]) if "tool_choice" in fields else (None, None)
    if allowed is not None:
        _refuse_unoffered(allowed, [tool["name"] for tool, _ in tools])
        tools = [(tool, origin) for tool, origin in tools if tool["name"] in allowed.values()]
    if not boolean(fields.get("parallel_tool_calls", True), "parallel_tool_calls") and tools:
        choice = choice or {"type": "auto"}
        if choice["type"] != "none":
            choice = {**choice, "disable_parallel_tool_use": True}
    note_tools([origin for _, origin in tools], "function.", notes)
    notes.places.note("tool_choice.tool", "tool_choice.function", verbatim=True)
    body: dict[str, Any] = {"tools": [tool for tool, _ in tools]} if tools else {}
    if choice is not None and (tools or choice["type"] != "none"):
        body["tool_choice"] = choice
    return body


def function_tool(function: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The tool of the Messages API for a function's definition, which stands at `path` and has no nulls."""
    tool = {"name": string(required(dict(function), "name", path), f"{path}.name")}
    if "description" in function:
        tool["description"] = string(function["description"], f"{path}.description")
    # Without parameters, and with a schema that says nothing, a function has none.
    schema = obj(function.get("parameters", {}), f"{path}.parameters")
    strict = boolean(function.get("strict", False), f"{path}.strict")
    return {
        **tool,
        "input_schema": schema or {"type": "object", "properties": {}},
        **({"strict": True} if strict else {}),
    }


def note_tools(origins: list[str], within: str, notes: Notes) -> None:
    """Note where each tool of the Messages body came from; `within` is the step to a function's own keys."""
    for index, origin in enumerate(origins):
        notes.places.note(f"tools.{index}", origin)
        for step in ("", ".custom"):
            place = f"tools.{index}{step}"
            notes.places.note(f"{place}.input_schema", f"{origin}.{within}parameters", verbatim=True)
            notes.places.note(f"{place}.name", f"{origin}.{within}name")


def _read_tool(value: object, path: str) -> dict[str, Any]:
    tool = obj(value, path)
    function = _function(tool, path, "name", "description", "parameters", "strict")
    return function_tool(function, f"{path}.function")


def _function(held: dict[str, Any], path: str, *keys: str) -> dict[str, Any]:
    if held.get("type") == "custom":
        raise Unsupported(f"{path}.type", _CUSTOM)
    one_of(required(held, "type", path), f"{path}.type", "function")
    known_keys(held, path, "type", "function")
    return known_keys(required(held, "function", path), f"{path}.function", *keys)


def _read_choice(value: object) -> tuple[dict[str, Any], dict[str, str] | None]:
    """The choice, and the names of the tools that it is from, by path; None for all."""
    path = "tool_choice"
    if isinstance(value, str):
        return {"type": _CHOICES[one_of(value, path, *_CHOICES)]}, None
    choice = obj(value, path)
    if choice.get("type") != "allowed_tools":
        return {"type": "tool", "name": _name(choice, path)}, None
    known_keys(choice, path, "type", "allowed_tools")
    path = f"{path}.allowed_tools"
    given = known_keys(required(choice, "allowed_tools", "tool_choice"), path, "mode", "tools")
    mode = one_of(required(given, "mode", path), f"{path}.mode", "auto", "required")
    names = {}
    for index, tool in enumerate(array(required(given, "tools", path), f"{path}.tools")):
        place = item(f"{path}.tools", index)
        names[f"{place}.function.name"] = _name(obj(tool, place), place)
    if not names:
        raise InvalidRequest(f"{path}.tools", "at least one tool is required")
    return {"type": _CHOICES[mode]}, names


def _name(held: dict[str, Any], path: str) -> str:
    function = _function(held, path, "name")
    return string(required(function, "name", f"{path}.function"), f"{path}.function.name")


def _refuse_unoffered(allowed: Mapping[str, str], offered: list[str]) -> None:
    for path, name in allowed.items():
        if name not in offered:
            raise InvalidRequest(path, f"Tool {shorten(name)!r} not found in provided tools")
