"""Calls and results pair, or the request is refused in the API's words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.dialects.anthropic.pairing import refuse_unpaired
from ccproxy_trio.dialects.failures import InvalidRequest
from tests.dialects.anthropic.bodies import (
    FOUND,
    SEARCH,
    assistant,
    call,
    parse,
    refused,
    result,
    text,
    user,
)


def unexpected(identity: str) -> str:
    return (
        f"unexpected `tool_use_id` found in `tool_result` blocks: {identity}. Each `tool_result` block must have a "
        "corresponding `tool_use` block in the previous message."
    )


def unanswered(*identities: str) -> str:
    return (
        f"`tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(identities)}. Each "
        "`tool_use` block must have a corresponding `tool_result` block in the next message."
    )


def twice(identity: str) -> str:
    return f"each tool_use must have a single result. Found multiple `tool_result` blocks with id: {identity}"


@pytest.mark.parametrize(
    "messages",
    [
        [user("a"), assistant(call()), user(result())],
        [user("a"), assistant(call("a"), call("b")), user(result("b"), result("a"), text("c"))],
        [user("a"), assistant(call("a")), user(result("a")), assistant(call("b")), user(result("b"))],
        [user("a"), assistant(SEARCH, FOUND), user("b")],
        [user("a"), assistant(SEARCH, FOUND, call(SEARCH["id"])), user(result(SEARCH["id"]))],
        [user("a"), assistant(call("")), user(result(""))],
    ],
)
def test_what_pairs(messages: list[Any]) -> None:
    assert [message.role for message in parse(messages=messages).messages][-1] == "user"


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([user(result())], f"messages.0: {unexpected('toolu_1')}"),
        ([user("a"), assistant("b"), user(result())], f"messages.2: {unexpected('toolu_1')}"),
        ([user("a"), assistant(call("a")), user(result("b"))], f"messages.2: {unexpected('b')}"),
        (
            [user("a"), assistant(call()), user(result()), assistant("b"), user(result())],
            f"messages.4: {unexpected('toolu_1')}",
        ),
        ([user(result("x" * 101))], f"messages.0: {unexpected('x' * 100)}"),
        ([user("a"), assistant(call()), user("b")], f"messages.1: {unanswered('toolu_1')}"),
        (
            [user("a"), assistant(call("a"), call("b"), call("c")), user(result("b"))],
            f"messages.1: {unanswered('a', 'c')}",
        ),
        (
            [user("a"), assistant(*(call(str(n)) for n in range(12))), user("b")],
            f"messages.1: {unanswered(*map(str, range(10)))}",
        ),
        ([user("a"), assistant(call()), user(result(), result())], f"messages.2: {twice('toolu_1')}"),
        ([user("a"), assistant(call(), call()), user(result())], "messages.1: `tool_use` ids must be unique"),
        (
            [user("a"), assistant(call()), user(result()), assistant(call()), user(result())],
            "messages.3: `tool_use` ids must be unique",
        ),
    ],
)
def test_what_does_not_pair(messages: list[Any], message: str) -> None:
    assert refused(messages=messages) == message


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), max_size=5), st.booleans())
def test_it_is_the_mistakes_alone_that_are_refused(rounds: list[list[str]], orderly: bool) -> None:
    """Rounds that call each id once, and answer all of a round, pass; any others do not."""
    if orderly:
        rounds = [[f"{number}{name}" for name in dict.fromkeys(ids)] for number, ids in enumerate(rounds)]
    turns: list[list[dict[str, Any]]] = [[]]
    for ids in rounds:
        turns += [[call(identity) for identity in ids], [result(identity) for identity in reversed(ids)]]
    every = [identity for ids in rounds for identity in ids]
    try:
        refuse_unpaired(turns, [str(n) for n in range(len(turns))])
    except InvalidRequest:
        assert len(set(every)) < len(every)
    else:
        assert len(set(every)) == len(every)


def test_twenty_thousand_of_them_are_no_trouble() -> None:
    identities = [str(number) for number in range(20_000)]
    turns = [[], [call(each) for each in identities], [result(each) for each in reversed(identities)]]
    refuse_unpaired(turns, ["0", "1", "2"])
    del turns[2][0]
    with pytest.raises(InvalidRequest, match="immediately after: 19999"):
        refuse_unpaired(turns, ["0", "1", "2"])
