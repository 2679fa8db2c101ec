"""parse_request: what it makes of whole requests, and its exact words for bad fields and bad bodies."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from ccproxy_trio.dialects.anthropic import Message, MessagesRequest, parse_betas, parse_request
from ccproxy_trio.dialects.anthropic.known import NULLABLE_FIELDS, UNSUPPORTED_FIELDS
from ccproxy_trio.dialects.failures import InvalidRequest
from tests.dialects.anthropic.bodies import (
    LONG,
    SHORT,
    STRING,
    THINKING,
    TOOL,
    assistant,
    body,
    call,
    document,
    image,
    parse,
    refusal,
    refused,
    result,
    text,
    user,
)


def test_the_least_request() -> None:
    assert parse() == MessagesRequest(
        model="opus",
        messages=(Message("user", ({"type": "text", "text": "Hi"},)),),
        max_tokens=10,
        system=(),
        system_cache=None,
        tools=(),
        parameters={},
        betas=(),
        ignored=(),
        stream=False,
    )


def test_a_round_of_tools_with_images_and_thinking() -> None:
    asked = [text("What is there?"), image(), document(title="t", citations={"enabled": True})]
    called = [THINKING, text("Let me see."), call("a"), call("b", caller={"type": "direct"})]
    answered = [
        result("b", content="no", is_error=True),
        result("a", content=[text(""), image()]),
        text("Go on."),
    ]
    tools = [
        {**TOOL, "strict": True, "input_examples": [{}]},
        {"type": "bash_20250124", "name": "bash"},
    ]
    parameters = {
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "thinking": {"type": "enabled", "budget_tokens": 2048, "display": "omitted"},
        "temperature": 1,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u"},
        "service_tier": "standard_only",
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    }
    assert parse(
        messages=[user(*asked), assistant(*called), user(*answered)],
        tools=tools,
        stream=True,
        system="Be brief.",
        **parameters,
    ) == MessagesRequest(
        model="opus",
        messages=(
            Message("user", tuple(asked)),
            Message("assistant", tuple(called)),
            Message("user", tuple(answered)),
        ),
        max_tokens=10,
        system=("Be brief.",),
        tools=tuple(tools),
        parameters=parameters,
        stream=True,
    )


def test_what_has_no_effect_is_told() -> None:
    cited = [{"type": "char_location", "cited_text": "x"}]
    request = parse(
        system=[text("Be brief.", citations=[]), text("Be kind.", citations=None, cache_control=LONG)],
        messages=[
            user(text("a"), image(cache_control=SHORT)),
            assistant(text("b", citations=cited), call(cache_control=LONG)),
            user(result(), text("c", cache_control=SHORT)),
        ],
    )
    assert (request.system, request.system_cache) == (("Be brief.", "Be kind."), "5m")
    assert request.ignored == (
        "system.0.citations",
        "messages.1.content.0.citations",
        "system.1.cache_control.ttl",
        "messages.0.content.1.cache_control",
        "messages.1.content.1.cache_control",
    )


def test_what_is_carried_is_what_the_client_wrote() -> None:
    unknown = {"type": "text", "text": " d \0 😀", "citations": None, "hologram": {"a": [1.5, None]}}
    assert parse(messages=[user(unknown)]).messages[0].content == (unknown,)


@pytest.mark.parametrize("field", ["model", "messages", "max_tokens"])
def test_a_missing_field(field: str) -> None:
    fields = orjson.loads(body())
    del fields[field]
    assert refusal(orjson.dumps(fields)) == f"{field}: Field required"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": 1}, f"model: {STRING}"),
        ({"model": None}, f"model: {STRING}"),
        ({"model": ""}, "model: String should have at least 1 character"),
        ({"model": "m" * 257}, "model: String should have at most 256 characters"),
        *(
            ({"model": name}, "model: String should be printable, without space at its ends")
            for name in (" ", " opus", "opus\n", "a\nb", "\0", "\ufeff")
        ),
        *(
            ({"max_tokens": value}, "max_tokens: Input should be a valid integer")
            for value in ("10", 10.0, True, None, 2**64, [])
        ),
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 1"),
        *(({"stream": value}, "stream: Input should be a valid boolean") for value in (1, "true", None, {})),
        ({"max_completion_tokens": 1}, "max_completion_tokens: Extra inputs are not permitted"),
        ({"betas": []}, "betas: Extra inputs are not permitted"),
        ({"": 1}, '"": Extra inputs are not permitted'),
        ({"x" * 101: 1}, f"{'x' * 100}…: Extra inputs are not permitted"),
    ],
)
def test_a_bad_field(fields: dict[str, Any], message: str) -> None:
    if fields == {"max_tokens": 2**64}:
        assert refusal(body().replace(b"10", str(2**64).encode())) == message
    else:
        assert refused(**fields) == message


@pytest.mark.parametrize("field", sorted(UNSUPPORTED_FIELDS))
def test_a_field_that_is_not_carried(field: str) -> None:
    message = f"{field}: this server does not support this field: {UNSUPPORTED_FIELDS[field]}"
    assert refused(**{field: {}}) == message
    if field in NULLABLE_FIELDS:
        assert parse(**{field: None}) == parse()
    else:
        assert refused(**{field: None}) == message


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"hello", "The request body is not valid JSON: unexpected character, expected a JSON value: "),
        (b"[]", "The request body must be a JSON object"),
        (b'{"max_tokens": NaN}', "The request body is not valid JSON: unexpected character"),
        (body().replace(b'"Hi"', rb'"\udc00"'), "The request body is not valid JSON: "),
        (body()[:-1] + b',"stream":true,"stream":false}', "The request body has the key stream twice"),
        (body().replace(b'"role"', b'"role":"user","role"'), "The request body has the key role twice"),
        (b'{"model":' * 200_000, "The request body is not valid JSON: depth limit exceeded"),
        (
            body().replace(b"10", b"1" * 400),
            "The request body is not valid JSON: number is infinity when parsed as double: ",
        ),
    ],
)
def test_a_bad_body(raw: bytes, message: str) -> None:
    assert refusal(raw).startswith(message)


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("", ()),
        (" , ,", ()),
        ("files-api-2025-04-14", ("files-api-2025-04-14",)),
        ("a-1,b_2 , c.3\t,a-1", ("a-1", "b_2", "c.3", "a-1")),
        ("x" * 100, ("x" * 100,)),
    ],
)
def test_betas(header: str, names: tuple[str, ...]) -> None:
    assert parse_betas(header) == names


@pytest.mark.parametrize(
    ("header", "name"),
    [("a,b c", "'b c'"), ("é", "'é'"), ("a\r\nb: c", "'a\\r\\nb: c'"), ("x" * 101, f"'{'x' * 100}…'")],
)
def test_what_is_no_beta(header: str, name: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_betas(header)
    assert str(caught.value) == f"anthropic-beta: {name} is not the name of a beta"


def test_a_request_keeps_nothing_of_the_one_before() -> None:
    parse_request(body(temperature=1, tools=[TOOL]))
    assert parse() == parse_request(body())
    assert parse().parameters == {}
