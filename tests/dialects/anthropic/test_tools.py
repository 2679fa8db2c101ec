"""Tools and the choice among them: carried as they are, or refused in exact words."""

from __future__ import annotations

from typing import Any

import pytest

from ccproxy_trio.dialects.anthropic.known import CLIENT_TOOLS, SERVER_TOOLS, UNSUPPORTED_TOOLS
from ccproxy_trio.dialects.anthropic.tools import parse_tools, refuse_server_tools
from ccproxy_trio.dialects.failures import InvalidRequest
from tests.dialects.anthropic.bodies import LONG, OBJECT, STRING, TOOL, parse, refused

FULL = {
    **TOOL,
    "name": "a-B_9",
    "type": "custom",
    "description": "",
    "cache_control": LONG,
    "strict": True,
    "defer_loading": True,
    "eager_input_streaming": None,
    "input_examples": [{"x": 1}],
    "allowed_callers": ["direct"],
    "hologram": {"y": []},
}
VERSIONED = [f"{family}_20250124" for family in sorted(CLIENT_TOOLS | SERVER_TOOLS)]


@pytest.mark.parametrize(
    "tools",
    [
        [],
        [TOOL],
        [FULL, TOOL],
        [{**TOOL, "type": None, "name": "x" * 128}],
        [{**TOOL, "input_schema": {"type": "object", "anyOf": [{}], "$defs": {}, "b": 1, "a": 2}}],
        [{"type": kind, "name": kind, "max_uses": 3} for kind in VERSIONED],
        [{"type": "bash_20250124"}, {"type": "memory_20250818"}],
        [{"type": "tool_search_tool_bm25", "name": "search"}],
    ],
)
def test_they_are_carried_as_they_are(tools: list[Any]) -> None:
    found = parse(tools=tools).tools
    assert found == tuple(tools)
    assert [list(tool) for tool in found] == [list(tool) for tool in tools]  # the order of keys, too


@pytest.mark.parametrize(
    "tool",
    [TOOL, FULL, {"type": "bash_20250124"}, *({"type": f"{kind}_20250124"} for kind in sorted(CLIENT_TOOLS))],
)
def test_those_of_the_client_need_no_permission(tool: dict[str, Any]) -> None:
    refuse_server_tools(parse_tools([tool]), ())


@pytest.mark.parametrize("family", sorted(SERVER_TOOLS))
@pytest.mark.parametrize("version", ["", "_20260318"])
def test_those_that_upstream_runs_are_for_the_operator_to_allow(family: str, version: str) -> None:
    tools = parse_tools(
        [TOOL, {"type": f"{family}{version}", "allowed_callers": ["code_execution_20260120"]}]
    )
    refuse_server_tools(tools, {family})
    for others in ((), SERVER_TOOLS - {family}):
        with pytest.raises(InvalidRequest) as caught:
            refuse_server_tools(tools, others)
        assert str(caught.value) == (
            f"tools.1: the tool {family} runs upstream at the cost of this server's operator, who has not allowed it "
            "(setting claude.allowed_tools)"
        )


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        (None, "tools: Input should be a valid list"),
        ({}, "tools: Input should be a valid list"),
        ([None], f"tools.0: {OBJECT}"),
        ([TOOL, "get"], f"tools.1: {OBJECT}"),
        ([{"input_schema": {}}], "tools.0.custom.name: Field required"),
        ([{**TOOL, "name": None}], f"tools.0.custom.name: {STRING}"),
        *(
            (
                [{**TOOL, "name": name}],
                "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$', and "
                f"{shown!r} does not",
            )
            for name, shown in (
                ("", '""'),
                ("a b", "a b"),
                ("ü", "ü"),
                ("x\n", "x\n"),
                ("x" * 129, "x" * 100 + "…"),
            )
        ),
        ([{"name": "a"}], "tools.0.custom.input_schema: Field required"),
        ([{"name": "a", "input_schema": "object"}], f"tools.0.custom.input_schema: {OBJECT}"),
        ([{"name": "a", "input_schema": {}}], "tools.0.custom.input_schema.type: Field required"),
        *(
            (
                [{"name": "a", "input_schema": {"type": kind}}],
                "tools.0.custom.input_schema.type: Input should be 'object'",
            )
            for kind in ("string", ["object"], None)
        ),
        ([{**TOOL, "description": None}], f"tools.0.custom.description: {STRING}"),
        ([{**TOOL, "type": ["custom"]}], f"tools.0.type: {STRING}"),
        ([{**TOOL, "type": 1}], f"tools.0.type: {STRING}"),
        *(
            ([{**TOOL, "type": kind}], f"tools.0.type: Input tag {kind!r} is not a type of tool known here")
            for kind in ("function", "bash_2025", "hologram_20250124", "bash_" + "\u0662" * 8)
        ),
        ([{"type": "bash_20250124", "name": 1}], f"tools.0.bash_20250124.name: {STRING}"),
        (
            [{**TOOL, "allowed_callers": "direct"}],
            "tools.0.custom.allowed_callers: Input should be a valid list",
        ),
        *(
            (
                [{**tool, "allowed_callers": ["direct", caller]}],
                f"tools.0.{kind}.allowed_callers: this server carries only calls whose caller is 'direct'",
            )
            for tool, kind in ((TOOL, "custom"), ({"type": "bash_20250124"}, "bash_20250124"))
            for caller in ("code_execution_20250825", None)
        ),
        ([TOOL, FULL, TOOL], "tools: Tool names must be unique."),
        ([TOOL, {"type": "bash_20250124", "name": "get"}], "tools: Tool names must be unique."),
    ],
)
def test_bad_ones(tools: Any, message: str) -> None:
    assert refused(tools=tools) == message


@pytest.mark.parametrize("family", sorted(UNSUPPORTED_TOOLS))
@pytest.mark.parametrize("version", ["", "_20260801"])
def test_those_that_are_not_carried(family: str, version: str) -> None:
    said = f"tools.1.type: this server does not support '{family}{version}': {UNSUPPORTED_TOOLS[family]}"
    assert refused(tools=[TOOL, {"type": f"{family}{version}"}]) == said


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "auto"},
        {"type": "any", "disable_parallel_tool_use": True},
        {"type": "tool", "name": "get", "disable_parallel_tool_use": False},
        {"type": "none", "hologram": 1},
    ],
)
def test_the_choice_is_carried(choice: dict[str, Any]) -> None:
    assert parse(tools=[TOOL], tool_choice=choice).parameters == {"tool_choice": choice}


def test_none_may_be_chosen_where_there_is_none() -> None:
    assert parse(tool_choice={"type": "none"}).parameters == {"tool_choice": {"type": "none"}}


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (None, f"tool_choice: {OBJECT}"),
        ("auto", f"tool_choice: {OBJECT}"),
        ({}, "tool_choice.type: Field required"),
        ({"type": "some"}, "tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'"),
        ({"type": []}, "tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'"),
        (
            {"type": "any", "disable_parallel_tool_use": 1},
            "tool_choice.any.disable_parallel_tool_use: Input should be a valid boolean",
        ),
        ({"type": "tool"}, "tool_choice.tool.name: Field required"),
        ({"type": "tool", "name": ["get"]}, f"tool_choice.tool.name: {STRING}"),
        (
            {"type": "tool", "name": "put"},
            "tool_choice.tool.name: Tool 'put' not found in provided tools",
        ),
    ],
)
def test_a_bad_choice(choice: Any, message: str) -> None:
    assert refused(tools=[{"type": "bash_20250124"}, TOOL], tool_choice=choice) == message


@pytest.mark.parametrize("kind", ["auto", "any", "tool"])
def test_a_choice_among_nothing(kind: str) -> None:
    said = "tool_choice: tool_choice may only be specified while providing tools."
    assert refused(tool_choice={"type": kind}) == said
    assert refused(tool_choice={"type": kind}, tools=[]) == said
