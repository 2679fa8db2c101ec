"""The functions that a model may call, and how it is to choose among them, in the Responses API's flat shape.

Tools that OpenAI runs itself, and those whose input is no JSON, have no counterpart and are refused: a model that is
told of them would not find them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccproxy_trio.dialects.anthropic.values import array, boolean, obj, one_of, required, string
from ccproxy_trio.dialects.openai.choice import Choice, offer, read_allowed, read_word
from ccproxy_trio.dialects.openai.fields import NotCarried
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


def read_tools(fields: Mapping[str, Any], notes: Notes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields `tools` and `tool_choice` of a Messages body; and what the answer says of them.

    Raises InvalidRequest.
    """
    given = array(fields.get("tools", []), "tools")
    tools = [(_read_tool(tool, item("tools", n), notes), item("tools", n)) for n, tool in enumerate(given)]
    choice = _read_choice(fields["tool_choice"]) if "tool_choice" in fields else None
    parallel = boolean(fields.get("parallel_tool_calls", True), "parallel_tool_calls")
    told = {
        "parallel_tool_calls": parallel,
        "tool_choice": fields.get("tool_choice", "auto"),
        "tools": [
            _tell_tool(tool, each.get("parameters")) for (tool, _), each in zip(tools, given, strict=True)
        ],
    }
    body, origins = offer(tools, choice, parallel=parallel)
    note_tools(origins, "", notes)
    notes.places.note("tool_choice.tool", "tool_choice", verbatim=True)
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
    tool = _function(obj(value, path), path, "description", "parameters", "strict", *EXTRAS)
    for name, extra in EXTRAS.items():
        if extra.is_used(tool.get(name)):
            notes.leave_out(f"{path}.{name}", extra.why)
    return function_tool(tool, path)


def _function(held: dict[str, Any], path: str, *keys: str) -> dict[str, Any]:
    kind = required(held, "type", path)
    if isinstance(kind, str) and kind in REFUSED:
        raise Unsupported(
            f"{path}.type", f"this server does not support the tool {kind!r}: Claude's models call functions"
        )
    one_of(kind, f"{path}.type", "function")
    return known_keys(held, path, "type", "name", *keys)


def _read_choice(value: object) -> Choice:
    path = "tool_choice"
    if isinstance(value, str):
        return read_word(value)
    choice = obj(value, path)
    if choice.get("type") != "allowed_tools":
        return Choice({"type": "tool", "name": _read_name(choice, path)[0]})
    return read_allowed(known_keys(choice, path, "type", "mode", "tools"), path, _read_name)


def _read_name(held: dict[str, Any], path: str) -> tuple[str, str]:
    return string(required(_function(held, path), "name", path), f"{path}.name"), f"{path}.name"


EXTRAS: Mapping[str, NotCarried] = {
    "allowed_callers": NotCarried("there is no other caller than the model", (["direct"],)),
    "async": NotCarried("upstream waits for the output of each call", (False,)),
    "defer_loading": NotCarried("nothing here searches for tools", (False,)),
    "output_schema": NotCarried("Claude's models take no schema of an output; say it in the description"),
}
"""Keys of a function that are not carried."""
