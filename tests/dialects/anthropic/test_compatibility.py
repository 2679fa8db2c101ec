"""docs/compatibility.md says of every field, role, block, tool, header and error what is really done with it."""

from __future__ import annotations

import inspect
from typing import Any
from unittest.mock import Mock

import pytest

from ccproxy_trio.dialects.anthropic import error_type, parse_betas, parse_request
from ccproxy_trio.dialects.anthropic.blocks import KINDS
from ccproxy_trio.dialects.anthropic.known import (
    CLIENT_TOOLS,
    NULLABLE_FIELDS,
    SERVER_TOOLS,
    UNSUPPORTED_BLOCKS,
    UNSUPPORTED_FIELDS,
    UNSUPPORTED_TOOLS,
)
from ccproxy_trio.dialects.anthropic.request import FIELDS
from ccproxy_trio.dialects.anthropic.tools import parse_tools, refuse_server_tools
from ccproxy_trio.dialects.failures import Failure, InvalidRequest
from ccproxy_trio.server.app import create_app
from ccproxy_trio.settings import Settings
from tests.dialects.anthropic.bodies import SHORT, TOOL, body, text, user
from tests.dialects.anthropic.page import outcome_of, rows, told
from tests.dialects.anthropic.test_blocks import GOOD as GOOD_BLOCKS
from tests.dialects.anthropic.test_parameters import GOOD as GOOD_PARAMETERS

FIELD_ROWS, ROLE_ROWS = rows("Fields of the body"), rows("Roles of messages")
BLOCK_ROWS, TOOL_ROWS = rows("Content blocks"), rows("Tools")
HEADER_ROWS, ENDPOINT_ROWS, ERROR_ROWS = (
    rows("Headers of the request"),
    rows("Other endpoints"),
    rows("Errors"),
)
GOOD_FIELDS: dict[str, Any] = {
    "model": "opus",
    "max_tokens": 10,
    "messages": [user("Hi")],
    "system": "Be brief.",
    "stream": True,
    "tools": [TOOL],
    "tool_choice": {"type": "none"},
    **{name: values[-1] for name, values in GOOD_PARAMETERS.items()},
}
NULLABLE = "null is the same as absent"
CARRIED = ("honoured", "emulated")
ACCESS = ("authorization", "host", "x-api-key")
"""Headers that decide who may call; tests/server/test_access and test_browsers show what they do."""
TIME = ("x-stainless-timeout", "x-stainless-read-timeout")
"""Headers that say how long a request may take; tests/server/test_deadline shows what they do."""


@pytest.mark.parametrize(("field", "status", "notes"), FIELD_ROWS)
def test_field(field: str, status: str, notes: str) -> None:
    if status in CARRIED:
        room = {"max_tokens": 2000} if field == "thinking" else {}
        assert outcome_of(**room, **{field: GOOD_FIELDS[field]}) == "honoured"
        assert outcome_of(**{field: 1.5 if field != "temperature" else "1"}).startswith(f"{field}: ")
        assert notes.startswith("required") == (field in {"model", "messages", "max_tokens"})
    else:
        assert status == "refused"
        assert outcome_of(**{field: {}}).startswith(f"{field}: this server does not support this field: ")
    assert notes.startswith(NULLABLE) == (outcome_of(**{field: None}) == "honoured")


@pytest.mark.parametrize(("role", "status", "notes"), ROLE_ROWS)
def test_role(role: str, status: str, notes: str) -> None:
    def outcome(*roles: str) -> str:
        return outcome_of(messages=[{"role": each, "content": "a"} for each in roles])

    between = outcome("user", role, "user")
    if status == "honoured":
        assert between == "honoured"
    else:
        assert status == "refused"
        assert between.startswith(f"messages.1.role: this server does not support the role '{role}', as ")
        assert between.endswith(notes.replace("`", ""))
    assert ("except as the last" in notes) == ("prefill" in outcome("user", role))
    if status == "honoured":
        assert outcome(role, "user") == "honoured"


@pytest.mark.parametrize(("kind", "status", "places", "notes"), BLOCK_ROWS)
def test_block(kind: str, status: str, places: str, notes: str) -> None:
    if status == "refused":
        said = outcome_of(messages=[user({"type": kind})])
        assert said == f"messages.0.content.0.{kind}: this server does not support this type of block"
        assert places == ""
    else:
        assert status in CARRIED
        assert {place.strip() for place in places.split(",")} == KINDS[kind].places  # test_blocks tries each
        assert GOOD_BLOCKS[kind]
        assert (status == "emulated") == ("re-encodes" in notes)


@pytest.mark.parametrize(("tool", "status", "notes"), TOOL_ROWS)
def test_tool(tool: str, status: str, notes: str) -> None:
    if tool == "a tool of the client's own":
        assert outcome_of(tools=[TOOL, {**TOOL, "name": "b", "strict": True, "x": 1}]) == "honoured"
        assert "allowed_callers" in outcome_of(tools=[{**TOOL, "allowed_callers": ["code"]}])
        return
    definition = {"type": f"{tool}_20250124", "name": tool}
    said = outcome_of(tools=[definition])
    if status == "refused":
        assert (
            said == f"tools.0.type: this server does not support '{tool}_20250124': {UNSUPPORTED_TOOLS[tool]}"
        )
    else:
        assert (status, said) == ("honoured", "honoured")
        assert (tool in SERVER_TOOLS) == ("allowed_tools" in notes or notes == "likewise")
        if tool in SERVER_TOOLS:
            with pytest.raises(InvalidRequest):
                refuse_server_tools(parse_tools([definition]), ())
        refuse_server_tools(parse_tools([definition]), {tool} & SERVER_TOOLS)


@pytest.mark.parametrize(("header", "status", "notes"), HEADER_ROWS)
def test_header(header: str, status: str, notes: str) -> None:
    if header == "anthropic-beta":
        assert status == "honoured"
        assert parse_betas("a-1") == ("a-1",)
        with pytest.raises(InvalidRequest):
            parse_betas("a 1")
    else:
        # Reading a body takes nothing else, so no other can change it. tests/server shows which are refused.
        assert list(inspect.signature(parse_request).parameters) == ["body"]
        elsewhere = {
            **dict.fromkeys((*ACCESS, *TIME), "honoured"),
            "origin": "refused",
            "content-encoding": "refused",
        }
        assert status == elsewhere.get(header, "ignored")
        assert ("403" in notes) == (header in {"host", "origin"})
        assert ("caller's key" in notes) == (header in {"authorization", "x-api-key"})
    name = header.replace("-", "_")
    assert outcome_of(**{name: "x"}) == f"{name}: Extra inputs are not permitted"


@pytest.mark.parametrize(("endpoint", "status", "notes"), ENDPOINT_ROWS)
def test_endpoint(endpoint: str, status: str, notes: str) -> None:
    no_pool: Any = Mock()
    routes = create_app(no_pool, Settings()).url_map.bind("localhost")
    method, path = endpoint.split()
    found = routes.test(path.replace("{id}", "claude-opus-4-5"), method)
    assert found == (status in CARRIED)
    assert notes.startswith("404") == (status == "refused")
    if status == "refused":
        assert not routes.allowed_methods(path)  # else it would be a 405


@pytest.mark.parametrize(("status", "kind"), ERROR_ROWS)
def test_error(status: str, kind: str) -> None:
    assert error_type(Failure(int(status), "?")) == kind


def test_no_name_is_missing_from_the_page() -> None:
    assert {row[0] for row in FIELD_ROWS} == UNSUPPORTED_FIELDS.keys() | FIELDS
    assert {row[0] for row in FIELD_ROWS if row[2].startswith(NULLABLE)} == NULLABLE_FIELDS
    assert {row[0] for row in FIELD_ROWS if row[1] == "refused"} == UNSUPPORTED_FIELDS.keys()
    assert {row[0] for row in BLOCK_ROWS} == UNSUPPORTED_BLOCKS | KINDS.keys()
    named = CLIENT_TOOLS | SERVER_TOOLS | UNSUPPORTED_TOOLS.keys()
    assert {row[0] for row in TOOL_ROWS} == named | {"a tool of the client's own"}
    assert {row[0] for row in ROLE_ROWS} == {"user", "assistant", "system"}


def test_the_example_of_a_misplaced_block() -> None:
    said = outcome_of(messages=[user({"type": "tool_use"})])
    assert said == "messages.0.content.0: `tool_use` blocks cannot stand in a user message"
    assert outcome_of(frobnicate=1) == "frobnicate: Extra inputs are not permitted"
    assert parse_request(body(messages=told(text("b", cache_control=SHORT)))).ignored == ()
