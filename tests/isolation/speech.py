"""A request of the Messages API as a client sends it by each of the three, and what was due upstream for it.

Written down here by hand: what is tested translates the other way. Only a sealed thought is the server's own work, as
clients give it back as they got it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ccproxy_trio.dialects.openai.responses.thoughts import seal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.isolation.drawing import Dialect, Drawn

Json = dict[str, Any]

PATHS: Mapping[Dialect, str] = {
    "messages": "/v1/messages",
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
}


def speak(drawn: Drawn) -> Json:
    """The body that the client sends."""
    if drawn.dialect == "messages":
        return drawn.fields
    chat = drawn.dialect == "chat"
    body = {**_shared(drawn.fields), **(_as_chat(drawn.fields) if chat else _as_response(drawn.fields))}
    # These have no effect, and so must have none upstream.
    return {**body, "prompt_cache_key": drawn.canary, "metadata": {drawn.canary: drawn.canary}}


def due(drawn: Drawn) -> Json:
    """The request of the Messages API that must have reached the CLI."""
    if drawn.dialect == "messages":
        return drawn.fields
    return {**drawn.fields, "cache_control": {"type": "ephemeral"}}


def _shared(fields: Json) -> Json:
    named = {name: fields[name] for name in ("model", "stream", "temperature", "top_p") if name in fields}
    tier = {"service_tier": "default"} if "service_tier" in fields else {}
    user = {"user": fields["metadata"]["user_id"]} if "metadata" in fields else {}
    return {**named, **tier, **user}


def _as_chat(fields: Json) -> Json:
    body: Json = {"max_completion_tokens": fields["max_tokens"], "messages": []}
    if fields["system"]:
        parts = [{"type": "text", "text": block["text"]} for block in fields["system"]]
        body["messages"].append({"role": "developer", "content": parts})
    for message in fields["messages"]:
        said = _assistant_message if message["role"] == "assistant" else _user_messages
        body["messages"] += said(message["content"])
    if "stop_sequences" in fields:
        body["stop"] = fields["stop_sequences"]
    if shape := fields.get("output_config", {}).get("format"):
        schema = {"name": "shape", "schema": shape["schema"]}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if "tools" in fields:
        body["tools"] = [{"type": "function", "function": _function(tool)} for tool in fields["tools"]]
    if "tool_choice" in fields:
        named = {"type": "function", "function": {"name": fields["tool_choice"].get("name")}}
        body["tool_choice"] = _choice(fields["tool_choice"], named)
    return body


def _assistant_message(content: Sequence[Json]) -> list[Json]:
    texts = [{"type": "text", "text": block["text"]} for block in content if block["type"] == "text"]
    calls = [
        {
            "type": "function",
            "id": block["id"],
            "function": {"name": block["name"], "arguments": _arguments(block)},
        }
        for block in content
        if block["type"] == "tool_use"
    ]
    return [{"role": "assistant", "content": texts, **({"tool_calls": calls} if calls else {})}]


def _user_messages(content: Sequence[Json]) -> list[Json]:
    messages: list[Json] = [
        {"role": "tool", "tool_call_id": block["tool_use_id"], "content": list(map(_part, block["content"]))}
        for block in content
        if block["type"] == "tool_result"
    ]
    if parts := [_part(block) for block in content if block["type"] != "tool_result"]:
        messages.append({"role": "user", "content": parts})
    return messages


def _part(block: Json) -> Json:
    if block["type"] == "image":
        return {"type": "image_url", "image_url": {"url": _url(block)}}
    return {"type": "text", "text": block["text"]}


def _as_response(fields: Json) -> Json:
    body: Json = {"max_output_tokens": fields["max_tokens"], "input": []}
    for block in fields["system"]:
        body["input"].append({"role": "developer", "content": block["text"]})
    for message in fields["messages"]:
        body["input"] += [_item(block, message["role"]) for block in message["content"]]
    if shape := fields.get("output_config", {}).get("format"):
        body["text"] = {"format": {"type": "json_schema", "name": "shape", "schema": shape["schema"]}}
    if "tools" in fields:
        body["tools"] = [{"type": "function", **_function(tool)} for tool in fields["tools"]]
    if "tool_choice" in fields:
        named = {"type": "function", "name": fields["tool_choice"].get("name")}
        body["tool_choice"] = _choice(fields["tool_choice"], named)
    return body


def _item(block: Json, role: str) -> Json:
    match block["type"]:
        case "tool_use":
            said = {"name": block["name"], "arguments": _arguments(block)}
            return {"type": "function_call", "call_id": block["id"], **said}
        case "tool_result":
            output = [_input(each) for each in block["content"]]
            return {"type": "function_call_output", "call_id": block["tool_use_id"], "output": output}
        case "thinking" | "redacted_thinking":
            return {"type": "reasoning", "summary": [], "encrypted_content": seal(block)}
        case "text" if role == "assistant":
            return {"role": role, "content": [{"type": "output_text", "text": block["text"]}]}
    return {"role": role, "content": [_input(block)]}


def _input(block: Json) -> Json:
    if block["type"] == "image":
        return {"type": "input_image", "image_url": _url(block)}
    return {"type": "input_text", "text": block["text"]}


def _url(image: Json) -> str:
    source = image["source"]
    return str(source.get("url") or f"data:{source['media_type']};base64,{source['data']}")


def _arguments(call: Json) -> str:
    return json.dumps(call["input"])


def _function(tool: Json) -> Json:
    described = {"name": tool["name"], "description": tool["description"], "strict": False}
    return {**described, "parameters": tool["input_schema"]}


def _choice(choice: Json, named: Json) -> Any:
    return named if choice["type"] == "tool" else {"any": "required", "auto": "auto"}[choice["type"]]
