"""The answer to POST /v1/messages: a message, or the events that make one up.

Both are upstream's own, so that there may be more kinds of blocks, keys and events than are named here.
"""

from __future__ import annotations

from .shapes import COUNT, OBJECT, TEXT, Json, array, either, event, nullable, obj, ref, refs, words

_TEXT = obj({"type": words("text"), "text": TEXT}, "type", "text", more=True)
_THINKING = obj(
    {"type": words("thinking"), "thinking": TEXT, "signature": TEXT},
    "type",
    "thinking",
    "signature",
    more=True,
)
_REDACTED = obj({"type": words("redacted_thinking"), "data": TEXT}, "type", "data", more=True)
_TOOL_USE = obj(
    {"type": words("tool_use"), "id": TEXT, "name": TEXT, "input": OBJECT},
    *("type", "id", "name", "input"),
    more=True,
)
_NAMED = ("text", "thinking", "redacted_thinking", "tool_use")

_INDEX = {"index": COUNT}
_EVENTS: dict[str, Json] = {
    "message_start": {"message": ref("BegunMessage")},
    "content_block_start": {**_INDEX, "content_block": ref("AnswerBlock")},
    "content_block_delta": {**_INDEX, "delta": obj({"type": TEXT}, "type", more=True)},
    "content_block_stop": _INDEX,
    "message_delta": {"delta": OBJECT, "usage": OBJECT},
    "message_stop": {},
    "ping": {},
}


def _message(stop_reason: Json) -> Json:
    return obj(
        {
            "id": TEXT,
            "type": words("message"),
            "role": words("assistant"),
            "model": TEXT,
            "content": array(ref("AnswerBlock")),
            "stop_reason": stop_reason,
            "stop_sequence": nullable(TEXT),
            "usage": obj(
                {"input_tokens": COUNT, "output_tokens": COUNT}, "input_tokens", "output_tokens", more=True
            ),
        },
        *("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"),
        more=True,
    )


def _other(*known: str) -> Json:
    return obj({"type": {**TEXT, "not": {"enum": list(known)}}}, "type", more=True)


ANSWER_SCHEMAS: dict[str, Json] = {
    "AnswerBlock": either(_TEXT, _THINKING, _REDACTED, _TOOL_USE, _other(*_NAMED)),
    "Message": _message(TEXT),
    "BegunMessage": _message(nullable(TEXT)),
    "MessageEvent": either(
        *(obj({"type": words(name), **keys}, "type", *keys, more=True) for name, keys in _EVENTS.items()),
        ref("MessagesError"),
        _other(*_EVENTS, "error"),
    ),
}

MESSAGE_EVENT = event(refs(["MessageEvent"]))
"""One event of the stream; the data's `type` is the event's name, too."""
