"""The blocks of an answer, and the deltas by which each of them is streamed."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .directives import an_object
from .schema import satisfy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .directives import Json

_PAGE = {"url": "https://example.com/demo", "title": "A demo page"}
_EMPTY: Json = {"text": "", "thinking": "", "signature": "", "input": {}}
_WHOLE = frozenset({"redacted_thinking", "web_search_tool_result"})
"""Blocks that come whole, in content_block_start."""


def think(wish: Mapping[str, Any]) -> Iterator[Json]:
    if "thinking" in wish:
        yield {"type": "thinking", "thinking": str(wish["thinking"]), "signature": "c2lnbmVk"}
    if "redacted" in wish:
        yield {"type": "redacted_thinking", "data": str(wish["redacted"])}


def search(query: object, tag: str) -> Iterator[Json]:
    """A search that the API has made by itself, and its one result."""
    name = f"srvtoolu_{tag}"
    yield {"type": "server_tool_use", "id": name, "name": "web_search", "input": {"query": str(query)}}
    found = {"type": "web_search_result", **_PAGE, "encrypted_content": "ZGVtbw==", "page_age": None}
    yield {"type": "web_search_tool_result", "tool_use_id": name, "content": [found]}


def cite(text: str) -> Json:
    """A text that says where it was found."""
    place = {"type": "web_search_result_location", **_PAGE, "encrypted_index": "ZGVtbw==", "cited_text": text}
    return {"type": "text", "text": text, "citations": [place]}


def call_tools(names: Sequence[str], wish: Mapping[str, Any], tools: object, tag: str) -> Iterator[Json]:
    """Calls of these tools; without a wish for the input it is one that the tool's schema allows."""
    for index, name in enumerate(names):
        schema = _find(tools, name).get("input_schema")
        usual = {"x": 1} if schema is None else satisfy(schema)
        call = {"id": f"toolu_{tag}_{index}", "name": name, "input": wish.get("input", usual)}
        yield {"type": "tool_use", **call}


def choose_tools(choice: object, wish: Mapping[str, Any], tools: object) -> tuple[Sequence[str], bool]:
    """The tools that `tool_choice` and the prompt ask for, and whether the choice leaves no other answer."""
    asked = [name.strip() for name in str(wish["tool"]).split(",")] if "tool" in wish else []
    most = 1 if an_object(choice).get("disable_parallel_tool_use") is True else len(asked)
    match choice:
        case {"type": "none"}:
            return (), False
        case {"type": "tool", "name": str(name)}:
            return (name,), True
        case {"type": "any"} if asked or (known := _names(tools)):
            return asked[:most] or known[:1], True
    return asked[:most], False


def emptied(block: Json) -> Json:
    """The block as it stands in content_block_start."""
    if block["type"] in _WHOLE:
        return block
    start = {key: _EMPTY.get(key, value) for key, value in block.items()}
    return {**start, "citations": []} if "citations" in start else start


def deltas_of(block: Json, count: int) -> Iterator[Json]:
    """About `count` deltas that make up the block."""
    match block["type"]:
        case "text":
            for place in block.get("citations", ()):
                yield {"type": "citations_delta", "citation": place}
            # Nothing to see must stay nothing to see.
            text = block["text"].ljust(count, ".") if block["text"].strip() else block["text"]
            for piece in _pieces(text, count):
                yield {"type": "text_delta", "text": piece}
        case "thinking":
            yield {"type": "thinking_delta", "thinking": block["thinking"]}
            yield {"type": "signature_delta", "signature": block["signature"]}
        case "tool_use" | "server_tool_use":
            for piece in ["", *_pieces(json.dumps(block["input"]), count)]:
                yield {"type": "input_json_delta", "partial_json": piece}


def _pieces(text: str, count: int) -> Iterator[str]:
    count = min(count, len(text))
    ends = [len(text) * (at + 1) // count for at in range(count)]
    for start, end in pairwise([0, *ends]):
        yield text[start:end]


def _find(tools: object, name: str) -> Json:
    known = tools if isinstance(tools, list) else []
    return next((tool for tool in known if isinstance(tool, dict) and tool.get("name") == name), {})


def _names(tools: object) -> list[str]:
    """The client's tools: those of the API's own, which have a type, are not called by us."""
    known = [an_object(tool) for tool in tools] if isinstance(tools, list) else []
    return [str(tool["name"]) for tool in known if "name" in tool and tool.get("type", "custom") == "custom"]
