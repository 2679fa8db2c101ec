"""Requests that are taken, for hypothesis: rounds of tools, blocks of every kind, parameters of every kind."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.dialects.anthropic.bodies import (
    FOUND,
    LONG,
    SEARCH,
    SHORT,
    THINKING,
    TOOL,
    assistant,
    call,
    document,
    image,
    result,
    search_result,
    text,
    user,
)

Strategy = st.SearchStrategy[Any]

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(
    lambda words: words.replace("\ufeff", " ").strip() not in ("", "(no content)", "[Empty text removed]")
)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
INPUTS = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=5,
)
RESULTS = st.lists(
    st.dictionaries(WORDS | st.sampled_from(["type", "cache_control", "content"]), INPUTS, max_size=2)
)
"""What a server tool found may hold anything."""

MARKS = st.sampled_from([{}, {}, {"cache_control": None}, {"cache_control": SHORT}, {"cache_control": LONG}])
CITATIONS = st.sampled_from(
    [
        *({}, {"citations": None}, {"citations": [{"type": "web_search_result_location", "url": "u"}]}),
        {"citations": [{"type": "page_location", "cited_text": "x"}]},
    ]
)


def with_mark(blocks: Strategy) -> Strategy:
    return st.builds(lambda block, mark: {**block, **mark}, blocks, MARKS)


ANSWERED = st.lists(
    with_mark(st.builds(text, WORDS) | st.sampled_from([image(), document("content")])), max_size=2
)
GIVEN = with_mark(
    st.builds(text, WORDS)
    | st.sampled_from(
        [image(), search_result(), *(document(kind) for kind in ("base64", "text", "url", "content"))]
    )
)
SAID = with_mark(
    st.builds(lambda words, citations: text(words, **citations), WORDS, CITATIONS)
    | st.sampled_from([{"type": "redacted_thinking", "data": "x"}, THINKING])
    | st.builds(lambda inner: {**FOUND, "content": inner}, RESULTS)
)


@st.composite
def conversations(draw: st.DrawFn) -> list[Any]:
    """Messages from the user and to the user, with rounds of tools among them."""
    messages = [user(*draw(st.lists(GIVEN, min_size=1, max_size=3)))]
    for number in range(draw(st.integers(0, 3))):
        said = [*draw(st.lists(SAID, max_size=2)), text(draw(WORDS)), SEARCH, FOUND]
        calls = [f"toolu_{number}_{n}" for n in range(draw(st.integers(0, 2)))]
        called = [
            call(each, input=draw(st.dictionaries(WORDS, INPUTS, max_size=2)), **draw(MARKS))
            for each in calls
        ]
        results = [result(each, content=draw(ANSWERED | WORDS), **draw(MARKS)) for each in reversed(calls)]
        if draw(st.booleans()):
            messages += [assistant(*said), assistant(*called or said)]
        else:
            messages.append(assistant(*said, *called))
        messages.append(user(*results, *draw(st.lists(GIVEN, min_size=0 if results else 1, max_size=2))))
    return messages


PARAMETERS = {
    "temperature": st.floats(0, 1) | st.integers(0, 1),
    "top_p": st.floats(0, 1),
    "top_k": st.integers(0, 500),
    "stop_sequences": st.lists(WORDS, max_size=2),
    "metadata": st.builds(lambda words: {"user_id": words}, WORDS),
    "thinking": st.sampled_from(
        [{"type": "disabled"}, {"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}]
    ),
    "output_config": st.just({"effort": "low"}),
    "service_tier": st.sampled_from(["auto", "standard_only"]),
    "cache_control": st.sampled_from([None, SHORT, LONG]),
    "tool_choice": st.just({"type": "none"}),
}
REQUESTS = st.fixed_dictionaries(
    {
        "model": st.just("opus"),
        "max_tokens": st.integers(1025, 64_000),
        "messages": conversations(),
    },
    optional={
        "system": WORDS
        | st.lists(st.builds(lambda words, mark: text(words, **mark), WORDS, MARKS), max_size=2),
        "tools": st.lists(
            st.builds(
                lambda name, extra, mark: {**TOOL, "name": name, "x": extra, **mark},
                st.just("get"),
                INPUTS,
                MARKS,
            ),
            max_size=1,
        ),
        "stream": st.booleans(),
        **PARAMETERS,
    },
)
