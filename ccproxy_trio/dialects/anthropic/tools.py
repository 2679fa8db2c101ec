"""The tools that a request offers to the model, and how the model is to choose among them.

Three kinds: the client's own, with a schema; those that Anthropic defined and the client runs (a shell, an editor);
and server tools, which the upstream API runs itself. A server tool does something beyond answering, at the cost of
whoever runs this server, so that it is for the operator to allow; here they are only told apart. Definitions are
carried as the client wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

from ccproxy_trio.dialects.anthropic.known import CLIENT_TOOLS, SERVER_TOOLS, UNSUPPORTED_TOOLS
from ccproxy_trio.dialects.anthropic.values import array, boolean, obj, one_of, required, string
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import shorten

Tool: TypeAlias = Mapping[str, Any]
"""A tool's definition as the client wrote it."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_VERSION = re.compile(r"_[0-9]{8}\Z")


def parse_tools(value: object) -> tuple[Tool, ...]:
    """Read the field `tools`."""
    tools = tuple(_parse_tool(tool, f"tools.{index}") for index, tool in enumerate(array(value, "tools")))
    names = [tool["name"] for tool in tools if "name" in tool]
    if len(set(names)) < len(names):
        raise InvalidRequest("tools", "Tool names must be unique.")
    return tools


def refuse_server_tools(tools: Sequence[Tool], allowed: Collection[str]) -> None:
    """Raise InvalidRequest for a tool that the upstream API runs, unless it is `allowed` (``web_search``)."""
    for index, tool in enumerate(tools):
        family = _family(tool.get("type"))
        if family in SERVER_TOOLS and family not in allowed:
            raise InvalidRequest(
                f"tools.{index}",
                f"the tool {family} runs upstream at the cost of this server's operator, who has not allowed it "
                "(setting claude.allowed_tools)",
            )


def parse_tool_choice(value: object, tools: Sequence[Tool]) -> dict[str, Any]:
    """Read the field `tool_choice`, given the tools to choose from."""
    choice = obj(value, "tool_choice")
    kind = one_of(required(choice, "type", "tool_choice"), "tool_choice.type", "auto", "any", "tool", "none")
    if "disable_parallel_tool_use" in choice:
        boolean(choice["disable_parallel_tool_use"], f"tool_choice.{kind}.disable_parallel_tool_use")
    if not tools and kind != "none":
        raise InvalidRequest("tool_choice", "tool_choice may only be specified while providing tools.")
    if kind == "tool":
        name = string(required(choice, "name", "tool_choice.tool"), "tool_choice.tool.name")
        if name not in [tool.get("name") for tool in tools]:
            raise InvalidRequest(
                "tool_choice.tool.name", f"Tool {shorten(name)!r} not found in provided tools"
            )
    return choice


def _parse_tool(value: object, path: str) -> Tool:
    tool = obj(value, path)
    kind = tool.get("type")
    if kind is None or kind == "custom":
        path = f"{path}.custom"
        name = string(required(tool, "name", path), f"{path}.name")
        if not _NAME.fullmatch(name):
            raise InvalidRequest(
                f"{path}.name",
                f"String should match pattern '^{_NAME.pattern}$', and {shorten(name)!r} does not",
            )
        schema = obj(required(tool, "input_schema", path), f"{path}.input_schema")
        one_of(required(schema, "type", f"{path}.input_schema"), f"{path}.input_schema.type", "object")
        if "description" in tool:
            string(tool["description"], f"{path}.description")
        _check_callers(tool, path)
        return tool
    family = _family(string(kind, f"{path}.type"))
    if family in UNSUPPORTED_TOOLS:
        raise InvalidRequest(
            f"{path}.type", f"this server does not support {kind!r}: {UNSUPPORTED_TOOLS[family]}"
        )
    if family not in CLIENT_TOOLS | SERVER_TOOLS:
        raise InvalidRequest(f"{path}.type", f"Input tag {shorten(kind)!r} is not a type of tool known here")
    if "name" in tool:
        string(tool["name"], f"{path}.{kind}.name")
    if family in CLIENT_TOOLS:
        _check_callers(tool, f"{path}.{kind}")
    return tool


def _check_callers(tool: Tool, path: str) -> None:
    callers = array(tool.get("allowed_callers", []), f"{path}.allowed_callers")
    if any(caller != "direct" for caller in callers):
        # Whoever called is told by a key that the CLI leaves out, and the container is one that is not kept.
        raise InvalidRequest(
            f"{path}.allowed_callers", "this server carries only calls whose caller is 'direct'"
        )


def _family(kind: object) -> str:
    return _VERSION.sub("", kind) if isinstance(kind, str) else ""
