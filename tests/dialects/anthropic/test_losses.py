"""What the CLI would drop, move or rewrite: each rule refuses just that, and says where."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccproxy_trio.dialects.anthropic import parse_request
from ccproxy_trio.dialects.anthropic.count_tokens import parse_count_request
from ccproxy_trio.dialects.anthropic.losses import DEEPEST, refuse_inexact
from ccproxy_trio.dialects.failures import InvalidRequest
from tests.dialects.anthropic.bodies import (
    FOUND,
    SEARCH,
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
    search_result,
    text,
    user,
)

REDACTED = {"type": "redacted_thinking", "data": "x"}
NO_WORDS = "this server cannot carry an assistant message of nothing but "
EXACT = "this server cannot carry this integer exactly; send it as a string"


def told(*blocks: Any) -> list[Any]:
    """A conversation with an answer of these blocks in it, and results for its calls."""
    calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
    return [user("a"), assistant(*blocks), user(*map(result, calls), text("b"))]


@pytest.mark.parametrize("words", ["(no content)", " (no content)\n", "\ufeff[Empty text removed]"])
@pytest.mark.parametrize("before", [(), (THINKING,), (THINKING, REDACTED), (text("(no content)"),)])
def test_an_answer_that_the_cli_would_take_for_none(words: str, before: tuple[Any, ...]) -> None:
    bare = words.strip(" \n\ufeff") if before[-1:] != (text("(no content)"),) else "(no content)"
    assert refused(messages=told(*before, text(words))) == f"messages.1: {NO_WORDS}{bare!r}"
    for more in (text("but"), call(), FOUND):
        assert len(parse(messages=told(*before, text(words), more)).messages) == 3
    assert parse(messages=[user(words)]).messages[0].content == (text(words),)


def test_it_may_be_of_several_messages() -> None:
    messages = [user("a"), assistant("(no content)"), assistant("(no content)"), user("b")]
    assert refused(messages=messages) == f"messages.2: {NO_WORDS}'(no content)'"


@pytest.mark.parametrize("blocks", [[THINKING], [REDACTED], [THINKING, REDACTED]])
def test_an_answer_of_nothing_but_thinking(blocks: list[Any]) -> None:
    assert refused(messages=told(*blocks)) == f"messages.1: {NO_WORDS}thinking: the CLI leaves it out"
    assert parse(messages=told(*blocks, text("b"))).messages[1].content == (*blocks, text("b"))
    assert parse(messages=told(text("b"), *blocks)).messages[1].content == (text("b"), *blocks)


@pytest.mark.parametrize(
    ("behind", "kind"),
    [
        ([text("b")], "text"),
        ([THINKING], "thinking"),
        ([call("b"), REDACTED], "redacted_thinking"),
        ([SEARCH, FOUND], "server_tool_use"),
    ],
)
def test_a_block_behind_a_call(behind: list[Any], kind: str) -> None:
    assert refused(messages=told(call(), *behind)) == (
        f"messages.1: this server cannot carry a `{kind}` block after a `tool_use` block: "
        "the CLI moves it before that"
    )
    assert parse(messages=told(*behind[-1:] if kind != "server_tool_use" else behind, call(), call("c")))


def test_a_server_tool_without_its_result() -> None:
    message = (
        "messages.1: this server cannot carry a `server_tool_use` block without its result: "
        "the CLI leaves it out"
    )
    assert refused(messages=told(SEARCH, text("b"))) == message
    assert refused(messages=told(SEARCH, {**FOUND, "tool_use_id": "another"})) == message
    assert refused(messages=told(SEARCH, text("b", tool_use_id=SEARCH["id"]))) == message
    assert parse(messages=told(SEARCH, FOUND)).messages[1].content == (SEARCH, FOUND)
    assert parse(messages=told(FOUND, text("b"))).messages[1].content == (FOUND, text("b"))


@pytest.mark.parametrize(
    ("many", "message"),
    [
        ([image()] * 100, None),
        ([image()] * 101, 101),
        ([image()] * 60 + [document()] * 60, 120),
        ([document("content")] * 100, None),  # what is within its source is not counted
        ([search_result()] * 101, None),
    ],
)
def test_media_of_a_message(many: list[Any], message: int | None) -> None:
    check_media([user(*many)], message)


@pytest.mark.parametrize(("first", "last", "message"), [(50, 50, None), (51, 50, 101), (0, 101, 101)])
def test_media_of_all_messages(first: int, last: int, message: int | None) -> None:
    inside = result(content=[image()] * last)
    check_media([user(text("a"), *[image()] * first), assistant(call()), user(inside)], message)


def check_media(messages: list[Any], told: int | None) -> None:
    if told is None:
        assert parse(messages=messages)
    else:
        assert refused(messages=messages) == (
            f"messages: this server carries at most 100 images and documents in a request, not {told}: of more than "
            "that the CLI leaves out the oldest"
        )


def test_citations_that_are_left_out_are_told() -> None:
    web, page = {"type": "web_search_result_location"}, {"type": "page_location"}
    given = [None, [], [web], [page], [web, page], ["?"], {}]
    messages = [user(text("a", citations=[page])), assistant(*(text("b", citations=each) for each in given))]
    request = parse(messages=[*messages, assistant("c"), user("d")])
    assert request.ignored == tuple(f"messages.1.content.{n}.citations" for n in (3, 4, 5))
    assert request.messages[1].content[3] == text("b", citations=[page])


@pytest.mark.parametrize("integer", [2**53 + 1, -(2**53) - 1, 2**60, 2**63 - 1, 2**64 - 1, 10**18 + 1])
def test_an_integer_that_would_be_rounded(integer: int) -> None:
    tools = [TOOL, {**TOOL, "name": "b", "input_schema": {"type": "object", "x": [1, {"y.z": integer}]}}]
    assert refused(tools=tools) == f"tools.1.input_schema.x.1.y.z: {EXACT}"
    assert refused(messages=told(call(input={"a": integer}))) == f"messages.1.content.0.input.a: {EXACT}"


def test_the_first_of_two_is_named() -> None:
    tool = {**TOOL, "input_schema": {"type": "object", "a": [2**60], "b": [2**60]}}
    assert refused(tools=[tool]) == f"tools.0.input_schema.a.0: {EXACT}"


@given(st.integers(-(2**64), 2**64) | st.integers(-(10**6), 10**6).map(lambda number: number * 10**12))
@example(2**53)
@example(2**53 + 2)
def test_all_others_arrive(integer: int) -> None:
    if Decimal(repr(float(integer))) == integer:  # as JavaScript writes it, too
        refuse_inexact({"a": [integer]}, str(integer).encode())
    else:
        with pytest.raises(InvalidRequest, match=f"^a.0: {EXACT}$"):
            refuse_inexact({"a": [integer]}, str(integer).encode())


@pytest.mark.parametrize("digits", ["123456789012345678901", "-100000000000000000001", "9" * 300])
def test_one_too_long_for_the_decoder(digits: str) -> None:
    shown = digits if len(digits) <= 100 else f"{digits[:100]}…"
    said = f"this server cannot carry the integer {shown} exactly; send it as a string"
    raw = body(tools=[{**TOOL, "input_schema": {"type": "object", "maximum": 7.5}}])
    assert refusal(raw.replace(b"7.5", digits.encode())) == said


@pytest.mark.parametrize("number", ["1" + "0" * 22, "1e300", "0.12345678901234567890", '"' + "9" * 40 + '"'])
def test_one_that_is_exact_all_the_same(number: str) -> None:
    raw = body(tools=[{**TOOL, "input_schema": {"type": "object", "maximum": 7.5}}])
    raw = raw.replace(b"7.5", number.encode())
    schema = parse_request(raw).tools[0]["input_schema"]
    assert schema["maximum"] == json.loads(number)


def test_what_is_nested_too_deeply_to_be_written_again() -> None:
    def nested(levels: int) -> bytes:
        deep: Any = []
        for _ in range(levels - 7):  # which the input of a call is deep in
            deep = [deep]
        history = [user("Hi"), assistant(call("t", input={"deep": deep})), user(result("t"))]
        return json.dumps({"model": "m", "max_tokens": 9, "messages": history}).encode()

    orjson.dumps(parse_request(nested(DEEPEST)).messages[1].content)
    for levels in (DEEPEST + 1, 900):
        with pytest.raises(InvalidRequest, match=f"the request is nested more than {DEEPEST} levels deep"):
            parse_request(nested(levels))
        with pytest.raises(InvalidRequest, match=f"the request is nested more than {DEEPEST} levels deep"):
            parse_count_request(nested(levels))
