"""The answer to POST /v1/responses: a response, or the events that make one up."""

from __future__ import annotations

from .shapes import (
    ANYTHING,
    COUNT,
    FLAG,
    NULL,
    OBJECT,
    TEXT,
    Json,
    array,
    either,
    event,
    nullable,
    obj,
    ref,
    words,
)

_STATUS = words("in_progress", "completed", "incomplete", "failed")
_ITEM_STATUS = words("in_progress", "completed", "incomplete")
_COUNTS = ("input_tokens", "output_tokens", "total_tokens")
_PIECES = (
    "response.output_item.added",
    "response.output_item.done",
    "response.content_part.added",
    "response.content_part.done",
    "response.output_text.delta",
    "response.output_text.done",
    "response.refusal.delta",
    "response.refusal.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
)
_WHOLES = ("created", "in_progress", "completed", "incomplete", "failed")


def _strict(keys: dict[str, Json]) -> Json:
    return obj(keys, *keys)


def _item(kind: str, **keys: Json) -> Json:
    return _strict({"id": TEXT, "type": words(kind), "status": _ITEM_STATUS, **keys})


_TEXT = _strict(
    {
        "type": words("output_text"),
        "text": TEXT,
        "annotations": array(ANYTHING, maxItems=0),
        "logprobs": array(ANYTHING, maxItems=0),
    }
)
_REFUSAL = _strict({"type": words("refusal"), "refusal": TEXT})
_SUMMARY = _strict({"type": words("summary_text"), "text": TEXT})
_USAGE = obj(
    {
        **dict.fromkeys(_COUNTS, COUNT),
        "input_tokens_details": _strict({"cached_tokens": COUNT, "cache_write_tokens": COUNT}),
        "output_tokens_details": _strict({"reasoning_tokens": COUNT}),
    },
    *_COUNTS,
)
_RESPONSE: dict[str, Json] = {
    "id": TEXT,
    "object": words("response"),
    "created_at": COUNT,
    "completed_at": nullable(COUNT),
    "status": _STATUS,
    "error": nullable(_strict({"code": TEXT, "message": TEXT})),
    "incomplete_details": nullable(_strict({"reason": words("max_output_tokens", "content_filter")})),
    "model": TEXT,
    "output": array(ref("ResponseOutput")),
    "service_tier": words("default", "priority", None),
    "usage": nullable(_USAGE),
}
_TOLD_AGAIN: dict[str, Json] = {
    "background": words(False),
    "instructions": nullable(TEXT),
    "max_output_tokens": nullable(COUNT),
    "max_tool_calls": nullable(COUNT),
    "metadata": OBJECT,
    "parallel_tool_calls": FLAG,
    "previous_response_id": NULL,
    "reasoning": OBJECT,
    "safety_identifier": nullable(TEXT),
    "store": words(False),
    "temperature": {"type": "number"},
    "text": OBJECT,
    "tool_choice": either(TEXT, OBJECT),
    "tools": array(OBJECT),
    "top_logprobs": words(0),
    "top_p": {"type": "number"},
    "truncation": words("disabled"),
    "user": nullable(TEXT),
}
_NUMBERED = {"sequence_number": COUNT}

RESPONSE_ANSWER_SCHEMAS: dict[str, Json] = {
    "ResponseOutput": either(
        _item("message", role=words("assistant"), content=array(either(_TEXT, _REFUSAL))),
        _item("function_call", call_id=TEXT, name=TEXT, arguments=TEXT),
        _item("reasoning", summary=array(_SUMMARY), encrypted_content=nullable(TEXT)),
    ),
    "Response": _strict(_RESPONSE | _TOLD_AGAIN),
    "ResponseEvent": either(
        _strict(
            {
                "type": words(*(f"response.{name}" for name in _WHOLES)),
                "response": ref("Response"),
                **_NUMBERED,
            }
        ),
        obj(
            {"type": words(*_PIECES), "output_index": COUNT, **_NUMBERED},
            *("type", "output_index", "sequence_number"),
            more=True,
        ),
        obj({"type": words("error"), "message": TEXT, **_NUMBERED}, "type", "message", more=True),
    ),
}

RESPONSE_EVENT = event(ref("ResponseEvent"))
"""One event of the stream; the data's `type` is the event's name, too."""
