"""Content blocks of a Messages request: which there are, and where each may stand, from the dialect's own table.

A block may have more keys than are named, which the upstream API judges, unless the CLI would leave them out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccproxy_trio.dialects.anthropic.blocks import KINDS
from ccproxy_trio.dialects.anthropic.images import MEDIA_TYPES

from .shapes import (
    ANYTHING,
    FLAG,
    NULL,
    OBJECT,
    SAID,
    SAID_OR_EMPTY,
    TEXT,
    Json,
    array,
    either,
    nullable,
    obj,
    ref,
    refs,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccproxy_trio.dialects.anthropic.blocks import Place

MARK = nullable(ref("CacheControl"))

_CACHE_CONTROL = obj({"type": words("ephemeral"), "ttl": words("5m", "1h")}, "type", more=True)
_OUTSIDE = ("user", "assistant", "system")
_PLACES: Mapping[Place, str] = {
    "user": "UserContent",
    "assistant": "AssistantContent",
    "tool_result": "ToolResultContent",
    "document": "DocumentContent",
    "search_result": "SearchResultContent",
}


def block_schemas() -> dict[str, Json]:
    """The components: each kind of block, and what may stand in each place."""
    kinds = {_name(kind): _block(kind, shape) for kind, shape in _shapes().items()}
    places = {name: _content(place) for place, name in _PLACES.items()}
    return {"CacheControl": _CACHE_CONTROL, **kinds, "TextWithin": _text(TEXT), **places}


def system_content() -> Json:
    """The field `system`."""
    keys = {"type": words("text"), "text": SAID, "cache_control": MARK, "citations": ANYTHING}
    return either(SAID_OR_EMPTY, array(obj(keys, "type", "text")))


def _content(place: Place) -> Json:
    names = [_name(kind) for kind in KINDS if place in KINDS[kind].places]
    if place in _OUTSIDE:
        return either(SAID, array(refs(names), minItems=1))
    blocks = array(refs("TextWithin" if name == "Text" else name for name in names))
    return blocks if place == "search_result" else either(TEXT, blocks)


def _name(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.split("_"))


def _text(text: Json) -> Json:
    return obj({"type": words("text"), "text": text, "cache_control": MARK}, "type", "text", more=True)


def _block(kind: str, shape: Json) -> Json:
    """The block, with what all have in common."""
    common = {"type": words(kind), "cache_control": MARK}
    if "anyOf" in shape:
        return either(*(_block(kind, each) for each in shape["anyOf"]))
    required = ["type", *shape.get("required", [])]
    return {**shape, "properties": common | shape["properties"], "required": required}


def _shapes() -> dict[str, Json]:
    """What is particular to each kind; there is one for each that the dialect carries."""
    call = {"id": TEXT, "name": TEXT, "input": OBJECT}
    called = ("id", "name", "input")
    shapes: dict[str, Json] = {
        "text": obj({"text": SAID}, "text", more=True),
        "image": either(
            obj({"source": _image(), "transformations": NULL}, "source"),
            obj({"source": _url()}, "source", more=True),
        ),
        "document": obj({"source": _document()}, "source", more=True),
        "search_result": obj(
            {"source": TEXT, "title": TEXT, "content": ref("SearchResultContent")},
            *("source", "title", "content"),
            more=True,
        ),
        "tool_result": obj(
            {"tool_use_id": TEXT, "is_error": FLAG, "content": ref("ToolResultContent")},
            "tool_use_id",
            more=True,
        ),
        "tool_use": obj(
            {**call, "caller": nullable(obj({"type": words("direct")}, "type", more=True))},
            *called,
            more=NULL,
        ),
        "thinking": obj({"thinking": TEXT, "signature": TEXT}, "thinking", "signature", more=True),
        "redacted_thinking": obj({"data": TEXT}, "data", more=True),
        "server_tool_use": obj(call, *called, more=True),
    }
    result = obj({"tool_use_id": TEXT, "content": ANYTHING}, "tool_use_id", "content", more=True)
    return {kind: shapes.get(kind, result) for kind in KINDS}


def _image() -> Json:
    data = {**TEXT, "contentEncoding": "base64", "minLength": 1}
    return obj(
        {"type": words("base64"), "media_type": words(*MEDIA_TYPES), "data": data},
        *("type", "media_type", "data"),
    )


def _url() -> Json:
    return obj({"type": words("url"), "url": TEXT}, "type", "url", more=True)


def _document() -> Json:
    data = {
        kind: obj(
            {"type": words(kind), "media_type": words(media_type), "data": TEXT},
            *("type", "media_type", "data"),
            more=True,
        )
        for kind, media_type in (("base64", "application/pdf"), ("text", "text/plain"))
    }
    content = obj({"type": words("content"), "content": ref("DocumentContent")}, "type", "content", more=True)
    return either(*data.values(), _url(), content)
