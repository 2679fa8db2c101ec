"""Content blocks: which may stand where, that each is carried whole, and the exact words for bad ones."""

from __future__ import annotations

from typing import Any

import pytest

from ccproxy_trio.dialects.anthropic.blocks import KINDS, ContentBlock, Place, parse_content
from ccproxy_trio.dialects.anthropic.known import UNSUPPORTED_BLOCKS
from ccproxy_trio.dialects.failures import InvalidRequest
from tests.dialects.anthropic.bodies import (
    EXTRA,
    FOUND,
    OBJECT,
    SEARCH,
    SHORT,
    STRING,
    THINKING,
    call,
    document,
    image,
    result,
    search_result,
    text,
)

PLACES: dict[Place, str] = {
    "user": "a user message",
    "assistant": "an assistant message",
    "system": "the system prompt",
    "tool_result": "a tool_result",
    "document": "a document",
    "search_result": "a search_result",
}
GOOD: dict[str, list[ContentBlock]] = {
    "text": [text("a"), text(" a\r\n", citations=[{"type": "web_search_result_location"}])],
    "image": [image(), {"type": "image", "source": {"type": "url", "url": "https://example.org/a"}}],
    "document": [
        *(document(kind) for kind in ("base64", "text", "url", "content")),
        document(title=None, context="c", citations={"enabled": True}, hologram=1),
        {"type": "document", "source": {"type": "content", "content": ""}},
        {"type": "document", "source": {"type": "content", "content": " "}},
    ],
    "search_result": [search_result(), search_result(content=[], citations={"enabled": False})],
    "tool_result": [
        result(),
        result(content=""),
        result(content=" \n", is_error=True),
        result(content=[]),
        result(content=[text(""), text(" "), image(), document(), search_result()], is_error=False),
        result(content=[text("no")], is_error=True, hologram=1),
    ],
    "tool_use": [call(), call(""), call(caller={"type": "direct"}, cache_control=None, toolset_name=None)],
    "thinking": [THINKING, {"type": "thinking", "thinking": "", "signature": ""}],
    "redacted_thinking": [{"type": "redacted_thinking", "data": "ZGF0YQ=="}],
    "server_tool_use": [SEARCH, {**SEARCH, "caller": {"type": "code_execution_20250825"}}],
    **{
        kind: [
            {**FOUND, "type": kind, "content": content} for content in ([], {"error_code": "x"}, "?", None)
        ]
        for kind in KINDS
        if kind.endswith("_tool_result")
    },
}
ALL = [(kind, block) for kind, blocks in GOOD.items() for block in blocks]


def complaint(block: Any, place: Place) -> str:
    with pytest.raises(InvalidRequest) as caught:
        parse_content([block], "content", place)
    return str(caught.value)


def test_every_kind_is_tried() -> None:
    assert GOOD.keys() == KINDS.keys()


@pytest.mark.parametrize(("kind", "block"), ALL)
def test_a_good_block_is_carried_as_it_is_wherever_it_may_stand(kind: str, block: ContentBlock) -> None:
    for place, words in PLACES.items():
        if place in KINDS[kind].places:
            marked = {**block, "cache_control": SHORT}
            assert parse_content([block, marked], "content", place) == (block, marked)
        else:
            assert complaint(block, place) == f"content.0: `{kind}` blocks cannot stand in {words}"


def test_a_text_needs_words_only_where_it_stands_by_itself() -> None:
    for place in PLACES:
        if place in ("user", "assistant", "system"):
            assert complaint(text(" "), place).endswith("must contain non-whitespace text")
            assert complaint(text(""), place).endswith("must be non-empty")
        else:
            assert parse_content([text(""), text(" ")], "content", place) == (text(""), text(" "))


@pytest.mark.parametrize("kind", sorted(UNSUPPORTED_BLOCKS))
def test_a_block_that_is_not_carried(kind: str) -> None:
    for place in PLACES:
        said = complaint({"type": kind}, place)
        assert said == f"content.0.{kind}: this server does not support this type of block"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_key_that_is_missing_is_named(kind: str) -> None:
    (place, *_) = KINDS[kind].places
    optional = {"cache_control", "caller", "citations", "content", "is_error", "title"}
    for block in GOOD[kind][:1]:
        for key in block.keys() - ({"type"} | (optional if kind == "tool_result" else set())):
            short = {name: value for name, value in block.items() if name != key}
            assert complaint(short, place) == f"content.0.{kind}.{key}: Field required"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (text("a", cache_control=1), f"text.cache_control: {OBJECT}"),
        (text("a", cache_control={}), "text.cache_control.type: Field required"),
        (
            text("a", cache_control={"type": "for ever"}),
            "text.cache_control.type: Input should be 'ephemeral'",
        ),
        (
            text("a", cache_control={**SHORT, "ttl": "1d"}),
            "text.cache_control.ephemeral.ttl: Input should be '5m' or '1h'",
        ),
        (document() | {"source": 1}, f"document.source: {OBJECT}"),
        (document() | {"source": {}}, "document.source.type: Field required"),
        (
            document() | {"source": {"type": "ftp"}},
            "document.source.type: Input should be 'base64', 'url', 'text' or 'content'",
        ),
        (document() | {"source": {"type": []}}, "document.source.type: Input should be 'base64', 'url', "),
        *(
            (
                {"type": kind, "source": {"type": "file", "file_id": "f"}},
                f"{kind}.source: this server has no Files API, so that no file can be named; send its content",
            )
            for kind in ("image", "document")
        ),
        (
            document() | {"source": {"type": "text", "media_type": "text/html", "data": "x"}},
            "document.source.text.media_type: Input should be 'text/plain'",
        ),
        (
            document() | {"source": {"type": "base64", "media_type": "image/png", "data": "x"}},
            "document.source.base64.media_type: Input should be 'application/pdf'",
        ),
        (
            document() | {"source": {"type": "content", "content": [result()]}},
            "document.source.content.content.0: `tool_result` blocks cannot stand in a document",
        ),
        (search_result(content="x"), "search_result.content: Input should be a valid list"),
        (
            search_result(content=[image()]),
            "search_result.content.0: `image` blocks cannot stand in a search_result",
        ),
        (result(tool_use_id=None), f"tool_result.tool_use_id: {STRING}"),
        (result(content=None), "tool_result.content: Input should be a valid string or list"),
        (result(is_error="no"), "tool_result.is_error: Input should be a valid boolean"),
        (
            result(content=[text("a"), image()], is_error=True),
            'tool_result: all content must be type "text" if "is_error" is true',
        ),
        (result(content=[call()]), "tool_result.content.0: `tool_use` blocks cannot stand in a tool_result"),
    ],
)
def test_a_bad_block_of_the_user(block: dict[str, Any], message: str) -> None:
    assert complaint(block, "user").startswith(f"content.0.{message}")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (call(input=[]), f"tool_use.input: {OBJECT}"),
        (call(input="{}"), f"tool_use.input: {OBJECT}"),
        (call(id=1), f"tool_use.id: {STRING}"),
        (call(name=None), f"tool_use.name: {STRING}"),
        (call(hologram=1), f"tool_use.hologram: {EXTRA}"),
        (call(caller=1), f"tool_use.caller: {OBJECT}"),
        (
            call(caller={"type": "code_execution_20250825", "tool_id": "x"}),
            "tool_use.caller: this server carries only calls whose caller is 'direct'",
        ),
        (
            call(toolset_name="browser"),
            "tool_use.toolset_name: this server cannot carry this key: the CLI leaves it out",
        ),
        ({**THINKING, "signature": None}, f"thinking.signature: {STRING}"),
        ({**THINKING, "thinking": 1}, f"thinking.thinking: {STRING}"),
        ({"type": "redacted_thinking", "data": 1}, f"redacted_thinking.data: {STRING}"),
        ({**SEARCH, "input": "x"}, f"server_tool_use.input: {OBJECT}"),
        ({**FOUND, "tool_use_id": 1}, f"web_search_tool_result.tool_use_id: {STRING}"),
    ],
)
def test_a_bad_block_of_the_assistant(block: dict[str, Any], message: str) -> None:
    assert complaint(block, "assistant") == f"content.0.{message}"
