"""The messages of a request: who may speak when, and the exact words for those that may not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialects.anthropic.bodies import (
    EXTRA,
    OBJECT,
    STRING,
    assistant,
    call,
    image,
    parse,
    refused,
    result,
    text,
    user,
)

PREFILL = (
    "This server does not support assistant message prefill, because the CLI cannot continue an answer that it "
    "did not begin. The conversation must end with a user message."
)
ROLE = "Input should be 'user' or 'assistant'"
BLANK = "text content blocks must contain non-whitespace text"
EMPTY = "text content blocks must be non-empty"


def test_consecutive_messages_of_one_role_become_one() -> None:
    messages = [user("1"), user(text("2"), image()), assistant("3"), assistant("4"), user("5")]
    assert [(m.role, m.content) for m in parse(messages=messages).messages] == [
        ("user", (text("1"), text("2"), image())),
        ("assistant", (text("3"), text("4"))),
        ("user", (text("5"),)),
    ]


def test_parallel_results_may_come_in_several_messages() -> None:
    messages = [user("1"), assistant(call("a")), assistant(call("b")), user(result("b")), user(result("a"))]
    assert parse(messages=messages).messages[2].content == (result("b"), result("a"))


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ("Hi", "messages: Input should be a valid list"),
        (user("Hi"), "messages: Input should be a valid list"),
        (None, "messages: Input should be a valid list"),
        ([], "messages: at least one message is required"),
        ([user("Hi")] * 100_001, "messages: List should have at most 100000 items, not 100001"),
        (["Hi"], f"messages.0: {OBJECT}"),
        ([user("Hi"), None], f"messages.1: {OBJECT}"),
        ([{}], "messages.0.role: Field required"),
        ([{"role": "user"}], "messages.0.content: Field required"),
        ([{**user("Hi"), "name": "Ann"}], f"messages.0.name: {EXTRA}"),
        ([{**user("Hi"), "role": "tool"}], f"messages.0.role: {ROLE}"),
        ([{**user("Hi"), "role": ["user"]}], f"messages.0.role: {ROLE}"),
        ([{**user("Hi"), "role": None}], f"messages.0.role: {ROLE}"),
        (
            [{**user("Hi"), "role": "system"}],
            "messages.0.role: this server does not support the role 'system', as the CLI has no such message; "
            "use the field system",
        ),
        ([assistant("Hello")], f"messages.0: {PREFILL}"),
        ([user("Hi"), assistant("Hello")], f"messages.1: {PREFILL}"),
        ([user("Hi"), assistant("Hello"), assistant("Hello")], f"messages.2: {PREFILL}"),
        ([user("")], "messages.0: user messages must have non-empty content"),
        ([user()], "messages.0: user messages must have non-empty content"),
        (
            [user("Hi"), assistant(""), user("Hi")],
            "messages.1: assistant messages must have non-empty content",
        ),
    ],
)
def test_bad_messages(messages: Any, message: str) -> None:
    assert refused(messages=messages) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (" \t\n\u3000", f"messages.0.content: {BLANK}"),
        ("\ufeff", f"messages.0.content: {BLANK}"),
        (None, "messages.0.content: Input should be a valid string or list"),
        (text("Hi"), "messages.0.content: Input should be a valid string or list"),
        (["Hi"], f"messages.0.content.0: {OBJECT}"),
        ([{}], "messages.0.content.0.type: Field required"),
        ([{"text": "Hi"}], "messages.0.content.0.type: Field required"),
        ([{"type": None}], f"messages.0.content.0.type: {STRING}"),
        ([{"type": ["text"]}], f"messages.0.content.0.type: {STRING}"),
        ([{"type": "text"}], "messages.0.content.0.text.text: Field required"),
        ([{"type": "text", "text": None}], f"messages.0.content.0.text.text: {STRING}"),
        ([text("")], f"messages.0.content.0.text: {EMPTY}"),
        ([text("Hi"), text("\n")], f"messages.0.content.1.text: {BLANK}"),
        (
            [{"type": "hologram"}],
            "messages.0.content.0.type: Input tag 'hologram' is not a block type of the Messages API",
        ),
        (
            [{"type": "x" * 101}],
            f"messages.0.content.0.type: Input tag '{'x' * 100}…' is not a block type of the Messages API",
        ),
    ],
)
def test_bad_content(content: Any, message: str) -> None:
    assert refused(messages=[{"role": "user", "content": content}]) == message
