"""A message of the Messages API as a response: the whole, and what whole and stream have in common.

Texts in a row are one message with one part, as OpenAI's models answer; each block of thinking is one reasoning item,
and each call one item. The item at which an answer was cut off is incomplete, as the answer is. Blocks without a
counterpart are passed over. Ids are made from upstream's, so that the same answer always has the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from ccproxy_trio.dialects.openai.completion import count_usage, explanation, service_tier
from ccproxy_trio.dialects.openai.responses.thoughts import KINDS, seal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccproxy_trio.dialects.openai.responses.request import ResponsesRequest

Json = dict[str, Any]

_INCOMPLETE = {
    "max_tokens": "max_output_tokens",
    "model_context_window_exceeded": "max_output_tokens",
    "refusal": "content_filter",
}
"""By stop reason; after any other a response is complete."""

TEXT = {"type": "text"}
"""The kind of block that an item of what the model says is made from."""


def build_response(
    message: Mapping[str, Any], request: ResponsesRequest, created: int, completed: int
) -> Json:
    """The response for a whole message, with the times of its beginning and end, in seconds since 1970."""
    output: list[Json] = []
    for block in message["content"]:
        name = item_id(message, block, len(output))
        match block["type"]:
            case "text" if block["text"] and output and output[-1]["type"] == "message":
                output[-1]["content"][0]["text"] += block["text"]
            case "text" if block["text"]:
                output.append(message_item(name, [text_part(block["text"])]))
            case "tool_use":
                output.append(call_item(name, block, orjson.dumps(block["input"]).decode()))
            case kind if kind in KINDS:
                output.append(reasoning_item(name, block, summary=request.summary))
    if output:
        output[-1]["status"] = item_status(message)
    if refusal := explanation(message.get("stop_details")):
        if not output or output[-1]["type"] != "message":
            name = item_id(message, TEXT, len(output))
            output.append(message_item(name, [], item_status(message)))
        output[-1]["content"].append(refusal_part(refusal))
    return finished_response(message, request, created, completed, output)


def response_object(
    message: Mapping[str, Any], request: ResponsesRequest, created: int, status: str, output: list[Json]
) -> Json:
    """A response to what is known of `message`."""
    return {
        "id": "resp_" + _base(message),
        "object": "response",
        "created_at": created,
        "completed_at": None,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": message["model"],
        "output": output,
        **request.settings,
        "service_tier": service_tier(message["usage"]),
        "usage": None,
    }


def finished_response(
    message: Mapping[str, Any], request: ResponsesRequest, created: int, completed: int, output: list[Json]
) -> Json:
    """The response to a message that has ended."""
    reason = _INCOMPLETE.get(message["stop_reason"])
    return {
        **response_object(message, request, created, "incomplete" if reason else "completed", output),
        "completed_at": None if reason else completed,
        "incomplete_details": {"reason": reason} if reason else None,
        "usage": _usage(message["usage"]),
    }


def item_status(message: Mapping[str, Any]) -> str:
    """The status of the item at which the answer ended."""
    return "incomplete" if message["stop_reason"] in _INCOMPLETE else "completed"


def item_id(message: Mapping[str, Any], block: Mapping[str, Any], index: int) -> str:
    """The id of the item at `index` of the output, which is made from `block`."""
    prefix = {"text": "msg", "tool_use": "fc"}.get(block["type"], "rs")
    return f"{prefix}_{_base(message)}_{index}"


def message_item(name: str, content: list[Json], status: str = "completed") -> Json:
    """What the model says."""
    return {"id": name, "type": "message", "role": "assistant", "status": status, "content": content}


def text_part(text: str) -> Json:
    """A part of a message that is text."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def refusal_part(explanation: str) -> Json:
    """A part of a message that says why there is no more."""
    return {"type": "refusal", "refusal": explanation}


def call_item(name: str, block: Mapping[str, Any], arguments: str, status: str = "completed") -> Json:
    """A call of a function."""
    return {
        "id": name,
        "type": "function_call",
        "status": status,
        "call_id": block["id"],
        "name": block["name"],
        "arguments": arguments,
    }


def reasoning_item(name: str, block: Mapping[str, Any], *, summary: bool, status: str = "completed") -> Json:
    """What the model thought: in words if they are asked for, and sealed in any case, as nothing here is stored."""
    words = block.get("thinking") if summary else None
    return {
        "id": name,
        "type": "reasoning",
        "status": status,
        "summary": [summary_part(words)] if words else [],
        "encrypted_content": seal(block),
    }


def summary_part(text: str) -> Json:
    """A part of a reasoning item's summary."""
    return {"type": "summary_text", "text": text}


def _base(message: Mapping[str, Any]) -> str:
    held: str = message["id"]
    return held.removeprefix("msg_")


def _usage(usage: Mapping[str, Any]) -> Json:
    # The official client wants a number: 0 is also said where upstream does not tell.
    counted = count_usage(usage, thought=False)
    return {
        "input_tokens": counted["prompt_tokens"],
        "input_tokens_details": counted["prompt_tokens_details"],
        "output_tokens": counted["completion_tokens"],
        "output_tokens_details": counted["completion_tokens_details"],
        "total_tokens": counted["total_tokens"],
    }
