"""Nothing but InvalidRequest comes out of parse_request, whatever goes in; and what it takes, it takes whole."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.dialects.anthropic import MessagesRequest, error_response, parse_betas, parse_request
from ccproxy_trio.dialects.anthropic.known import NULLABLE_FIELDS
from ccproxy_trio.dialects.anthropic.parameters import PARAMETERS
from ccproxy_trio.dialects.failures import InvalidRequest
from tests.dialects.anthropic import sound, wild


def only_invalid_request(body: bytes) -> MessagesRequest | None:
    try:
        return parse_request(body)
    except InvalidRequest as error:
        failure = error.failure
    # And its words can be sent.
    assert orjson.loads(error_response(failure)[2])["error"]["message"] == failure.message
    return None


@given(st.binary(max_size=64))
def test_any_bytes(body: bytes) -> None:
    only_invalid_request(body)


@given(wild.JSON.map(orjson.dumps))
def test_any_json(body: bytes) -> None:
    only_invalid_request(body)


@given(wild.requests())
def test_anything_like_a_request(fields: dict[str, Any]) -> None:
    request = only_invalid_request(orjson.dumps(fields))
    if request is not None:
        check_whole(request, fields)


@given(sound.REQUESTS.map(orjson.dumps), st.data())
def test_a_good_request_with_a_byte_changed(body: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(body) - 1))
    only_invalid_request(body[:position] + data.draw(st.binary(max_size=2)) + body[position + 1 :])


@given(sound.REQUESTS)
def test_a_good_request_is_taken_whole(fields: dict[str, Any]) -> None:
    check_whole(parse_request(orjson.dumps(fields)), fields)


def check_whole(request: MessagesRequest, fields: dict[str, Any]) -> None:
    """Every field and block of the input stands in the request, or it is told that it has no effect."""
    assert (request.model, request.max_tokens) == (fields["model"], fields["max_tokens"])
    assert request.stream == fields.get("stream", False)
    assert list(request.tools) == fields.get("tools", [])
    carried = PARAMETERS.keys() | {"tool_choice"}
    wanted = {name: value for name, value in fields.items() if name in carried}
    assert request.parameters == {
        name: value for name, value in wanted.items() if value is not None or name not in NULLABLE_FIELDS
    }
    assert list(request.system) == [block["text"] for block in blocks_of(fields.get("system", ""))]
    turns: list[tuple[str, list[Any]]] = []
    for message in fields["messages"]:
        if turns and turns[-1][0] == message["role"]:
            turns[-1][1].extend(blocks_of(message["content"]))
        else:
            turns.append((message["role"], blocks_of(message["content"])))
    assert [(message.role, list(message.content)) for message in request.messages] == turns
    assert [role for role, _ in reversed(turns)] == [
        ("user", "assistant")[at % 2] for at in range(len(turns))
    ]
    for path in request.ignored:
        value: Any = (
            fields  # each path leads to something that the client wrote, or to a time that it left open
        )
        for step in path.removesuffix(".ttl").split("."):
            value = value[int(step) if isinstance(value, list) else step]
        assert value is not None
    for index, block in enumerate(blocks_of(fields.get("system", ""))):
        if block.get("cache_control"):
            assert request.system_cache or f"system.{index}.cache_control" in request.ignored
        if block.get("citations") is not None:
            assert f"system.{index}.citations" in request.ignored


def blocks_of(content: Any) -> list[Any]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return list(content)


@given(st.text() | st.text("ab-._ ,\t", max_size=20))
def test_any_header_of_betas(header: str) -> None:
    wanted = [name.strip() for name in header.split(",") if name.strip()]
    if all(re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", name) for name in wanted):
        assert parse_betas(header) == tuple(wanted)
    else:
        with pytest.raises(InvalidRequest, match=r"^anthropic-beta: "):
            parse_betas(header)
