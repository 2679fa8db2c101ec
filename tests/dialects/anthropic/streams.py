"""The other way round, for tests: the events in which the API would stream a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]


def whole(text: str) -> list[str]:
    return [text] if text else []


def events_of(message: Json, cut: Callable[[str], list[str]] = whole) -> Iterator[Json]:
    """The stream of `message`. `cut` splits a text into the pieces of its deltas."""
    start_usage = {**message["usage"], "output_tokens": 1}
    start = {**message, "content": [], "stop_reason": None, "stop_sequence": None, "usage": start_usage}
    yield {"type": "message_start", "message": start}
    for index, block in enumerate(message["content"]):
        opened, deltas = _unfold(block, cut)
        yield {"type": "content_block_start", "index": index, "content_block": opened}
        yield {"type": "ping"}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {key: message[key] for key in ("stop_reason", "stop_sequence")}
    usage = {"output_tokens": message["usage"]["output_tokens"], "cache_read_input_tokens": None}
    yield {"type": "message_delta", "delta": delta, "usage": usage}
    yield {"type": "message_stop"}


def _unfold(block: Json, cut: Callable[[str], list[str]]) -> tuple[Json, list[Json]]:
    """A block as it starts, and the deltas that fill it."""
    match block["type"]:
        case "text":
            opened = {**block, "text": ""}
            deltas = [{"type": "text_delta", "text": piece} for piece in cut(block["text"])]
            if block.get("citations"):
                opened["citations"] = []
                deltas += [
                    {"type": "citations_delta", "citation": citation} for citation in block["citations"]
                ]
            return opened, deltas
        case "thinking":
            pieces = [{"type": "thinking_delta", "thinking": piece} for piece in cut(block["thinking"])]
            signature = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*pieces, signature]
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            text = orjson.dumps(block["input"]).decode() if block["input"] else ""
            pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *cut(text))]
            return {**block, "input": {}}, pieces
    return block, []
