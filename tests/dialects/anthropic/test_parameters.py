"""Parameters: carried as they are, in the client's order, or refused in exact words."""

from __future__ import annotations

from typing import Any

import pytest

from ccproxy_trio.dialects.anthropic.known import NULLABLE_FIELDS
from ccproxy_trio.dialects.anthropic.parameters import PARAMETERS
from tests.dialects.anthropic.bodies import EXTRA, LONG, OBJECT, SHORT, STRING, TOOL, parse, refused

LIST = "Input should be a valid list"
NUMBER = "Input should be a valid number"
INTEGER = "Input should be a valid integer"
FORMAT = {"type": "json_schema", "schema": {"type": "object", "additionalProperties": False}}
GOOD: dict[str, list[Any]] = {
    "cache_control": [SHORT, LONG],
    "context_management": [{}, {"edits": [{"type": "clear_tool_uses_20250919"}]}],
    "diagnostics": [{"previous_message_id": None}],
    "inference_geo": ["us", ""],
    "metadata": [{}, {"user_id": "u"}, {"user_id": None}],
    "output_config": [
        {},
        {"effort": None, "format": None},
        {"effort": "weird", "format": FORMAT, "task_budget": {"type": "tokens", "total": 1}},
    ],
    "output_format": [FORMAT],
    "service_tier": ["auto", "standard_only"],
    "speed": ["fast"],
    "stop_sequences": [[], ["a", " b\n", "🛑"]],
    "temperature": [0, 0.5, 1, 1.0],
    "thinking": [
        {"type": "disabled"},
        {"type": "adaptive", "display": "summarized", "block_binding": None},
        {"type": "between_tools"},
        {"type": "enabled", "budget_tokens": 1024},
    ],
    "top_k": [0, 500],
    "top_p": [0.0, 0.999, 1],
}


def test_each_is_tried() -> None:
    assert GOOD.keys() == PARAMETERS.keys()


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in GOOD for value in GOOD[name]])
def test_it_is_carried_as_it_is(name: str, value: Any) -> None:
    found = parse(max_tokens=2000, **{name: value}).parameters
    assert found == {name: value}
    assert type(found[name]) is type(value)


def test_they_keep_their_order() -> None:
    fields = {name: values[-1] for name, values in reversed(GOOD.items())}
    assert list(parse(max_tokens=2000, **fields).parameters.items()) == list(fields.items())


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_null(name: str) -> None:
    if name in NULLABLE_FIELDS:
        assert parse(**{name: None}) == parse()
    else:
        assert refused(**{name: None}).startswith(f"{name}: Input should be ")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("cache_control", "ephemeral", f": {OBJECT}"),
        ("cache_control", {**SHORT, "ttl": None}, ".ephemeral.ttl: Input should be '5m' or '1h'"),
        ("context_management", [], f": {OBJECT}"),
        ("diagnostics", True, f": {OBJECT}"),
        ("inference_geo", 1, f": {STRING}"),
        ("metadata", "u", f": {OBJECT}"),
        ("metadata", {"user_id": 1}, f".user_id: {STRING}"),
        ("metadata", {"trace": "x"}, f".trace: {EXTRA}"),
        ("metadata", {"x" * 101: 1}, f".{'x' * 100}…: {EXTRA}"),
        ("output_config", [], f": {OBJECT}"),
        ("output_config", {"effort": 1}, f".effort: {STRING}"),
        ("output_config", {"format": "json"}, f".format: {OBJECT}"),
        ("output_config", {"format": {}}, ".format.type: Field required"),
        ("output_config", {"format": {"type": "xml"}}, ".format.type: Input should be 'json_schema'"),
        ("output_config", {"format": {"type": "json_schema"}}, ".format.schema: Field required"),
        ("output_format", {"type": "json_schema", "schema": []}, f".schema: {OBJECT}"),
        ("service_tier", "priority", ": Input should be 'auto' or 'standard_only'"),
        ("service_tier", ["auto"], ": Input should be 'auto' or 'standard_only'"),
        ("speed", {}, f": {STRING}"),
        ("stop_sequences", "END", f": {LIST}"),
        ("stop_sequences", ["a", 1], f".1: {STRING}"),
        ("stop_sequences", ["a", " \n"], ": each stop sequence must contain non-whitespace"),
        ("stop_sequences", [""], ": each stop sequence must contain non-whitespace"),
        *(("temperature", value, f": {NUMBER}") for value in ("1", True, [])),
        ("temperature", -0.1, ": Input should be greater than or equal to 0"),
        ("temperature", 1.1, ": Input should be less than or equal to 1"),
        ("top_p", 2, ": Input should be less than or equal to 1"),
        *(("top_k", value, f": {INTEGER}") for value in ("1", 1.0, True)),
        ("top_k", -1, ": Input should be greater than or equal to 0"),
        ("thinking", "enabled", f": {OBJECT}"),
        ("thinking", {}, ".type: Field required"),
        *(
            (
                "thinking",
                {"type": kind},
                ".type: Input should be 'enabled', 'disabled', 'adaptive' or 'between_tools'",
            )
            for kind in ("on", True, None, ["enabled"])
        ),
        ("thinking", {"type": "enabled"}, ".enabled.budget_tokens: Field required"),
        ("thinking", {"type": "enabled", "budget_tokens": 2e3}, f".enabled.budget_tokens: {INTEGER}"),
        ("thinking", {"type": "disabled", "budget_tokens": None}, f".disabled.budget_tokens: {EXTRA}"),
        ("thinking", {"type": "adaptive", "budget_tokens": None}, f".adaptive.budget_tokens: {INTEGER}"),
        (
            "thinking",
            {"type": "enabled", "budget_tokens": 1023},
            ".enabled.budget_tokens: Input should be greater than or equal to 1024",
        ),
    ],
)
def test_a_bad_one(name: str, value: Any, message: str) -> None:
    assert refused(**{name: value}) == f"{name}{message}"


def test_thinking_needs_room_in_the_answer() -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    said = "max_tokens: `max_tokens` must be greater than `thinking.budget_tokens`"
    assert refused(thinking=thinking, max_tokens=1024) == said
    assert refused(thinking=thinking, max_tokens=1024, tools=[]) == said
    assert parse(thinking=thinking, max_tokens=1025).parameters == {"thinking": thinking}
    # Between calls of tools it may go on beyond one answer.
    assert parse(thinking=thinking, max_tokens=10, tools=[TOOL]).parameters == {"thinking": thinking}
