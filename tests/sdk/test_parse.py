"""Structured output: the client makes the schema of a type, and values of that type of the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from tests.sdk.prompts import ASKING, prompt

if TYPE_CHECKING:
    import anthropic


class Author(BaseModel):
    """Who wrote it."""

    name: str
    born: int | None


class Book(BaseModel):
    """What is asked for."""

    title: str
    pages: int
    authors: list[Author]


BOOK = Book.model_validate({"title": "text", "pages": 1, "authors": [{"name": "text", "born": 1}]})
"""What the stand-in for the model makes of the schema."""


@pytest.mark.parametrize("beta", [False, True], ids=["", "beta"])
def test_parse(client: anthropic.Anthropic, beta: bool) -> None:
    messages: Any = client.beta.messages if beta else client.messages
    message = messages.parse(**ASKING, output_format=Book, messages=prompt("A book!"))
    assert message.parsed_output == BOOK
    assert message.stop_reason == "end_turn"


def test_a_stream(client: anthropic.Anthropic) -> None:
    with client.messages.stream(**ASKING, output_format=Book, messages=prompt("A book!")) as stream:
        stopped = [event.content_block for event in stream if event.type == "content_block_stop"]
        message = stream.get_final_message()
    (block,) = stopped
    assert block.type == "text"
    assert block.parsed_output == message.parsed_output == BOOK


def test_the_next_answer_is_free_again(client: anthropic.Anthropic) -> None:
    client.messages.parse(**ASKING, output_format=Book, messages=prompt("A book!"))
    message = client.messages.create(**ASKING, messages=prompt("Hello!"))
    assert [block.text for block in message.content if block.type == "text"] == ["Demo echo: Hello!"]
