"""Bodies of requests for the tests of the dialect: the least one, its parts, and what is said of a bad one."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from ccproxy_trio.dialects.anthropic import MessagesRequest, parse_request
from ccproxy_trio.dialects.failures import Failure, InvalidRequest

OBJECT = "Input should be a valid dictionary or object to extract fields from"
STRING = "Input should be a valid string"
EXTRA = "Extra inputs are not permitted"
SHORT = {"type": "ephemeral"}
LONG = {"type": "ephemeral", "ttl": "1h"}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
TOOL: dict[str, Any] = {"name": "get", "input_schema": {"type": "object"}}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
FOUND: dict[str, Any] = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}


def body(**fields: Any) -> bytes:
    """The least request, with other fields or more of them."""
    return orjson.dumps({"model": "opus", "max_tokens": 10, "messages": [user("Hi")], **fields})


def parse(**fields: Any) -> MessagesRequest:
    return parse_request(body(**fields))


def refusal(raw: bytes) -> str:
    """What is said of a body that is refused."""
    with pytest.raises(InvalidRequest) as caught:
        parse_request(raw)
    assert caught.value.failure == Failure(400, str(caught.value), code=caught.value.code)
    return str(caught.value)


def refused(**fields: Any) -> str:
    return refusal(body(**fields))


def user(*content: Any) -> dict[str, Any]:
    """A message of blocks, or of one string."""
    return {"role": "user", "content": _content(content)}


def assistant(*content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": _content(content)}


def _content(content: tuple[Any, ...]) -> Any:
    return content[0] if len(content) == 1 and isinstance(content[0], str) else list(content)


def text(words: str, **keys: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **keys}


def image(data: str = PNG, media_type: str = "image/png", **keys: Any) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}, **keys}


def document(kind: str = "text", **keys: Any) -> dict[str, Any]:
    """A document with a source of this type."""
    source = {
        "base64": {"media_type": "application/pdf", "data": "JVBERi0="},
        "text": {"media_type": "text/plain", "data": "Once."},
        "url": {"url": "https://example.org/a.pdf"},
        "content": {"content": [text("Once."), image()]},
    }[kind]
    return {"type": "document", "source": {"type": kind, **source}, **keys}


def search_result(**keys: Any) -> dict[str, Any]:
    return {"type": "search_result", "source": "here", "title": "There", "content": [text("x")], **keys}


def call(identity: str = "toolu_1", **keys: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": identity, "name": "get", "input": {"x": 1}, **keys}


def result(identity: str = "toolu_1", **keys: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": identity, **keys}
