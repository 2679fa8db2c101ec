"""docs/compatibility.md says of every source, key and rule of a conversation what is really done with it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialects.anthropic.bodies import (
    SEARCH,
    SHORT,
    THINKING,
    TOOL,
    assistant,
    body,
    call,
    document,
    image,
    result,
    search_result,
    text,
    user,
)
from tests.dialects.anthropic.page import outcome, outcome_of, raw, rows, told

SOURCE_ROWS, KEY_ROWS = rows("Sources of images and documents"), rows("Keys of blocks")
RULE_ROWS = rows("Rules for a conversation")
WEB, PAGE = {"type": "web_search_result_location"}, {"type": "page_location"}
BY_URL = {"type": "image", "source": {"type": "url", "url": "https://example.org/a"}}
MARK = {"cache_control": SHORT}


@pytest.mark.parametrize(("source", "status", "notes"), SOURCE_ROWS)
def test_source(source: str, status: str, notes: str) -> None:
    block, _, kind = (word.strip("`") for word in source.split())
    made = {
        "base64": image() if block == "image" else document("base64"),
        "url": BY_URL if block == "image" else document("url"),
        "file": {"type": block, "source": {"type": "file", "file_id": "file_1"}},
        "text": document("text"),
        "content": document("content"),
    }
    said = outcome_of(messages=[user(made[kind])])
    if status == "refused":
        assert said.startswith(f"messages.0.content.0.{block}.source: this server has no Files API")
    else:
        assert said == "honoured"
        assert (status == "emulated") == (source == "`image` by `base64`")


def given(block: Any) -> dict[str, Any]:
    return {"messages": [user(block)]}


def called(**keys: Any) -> dict[str, Any]:
    return {"messages": told(call(**keys), then=(result(),))}


def answered(**keys: Any) -> dict[str, Any]:
    return {"messages": told(call(), then=(result(**keys),))}


KEYS: dict[str, tuple[dict[str, Any], str]] = {
    "`cache_control` of `text`": (given(text("a", **MARK)), ""),
    "`cache_control` of a text in `system`": ({"system": [text("a", **MARK)]}, ""),
    "`cache_control` of `image` by `base64`": (given(image(**MARK)), "messages.0.content.0.cache_control"),
    "`cache_control` of `image` by `url`": (given(BY_URL | MARK), ""),
    "`cache_control` of `document`": (given(document(**MARK)), ""),
    "`cache_control` of `tool_use`": (called(**MARK), "messages.1.content.0.cache_control"),
    "`cache_control` of `tool_result`": (answered(**MARK, content=[image(**MARK)]), ""),
    "`cache_control` of a tool": ({"tools": [TOOL | MARK]}, ""),
    "`citations` of a text in `system`": ({"system": [text("a", citations=[PAGE])]}, "system.0.citations"),
    "`citations` of a text of the user's": (given(text("a", citations=[PAGE])), ""),
    "`citations` of a text of the assistant's, from the web search": (
        {"messages": told(text("b", citations=[WEB]))},
        "",
    ),
    "`citations` of a text of the assistant's, from documents": (
        {"messages": told(text("b", citations=[PAGE]))},
        "messages.1.content.0.citations",
    ),
    "`citations` of `document`": (given(document(citations={"enabled": True}, title="t", context="c")), ""),
    "`citations` of `search_result`": (given(search_result(citations={"enabled": True})), ""),
    "`transformations` of `image` by `base64`": (
        given(image(transformations={})),
        "messages.0.content.0.image.transformations",
    ),
    "`transformations` of `image` by `url`": (given(BY_URL | {"transformations": {}}), ""),
    "`caller` of `tool_use`, `direct`": (called(caller={"type": "direct"}), ""),
    "`caller` of `tool_use`, another": (
        called(caller={"type": "code"}),
        "messages.1.content.0.tool_use.caller",
    ),
    "`toolset_name` of `tool_use`": (called(toolset_name="x"), "messages.1.content.0.tool_use.toolset_name"),
    "`is_error` of `tool_result`": (answered(is_error=True), ""),
    "another of `image` by `base64`": (given(image(x=1)), "messages.0.content.0.image.x"),
    "another of `tool_use`": (called(x=1), "messages.1.content.0.tool_use.x"),
    "another of a text in `system`": ({"system": [text("a", x=1)]}, "system.0.text.x"),
    "another of a message": ({"messages": [user("a") | {"x": 1}]}, "messages.0.x"),
}


@pytest.mark.parametrize(("key", "status", "notes"), KEY_ROWS)
def test_key(key: str, status: str, notes: str) -> None:
    fields, path = KEYS[key]
    said = outcome_of(**fields)
    if status == "ignored":
        assert said == f"ignored: {path}"
    elif status == "refused":
        assert said.startswith(f"{path}: ")
    else:
        assert status in ("honoured", "emulated")
        assert (said, path) == ("honoured", "")


PREFILL = [user("a"), assistant("b")]
RULES: dict[str, bytes] = {
    "Consecutive messages of one role": body(messages=[user("a"), user("b")]),
    "Empty text block, empty content": body(messages=[user(text(""))]),
    "Text of white space": body(messages=[user(text("\ufeff\n"))]),
    "First message from the assistant": body(messages=[assistant("a"), user("b")]),
    "Last message from the assistant": body(messages=PREFILL),
    "A message from the assistant of nothing but `(no content)`": body(
        messages=told(THINKING, text("(no content)"))
    ),
    "A message from the assistant of nothing but thinking": body(messages=told(THINKING)),
    "Another block after a `tool_use` block": body(messages=told(call(), text("b"), then=(result(),))),
    "A `server_tool_use` block without its result": body(messages=told(SEARCH, text("b"))),
    "A call without a result": body(messages=told(call())),
    "The id of a call a second time": body(
        messages=[*told(call(), then=(result(),)), *told(call(), then=(result(),))[1:]]
    ),
    "A text before a `tool_result`": body(messages=told(call(), then=(text("b"), result()))),
    "More than 100 images and documents": body(messages=[user(*[image()] * 101)]),
    "An image that is none": body(messages=[user(image("aGk="))]),
    "A system prompt that is `__SYSTEM": body(system="__SYSTEM_PROMPT_DYNAMIC_BOUNDARY__"),
    "A system prompt that is the CLI's own first sentence": body(
        system="You are Claude Code, Anthropic's official CLI for Claude."
    ),
    "An integer that a double does not hold": body(tools=[{**TOOL, "x": 2**53 + 1}]),
    "Numbers such as `1.0`": body(tools=[{**TOOL, "x": [1.0, 1e2, -0.0, {"10": 1}]}]),
    "A thinking budget of `max_tokens` or more": body(
        thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=1024
    ),
    "A key twice in one JSON object": raw('"top_k":1,"top_k":1'),
    "More than 1,000,000 of `{`": raw('"context_management":{"a":"' + ":" * 1_000_000 + '"}'),
    "Nesting of more than 240 levels": raw('"context_management":{"a":' + "[" * 240 + "]" * 240 + "}"),
    "Numbers and strings of the wrong kind": raw('"top_k":"5"'),
    "NaN, infinities": raw('"temperature":NaN'),
}


@pytest.mark.parametrize(("rule", "status", "here", "there"), RULE_ROWS)
def test_rule(rule: str, status: str, here: str, there: str) -> None:
    (request,) = (request for beginning, request in RULES.items() if rule.startswith(beginning))
    assert (outcome(request) == "honoured") == (status != "refused")
    assert status in ("honoured", "emulated", "refused")
    assert here or status == "refused"


def test_no_row_is_missing() -> None:
    assert [row[0] for row in KEY_ROWS] == list(KEYS)
    assert len(RULE_ROWS) == len(RULES)
    blocks = {"image": ("base64", "url", "file"), "document": ("base64", "url", "text", "content", "file")}
    assert [row[0] for row in SOURCE_ROWS] == [
        f"`{block}` by `{kind}`" for block, kinds in blocks.items() for kind in kinds
    ]
