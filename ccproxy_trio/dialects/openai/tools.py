"""The functions that a model may call, and how it is to choose among them.

OpenAI's custom tools, whose input is free text, have no counterpart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccproxy_trio.dialects.anthropic.values import array, boolean, obj, one_of, required, string
from ccproxy_trio.dialects.openai.choice import Choice, offer, read_allowed, read_word
from ccproxy_trio.dialects.openai.places import Unsupported, item
from ccproxy_trio.dialects.openai.values import known_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccproxy_trio.dialects.openai.places import Notes

_CUSTOM = "this server does not support custom tools, as Claude's models call functions only"


def read_tools(fields: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """The fields `tools` and `tool_choice` of a Messages body. Raises InvalidRequest."""
    tools = [
        (_read_tool(tool, item("tools", index)), item("tools", index))
        for index, tool in enumerate(array(fields.get("tools", []), "tools"))
    ]
    choice = _read_choice(fields["tool_choice"]) if "tool_choice" in fields else None
    parallel = boolean(fields.get("parallel_tool_calls", True), "parallel_tool_calls")
    body, origins = offer(tools, choice, parallel=parallel)
    note_tools(origins, "function.", notes)
    notes.places.note("tool_choice.tool", "tool_choice.function", verbatim=True)
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


def _read_choice(value: object) -> Choice:
    path = "tool_choice"
    if isinstance(value, str):
        return read_word(value)
    choice = obj(value, path)
    if choice.get("type") != "allowed_tools":
        return Choice({"type": "tool", "name": _read_name(choice, path)[0]})
    known_keys(choice, path, "type", "allowed_tools")
    inner = f"{path}.allowed_tools"
    given = known_keys(required(choice, "allowed_tools", path), inner, "mode", "tools")
    return read_allowed(given, inner, _read_name)


def _read_name(held: dict[str, Any], path: str) -> tuple[str, str]:
    function = _function(held, path, "name")
    name_path = f"{path}.function.name"
    return string(required(function, "name", f"{path}.function"), name_path), name_path
