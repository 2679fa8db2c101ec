"""The answer to POST /v1/chat/completions: a completion, or the chunks that make one up."""

from __future__ import annotations

from .shapes import COUNT, NULL, TEXT, Json, array, either, event, nullable, obj, ref, refs, words

_REASON = words("stop", "length", "content_filter", "tool_calls")
_HEAD: dict[str, Json] = {
    "id": TEXT,
    "created": COUNT,
    "model": TEXT,
    "service_tier": words("default", "priority", None),
    "system_fingerprint": NULL,
}
_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


def _strict(keys: dict[str, Json], *optional: str) -> Json:
    return obj(keys, *(name for name in keys if name not in optional))


def _choice(finish_reason: Json, **keys: Json) -> Json:
    return _strict({"index": words(0), **keys, "logprobs": NULL, "finish_reason": finish_reason})


_CALL = _strict(
    {"id": TEXT, "type": words("function"), "function": _strict({"name": TEXT, "arguments": TEXT})}
)
_MESSAGE = _strict(
    {
        "role": words("assistant"),
        "content": nullable(TEXT),
        "refusal": nullable(TEXT),
        "reasoning_content": TEXT,
        "tool_calls": array(_CALL, minItems=1),
    },
    *("reasoning_content", "tool_calls"),
)
_CALL_PIECE = obj(
    {
        "index": COUNT,
        "id": TEXT,
        "type": words("function"),
        "function": obj({"name": TEXT, "arguments": TEXT}, "arguments"),
    },
    *("index", "function"),
)
_DELTA = obj(
    {
        "role": words("assistant"),
        "content": nullable(TEXT),
        "refusal": nullable(TEXT),
        "reasoning_content": TEXT,
        "tool_calls": array(_CALL_PIECE),
    }
)

CHAT_ANSWER_SCHEMAS: dict[str, Json] = {
    "ChatUsage": _strict(
        {
            **dict.fromkeys(_COUNTS, COUNT),
            "prompt_tokens_details": _strict({"cached_tokens": COUNT, "cache_write_tokens": COUNT}),
            "completion_tokens_details": _strict({"reasoning_tokens": COUNT}),
        },
        "completion_tokens_details",
    ),
    "ChatCompletion": _strict(
        {
            "object": words("chat.completion"),
            **_HEAD,
            "choices": array(_choice(_REASON, message=_MESSAGE), minItems=1, maxItems=1),
            "usage": ref("ChatUsage"),
        }
    ),
    "ChatCompletionChunk": _strict(
        {
            "object": words("chat.completion.chunk"),
            **_HEAD,
            "choices": array(_choice(nullable(_REASON), delta=_DELTA), maxItems=1),
            "usage": nullable(ref("ChatUsage")),
        },
        "usage",
    ),
}

CHUNK = either(
    event(refs(["ChatCompletionChunk", "OpenAIError"])), obj({"data": words("[DONE]")}, "data", more=True)
)
"""One event of the stream; the last one is `[DONE]`, or an error."""
