"""Bodies of POST /v1/messages/count_tokens: what is read, and what is refused because it could not be counted."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from ccproxy_trio.dialects.anthropic.count_tokens import (
    NEUTRAL,
    WITHOUT_EFFECT,
    CountRequest,
    parse_count_request,
)
from ccproxy_trio.dialects.anthropic.request import parse_request
from ccproxy_trio.dialects.failures import InvalidRequest

GOOD: dict[str, Any] = {"model": "opus", "messages": [{"role": "user", "content": "Hi"}]}
ACCEPTED = {
    "context_management": None,
    "mcp_servers": [],
    "output_config": {"effort": None, "format": None},
    "output_format": None,
    "speed": "standard",
    "thinking": {"type": "disabled"},
    "tool_choice": {"type": "none"},
    "tools": [],
}
REFUSED: dict[str, list[Any]] = {
    "context_management": [{"edits": []}, 5],
    "mcp_servers": [[{"type": "url"}], None],
    "output_config": [{"effort": "low"}, {"format": {"type": "json_schema", "schema": {}}}, None, []],
    "output_format": [{"type": "json_schema", "schema": {}}],
    "speed": ["fast", 5],
    "thinking": [{"type": "adaptive"}, {"type": "enabled", "budget_tokens": 2000}, None],
    "tool_choice": [{"type": "auto"}, None],
    "tools": [[{"name": "a", "input_schema": {"type": "object"}}], None],
}


def parse(**fields: Any) -> CountRequest:
    return parse_count_request(orjson.dumps({**GOOD, **fields}))


def refusal(**fields: Any) -> str:
    with pytest.raises(InvalidRequest) as caught:
        parse(**fields)
    return str(caught.value)


def test_what_is_given_to_the_model_is_read_as_for_a_message() -> None:
    conversation: dict[str, Any] = {
        "model": "sonnet",
        "messages": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": [{"type": "text", "text": "two"}]},
            {"role": "user", "content": "three"},
            {"role": "user", "content": "four"},
        ],
        "system": [
            {"type": "text", "text": "Be brief.", "citations": []},
            {"type": "text", "text": "Be kind."},
        ],
    }
    asked = parse_request(orjson.dumps({**conversation, "max_tokens": 1}))
    counted = parse(**conversation)
    assert (counted.model, counted.messages, counted.system) == (asked.model, asked.messages, asked.system)
    assert counted.ignored == asked.ignored == ("system.0.citations",)
    assert parse() == parse(system="") == parse(system=[])


def test_every_field_is_tested() -> None:
    assert ACCEPTED.keys() == REFUSED.keys() == NEUTRAL.keys()


@pytest.mark.parametrize("field", sorted(NEUTRAL))
def test_a_field_that_would_change_the_count(field: str) -> None:
    assert parse(**{field: ACCEPTED[field]}) == parse()
    for value in REFUSED[field]:
        assert refusal(**{field: value}).startswith(f"{field}: this server cannot count it: "), value


@pytest.mark.parametrize("field", sorted(WITHOUT_EFFECT))
def test_a_field_that_changes_no_count(field: str) -> None:
    for value in (None, {"type": "ephemeral"}):
        assert parse(**{field: value}) == parse()


@pytest.mark.parametrize(
    "field", ["max_tokens", "stream", "temperature", "metadata", "stop_sequences", "frobnicate"]
)
def test_a_field_that_does_not_belong_here(field: str) -> None:
    assert refusal(**{field: 1}) == f"{field}: Extra inputs are not permitted"


def test_thinking_in_the_history() -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    redacted = {"type": "redacted_thinking", "data": "x"}
    for block in (thinking, redacted):
        answer = {"role": "assistant", "content": [block, {"type": "text", "text": "a"}]}
        told = refusal(messages=[GOOD["messages"][0], answer, GOOD["messages"][0]])
        assert told.startswith(f"messages.1.content.0.{block['type']}: this server cannot count thinking: ")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "The request body is not valid JSON: "),
        (b"[]", "The request body must be a JSON object"),
        (b"{}", "model: Field required"),
        (b'{"model": "m"}', "messages: Field required"),
        (b'{"model": "m", "messages": [], "system": 5}', "messages: at least one message is required"),
        (
            b'{"model": "m", "model": "m", "messages": [{"role": "user", "content": "x"}]}',
            "The request body has",
        ),
        (
            b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "system": 5}',
            "system: Input should be",
        ),
    ],
)
def test_bad_bodies(body: bytes, told: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_count_request(body)
    assert str(caught.value).startswith(told)


def test_what_would_be_counted_otherwise_is_refused_or_told() -> None:
    cited = {"type": "text", "text": "a", "citations": [{"type": "char_location"}]}
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": [cited]}]
    asked = [*messages, {"role": "user", "content": "r"}]
    assert parse(messages=asked).ignored == ("messages.1.content.0.citations",)
    cited["citations"] = [10**15]
    body = orjson.dumps({"model": "opus", "messages": asked}).replace(b"1" + b"0" * 15, b"1" * 30)
    with pytest.raises(InvalidRequest, match=r"^this server cannot carry the integer 1{30} exactly"):
        parse_count_request(body)
