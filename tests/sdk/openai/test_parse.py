"""Structured output: the client makes the schema of a type, and values of that type of the answers."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.sdk.openai.asking import ASKING, DUMP, check_received, prompt, said
from tests.sdk.test_parse import BOOK, Book

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}


def test_parse(client: openai.OpenAI) -> None:
    completion = client.chat.completions.parse(**ASKING, messages=prompt("A book!"), response_format=Book)
    (choice,) = completion.choices
    assert (choice.message.parsed, choice.finish_reason) == (BOOK, "stop")


def test_a_stream(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(**ASKING, messages=prompt("A book!"), response_format=Book) as stream:
        done = [event for event in stream if event.type == "content.done"]
        completion = stream.get_final_completion()
    assert [event.parsed for event in done] == [completion.choices[0].message.parsed] == [BOOK]


def test_the_schema_reaches_the_api(client: openai.OpenAI) -> None:
    shape: Any = {"name": "Author", "description": "Who.", "strict": True, "schema": SCHEMA}
    completion = client.chat.completions.create(
        **ASKING,
        messages=prompt(DUMP),
        response_format={"type": "json_schema", "json_schema": shape},
    )
    wanted = {"type": "json_schema", "schema": {"description": "Who.", **SCHEMA}}
    check_received(completion, messages=prompt(DUMP), output_config={"format": wanted})
    # The next answer is free again.
    assert said(client.chat.completions.create(**ASKING, messages=prompt("x"))) == "Demo echo: x"


def test_json_of_no_schema(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(
        **ASKING,
        messages=[{"role": "system", "content": "Be brief."}, *prompt(DUMP)],
        response_format={"type": "json_object"},
    )
    asked = (
        "Answer with one valid JSON object alone: no text before or after it, and no code fence around it."
    )
    check_received(completion, messages=prompt(DUMP), system=f"Be brief.\n\n{asked}")


def test_answers_that_are_no_value(client: openai.OpenAI) -> None:
    def parse(text: str, **parameters: Any) -> Any:
        return client.chat.completions.parse(
            **ASKING, **parameters, messages=prompt(text), response_format=Book
        )

    with pytest.raises(openai.ContentFilterFinishReasonError):
        parse("x [[stop=refusal]]")
    with pytest.raises(openai.LengthFinishReasonError) as told:
        parse('x [[text={"title": "a b c d]]', max_completion_tokens=2)
    assert said(told.value.completion) == '{"title": "a'
