"""The items of the input of POST /v1/responses."""

from __future__ import annotations

from .openai_shapes import DATA, NO_FILE, WEB_OR_DATA, part
from .shapes import (
    ANYTHING,
    NULL,
    SAID,
    SAID_OR_EMPTY,
    TEXT,
    Json,
    array,
    either,
    nullable,
    nullables,
    obj,
    words,
)

_LABELS: dict[str, Json] = nullables({"id": TEXT, "status": TEXT})
_DIRECT: dict[str, Json] = {
    "caller": nullable(obj({"type": words("direct")}, "type", more=True)),
    "namespace": NULL,
}


def response_item() -> Json:
    """One item."""
    texts = either(SAID_OR_EMPTY, array(_text(SAID)))
    said = either(TEXT, array(either(_output_text(), part("refusal", {"refusal": TEXT}, "refusal"))))
    return either(
        _message("user", content=either(SAID, array(either(_text(SAID), *_media()), minItems=1))),
        _message("assistant", content=said),
        _message("system", "developer", content=texts),
        _function_call(),
        _output(),
        _reasoning(),
    )


def _message(*roles: str, content: Json) -> Json:
    return obj(
        {
            "type": words("message", None),
            **_LABELS,
            "role": words(*roles),
            "content": content,
            "phase": words("commentary", "final_answer", None),
        },
        *("role", "content"),
    )


def _text(text: Json) -> Json:
    return part("input_text", {"text": text}, "text")


def _media() -> tuple[Json, ...]:
    image = {
        "image_url": WEB_OR_DATA,
        "file_id": NO_FILE,
        "detail": words("auto", "low", "high", "original", None),
    }
    file = {"file_id": NO_FILE, "filename": nullable(TEXT), "detail": words("auto", "low", "high", None)}
    return (
        part("input_image", image, "image_url"),
        part("input_file", {**file, "file_data": DATA, "file_url": NULL}, "file_data"),
        part("input_file", {**file, "file_url": TEXT, "file_data": NULL}, "file_url"),
    )


def _output_text() -> Json:
    kept = nullables({"annotations": array(ANYTHING), "logprobs": array(ANYTHING)})
    return part("output_text", {"text": TEXT, **kept, "parsed": ANYTHING}, "text")


def _function_call() -> Json:
    return obj(
        {
            "type": words("function_call"),
            **_LABELS,
            **dict.fromkeys(("call_id", "name", "arguments"), TEXT),
            "parsed_arguments": ANYTHING,
            "async": words(False, None),
            **_DIRECT,
        },
        *("type", "call_id", "name", "arguments"),
    )


def _output() -> Json:
    return obj(
        {
            "type": words("function_call_output"),
            **_LABELS,
            "call_id": TEXT,
            "output": either(TEXT, array(either(_text(TEXT), *_media()))),
            "name": ANYTHING,
            **_DIRECT,
        },
        *("type", "call_id", "output"),
    )


def _reasoning() -> Json:
    words_of_it = nullables(
        {"summary": array(ANYTHING), "content": array(ANYTHING), "encrypted_content": TEXT}
    )
    return obj({"type": words("reasoning"), **_LABELS, **words_of_it}, "type")
