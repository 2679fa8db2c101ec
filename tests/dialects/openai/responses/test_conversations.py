"""What an answer's output holds comes back as the model said it, and what it thought byte for byte."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.dialects.openai import build_response

from ..test_chunks import OBJECTS, message
from .asks import OUTPUT, USER, ask

Json = dict[str, Any]
SAID = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)
THOUGHTS = st.one_of(
    st.builds(
        lambda text, sig: {"type": "thinking", "thinking": text, "signature": sig}, SAID | st.just(""), SAID
    ),
    st.builds(lambda data: {"type": "redacted_thinking", "data": data}, SAID),
)
TEXTS = SAID.filter(lambda text: text.replace("\ufeff", " ").strip()).map(
    lambda text: {"type": "text", "text": text}
)


@given(
    st.lists(THOUGHTS, max_size=2),
    TEXTS,
    st.lists(OBJECTS, max_size=2),
    st.sampled_from([None, "auto"]),
)
def test_an_answer_comes_back_as_it_was(
    thoughts: list[Json], text: Json, inputs: list[Json], summary: str | None
) -> None:
    calls = [
        {"type": "tool_use", "id": f"toolu_{n}", "name": "f", "input": value}
        for n, value in enumerate(inputs)
    ]
    blocks = [*thoughts, text, *calls]
    asked = ask(reasoning={"effort": "low", "summary": summary})
    response = build_response(message(*blocks), asked, 0, 0)
    results = [{**OUTPUT, "call_id": call["id"]} for call in calls]
    again = ask(input=[USER, *response["output"], *results, USER])
    assert again.ignored == ()
    _, said, _ = again.messages.messages
    assert orjson.dumps(said.content) == orjson.dumps(blocks)


@pytest.mark.parametrize("blank", [" ", "\n\n", "\ufeff"])
def test_white_space_before_a_call(blank: str) -> None:
    call = {"type": "tool_use", "id": "c1", "name": "f", "input": {}}
    response = build_response(message({"type": "text", "text": blank}, call), ask(), 0, 0)
    again = ask(input=[USER, *response["output"], OUTPUT])
    assert again.messages.messages[1].content == (call,)
    assert again.ignored == ("input.[1].content.[0]",)


@pytest.mark.parametrize("said", [[], [{"type": "text", "text": "\n"}]])
def test_thoughts_after_which_the_answer_was_cut_off(said: list[Json]) -> None:
    """The CLI leaves out an answer of nothing else."""
    thoughts = [{"type": "thinking", "thinking": "Hm", "signature": "c2ln"}] * 2
    response = build_response(message(*thoughts, *said, stop_reason="max_tokens"), ask(), 0, 0)
    again = ask(input=[USER, *response["output"], USER])
    assert [m.role for m in again.messages.messages] == ["user"]
    assert {"input.[1]", "input.[2]"} <= set(again.ignored)
    assert len(again.ignored) == len(response["output"])


def test_a_thought_after_which_a_text_was_cut_off() -> None:
    blocks = [{"type": "text", "text": "So"}, {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}]
    response = build_response(message(*blocks, stop_reason="max_tokens"), ask(), 0, 0)
    again = ask(input=[USER, *response["output"], USER])
    assert list(again.messages.messages[1].content) == blocks
    assert again.ignored == ()


def test_a_thought_that_was_cut_off() -> None:
    thought = {"type": "thinking", "thinking": "Hm", "signature": ""}
    response = build_response(message(thought, stop_reason="max_tokens"), ask(), 0, 0)
    again = ask(input=[USER, *response["output"], USER])
    assert [m.role for m in again.messages.messages] == ["user"]
    assert again.ignored == ("input.[1]",)
