"""A message of the Messages API as a chat completion: the whole, and the words that whole and stream share.

Texts are one text, as OpenAI's answers have one; calls of tools keep their order and ids. A refusal by upstream's
safeguards is OpenAI's `content_filter`, which is what its clients expect when an answer was cut off for its content;
upstream's explanation, if it gives one, is the message's `refusal`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

Json: TypeAlias = dict[str, Any]

_FINISH_REASONS = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
    "tool_use": "tool_calls",
}
"""By stop reason; any other is a stop."""

_TIERS = {"standard": "default", "priority": "priority"}
_THINKING = ("thinking", "redacted_thinking")


def build_completion(message: Mapping[str, Any], created: int, *, show_thinking: bool = False) -> Json:
    """The chat completion for a whole message. `created` is the time, in seconds since 1970."""
    blocks = message["content"]
    texts = [block["text"] for block in blocks if block["type"] == "text"]
    thoughts = "".join(block["thinking"] for block in blocks if block["type"] == "thinking")
    calls = [
        start_call(block, orjson.dumps(block["input"]).decode())
        for block in blocks
        if block["type"] == "tool_use"
    ]
    answer: Json = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": explanation(message.get("stop_details")),
        **({"reasoning_content": thoughts} if show_thinking and thoughts else {}),
        **({"tool_calls": calls} if calls else {}),
    }
    choice = {
        "index": 0,
        "message": answer,
        "logprobs": None,
        "finish_reason": finish_reason(message["stop_reason"]),
    }
    return {
        **head(message, created, "chat.completion"),
        "choices": [choice],
        "usage": count_usage(message["usage"], thought=any(map(is_thinking, blocks))),
    }


def head(message: Mapping[str, Any], created: int, kind: str) -> Json:
    """What a completion and each of its chunks have in common."""
    return {
        "id": "chatcmpl-" + message["id"].removeprefix("msg_"),
        "object": kind,
        "created": created,
        "model": message["model"],
        "service_tier": service_tier(message["usage"]),
        "system_fingerprint": None,
    }


def start_call(block: Mapping[str, Any], arguments: str) -> Json:
    """A call of a function."""
    return {
        "id": block["id"],
        "type": "function",
        "function": {"name": block["name"], "arguments": arguments},
    }


def finish_reason(stop_reason: str) -> str:
    """Why the answer ended."""
    return _FINISH_REASONS.get(stop_reason, "stop")


def explanation(stop_details: Mapping[str, Any] | None) -> str | None:
    """Why upstream refused, if it tells."""
    if not stop_details or stop_details.get("type") != "refusal":
        return None
    return stop_details.get("explanation") or None


def service_tier(usage: Mapping[str, Any]) -> str | None:
    """The tier that served the request, if OpenAI has a name for it."""
    return _TIERS.get(usage.get("service_tier") or "")


def is_thinking(block: Mapping[str, Any]) -> bool:
    """Whether a block is what the model thought."""
    return block["type"] in _THINKING


def count_usage(usage: Mapping[str, Any], *, thought: bool) -> Json:
    """The tokens of the request. Prompt tokens are all that the model read, out of the cache or not.

    Those of thinking are told as upstream tells them, and are none when the model did not think; else nobody knows.
    """
    read, written = (usage.get(f"cache_{kind}_input_tokens") or 0 for kind in ("read", "creation"))
    prompt = usage["input_tokens"] + read + written
    answer = usage["output_tokens"]
    told = usage.get("output_tokens_details")
    reasoning = told["thinking_tokens"] if told else None if thought else 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
        **({} if reasoning is None else {"completion_tokens_details": {"reasoning_tokens": reasoning}}),
    }
