"""Content blocks of a request: which there are, where they may stand, and what each must hold.

A block is carried as the client wrote it, keys unknown here included: the API is the one to judge those. What is
checked is what the CLI would drop, repair or stumble over before the API sees it, and what this server cannot
carry. Paths in errors are the API's: a block is named by its place and its type (``messages.0.content.1.text``), a
key of it by one step more (``messages.0.content.1.text.cache_control``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from attrs import frozen

from ccproxy_trio.dialects.anthropic.caching import check_mark
from ccproxy_trio.dialects.anthropic.images import check_image_data, refuse_image_keys
from ccproxy_trio.dialects.anthropic.known import UNSUPPORTED_BLOCKS
from ccproxy_trio.dialects.anthropic.losses import BYTE_ORDER_MARK
from ccproxy_trio.dialects.anthropic.values import EXTRA, boolean, obj, one_of, required, string, within
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import shorten

ContentBlock: TypeAlias = Mapping[str, Any]
"""A block as the client wrote it."""

Place: TypeAlias = Literal["user", "assistant", "system", "tool_result", "document", "search_result"]
"""Where a block stands: a message by its role, the system prompt, or the block that holds it."""


def parse_content(content: object, path: str, place: Place) -> tuple[ContentBlock, ...]:
    """Read a list of blocks, or the string that may stand for one block of text.

    An empty string or list gives no blocks: whether there may be none is the caller's to say.
    """
    if isinstance(content, str):
        if content and place in _OUTSIDE:
            _refuse_blank(content, path)
        return ({"type": "text", "text": content},) if content else ()
    if not isinstance(content, list):
        raise InvalidRequest(path, "Input should be a valid string or list")
    return tuple(_parse_block(block, f"{path}.{index}", place) for index, block in enumerate(content))


def _parse_block(value: object, path: str, place: Place) -> ContentBlock:
    block = obj(value, path)
    kind = string(required(block, "type", path), f"{path}.type")
    if kind in UNSUPPORTED_BLOCKS:
        raise InvalidRequest(f"{path}.{kind}", "this server does not support this type of block")
    if kind not in KINDS:
        raise InvalidRequest(
            f"{path}.type", f"Input tag {shorten(kind)!r} is not a block type of the Messages API"
        )
    if place not in KINDS[kind].places:
        raise InvalidRequest(path, f"`{kind}` blocks cannot stand in {_PLACE_NAMES[place]}")
    path = f"{path}.{kind}"
    if block.get("cache_control") is not None:
        check_mark(block["cache_control"], f"{path}.cache_control")
    KINDS[kind].check(block, path)
    if kind == "text" and place in _OUTSIDE:
        _refuse_blank(block["text"], path)
    return block


def _check_text(block: dict[str, Any], path: str) -> None:
    string(required(block, "text", path), f"{path}.text")


def _refuse_blank(text: str, path: str) -> None:
    if not text:
        raise InvalidRequest(path, "text content blocks must be non-empty")
    if text.replace(BYTE_ORDER_MARK, " ").isspace():
        raise InvalidRequest(path, "text content blocks must contain non-whitespace text")


def _check_image(block: dict[str, Any], path: str) -> None:
    source, inside = _source(block, path, "base64", "url")
    if source["type"] == "base64":
        refuse_image_keys(block, path)
        check_image_data(source, inside)
    else:
        string(required(source, "url", inside), f"{inside}.url")


def _check_document(block: dict[str, Any], path: str) -> None:
    source, path = _source(block, path, "base64", "url", "text", "content")
    match source["type"]:
        case "base64":
            one_of(required(source, "media_type", path), f"{path}.media_type", "application/pdf")
            string(required(source, "data", path), f"{path}.data")
        case "text":
            one_of(required(source, "media_type", path), f"{path}.media_type", "text/plain")
            string(required(source, "data", path), f"{path}.data")
        case "url":
            string(required(source, "url", path), f"{path}.url")
        case _:
            parse_content(required(source, "content", path), f"{path}.content", "document")


def _source(block: dict[str, Any], path: str, *kinds: str) -> tuple[dict[str, Any], str]:
    held = required(block, "source", path)
    path = f"{path}.source"
    source = obj(held, path)
    if source.get("type") == "file":
        raise InvalidRequest(
            path, "this server has no Files API, so that no file can be named; send its content"
        )
    kind = one_of(required(source, "type", path), f"{path}.type", *kinds)
    return source, f"{path}.{kind}"


def _check_search_result(block: dict[str, Any], path: str) -> None:
    string(required(block, "source", path), f"{path}.source")
    string(required(block, "title", path), f"{path}.title")
    if not isinstance(required(block, "content", path), list):
        raise InvalidRequest(f"{path}.content", "Input should be a valid list")
    parse_content(block["content"], f"{path}.content", "search_result")


def _check_call(block: dict[str, Any], path: str) -> None:
    string(required(block, "id", path), f"{path}.id")
    string(required(block, "name", path), f"{path}.name")
    obj(required(block, "input", path), f"{path}.input")


def _check_tool_use(block: dict[str, Any], path: str) -> None:
    _check_call(block, path)
    for key, value in block.items():
        if key in ("type", "id", "name", "input", "cache_control") or value is None:
            continue
        if key == "toolset_name":
            raise InvalidRequest(f"{path}.{key}", "this server cannot carry this key: the CLI leaves it out")
        if key != "caller":
            raise InvalidRequest(within(path, key), EXTRA)  # the API would say so, but the CLI leaves it out
        if obj(value, f"{path}.caller").get("type") != "direct":
            raise InvalidRequest(f"{path}.caller", "this server carries only calls whose caller is 'direct'")


def _check_tool_result(block: dict[str, Any], path: str) -> None:
    string(required(block, "tool_use_id", path), f"{path}.tool_use_id")
    failed = "is_error" in block and boolean(block["is_error"], f"{path}.is_error")
    if "content" in block and not isinstance(block["content"], str):
        content = parse_content(block["content"], f"{path}.content", "tool_result")
        if failed and any(each["type"] != "text" for each in content):
            raise InvalidRequest(path, 'all content must be type "text" if "is_error" is true')


def _check_thinking(block: dict[str, Any], path: str) -> None:
    string(required(block, "thinking", path), f"{path}.thinking")
    string(required(block, "signature", path), f"{path}.signature")


def _check_redacted_thinking(block: dict[str, Any], path: str) -> None:
    string(required(block, "data", path), f"{path}.data")


def _check_server_result(block: dict[str, Any], path: str) -> None:
    string(required(block, "tool_use_id", path), f"{path}.tool_use_id")
    required(block, "content", path)


@frozen
class Kind:
    """A type of block: where it may stand, and the check of one, given with its path."""

    places: frozenset[Place]
    check: Callable[[dict[str, Any], str], None]


_PLACE_NAMES: Mapping[Place, str] = {
    "user": "a user message",
    "assistant": "an assistant message",
    "system": "the system prompt",
    "tool_result": "a tool_result",
    "document": "a document",
    "search_result": "a search_result",
}
_OUTSIDE: frozenset[Place] = frozenset({"user", "assistant", "system"})
"""Where the CLI drops, or replaces, a text without a word in it; inside another block it leaves it as it is."""

_ASSISTANT: frozenset[Place] = frozenset({"assistant"})
_SERVER_RESULTS = (
    "bash_code_execution_tool_result",
    "code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "web_fetch_tool_result",
    "web_search_tool_result",
)

KINDS: Mapping[str, Kind] = {
    "text": Kind(frozenset(_PLACE_NAMES), _check_text),
    "image": Kind(frozenset({"user", "tool_result", "document"}), _check_image),
    "document": Kind(frozenset({"user", "tool_result"}), _check_document),
    "search_result": Kind(frozenset({"user", "tool_result"}), _check_search_result),
    "tool_result": Kind(frozenset({"user"}), _check_tool_result),
    "tool_use": Kind(_ASSISTANT, _check_tool_use),
    "thinking": Kind(_ASSISTANT, _check_thinking),
    "redacted_thinking": Kind(_ASSISTANT, _check_redacted_thinking),
    "server_tool_use": Kind(_ASSISTANT, _check_call),
    **dict.fromkeys(_SERVER_RESULTS, Kind(_ASSISTANT, _check_server_result)),
}
