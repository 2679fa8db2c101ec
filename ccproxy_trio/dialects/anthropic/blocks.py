"""Content blocks of a request: one class a kind, and the reading of each with its errors.

Paths in errors are the API's: a block is named by its place and its type (``messages.0.content.1.text``), a
key of it by one step more (``messages.0.content.1.text.cache_control``).
"""

from __future__ import annotations

from typing import Any, TypeAlias

from attrs import frozen

from ccproxy_trio.dialects.anthropic.known import UNSUPPORTED_BLOCKS, UNSUPPORTED_TEXT_KEYS
from ccproxy_trio.dialects.anthropic.reserved import BYTE_ORDER_MARK
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import shorten

NOT_AN_OBJECT = "Input should be a valid dictionary or object to extract fields from"
EXTRA = "Extra inputs are not permitted"
REQUIRED = "Field required"


@frozen
class Text:
    """A block of text."""

    text: str
    """Never empty, and not of white space alone."""


ContentBlock: TypeAlias = Text


def parse_content(content: object, path: str) -> tuple[ContentBlock, ...]:
    """Read a message's `content` or a `system` prompt, which may be a string in place of one text block.

    An empty string or list gives no blocks: whether there may be none is the caller's to say.
    """
    if isinstance(content, str):
        return (_parse_text(content, path),) if content else ()
    if not isinstance(content, list):
        raise InvalidRequest(path, "Input should be a valid string or list")
    return tuple(_parse_block(block, f"{path}.{index}") for index, block in enumerate(content))


def _parse_block(block: object, path: str) -> ContentBlock:
    if not isinstance(block, dict):
        raise InvalidRequest(path, NOT_AN_OBJECT)
    if "type" not in block:
        raise InvalidRequest(f"{path}.type", REQUIRED)
    kind = block["type"]
    if not isinstance(kind, str):
        raise InvalidRequest(f"{path}.type", "Input should be a valid string")
    if kind in UNSUPPORTED_BLOCKS:
        raise InvalidRequest(f"{path}.{kind}", "this server does not support this block type yet")
    if kind != "text":
        raise InvalidRequest(
            f"{path}.type", f"Input tag {shorten(kind)!r} is not a block type of the Messages API"
        )
    return _parse_text_block(block, f"{path}.text")


def _parse_text_block(block: dict[str, Any], path: str) -> Text:
    for key, value in block.items():
        if key in UNSUPPORTED_TEXT_KEYS:
            if value is not None:
                raise InvalidRequest(f"{path}.{key}", "this server does not support this key yet")
        elif key not in ("type", "text"):
            raise InvalidRequest(f"{path}.{shorten(key)}", EXTRA)
    if "text" not in block:
        raise InvalidRequest(f"{path}.text", REQUIRED)
    if not isinstance(block["text"], str):
        raise InvalidRequest(f"{path}.text", "Input should be a valid string")
    return _parse_text(block["text"], path)


def _parse_text(text: str, path: str) -> Text:
    if not text:
        raise InvalidRequest(path, "text content blocks must be non-empty")
    if text.replace(BYTE_ORDER_MARK, " ").isspace():
        raise InvalidRequest(path, "text content blocks must contain non-whitespace text")
    return Text(text)
