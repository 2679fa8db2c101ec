"""POST /v1/chat/completions: what it is asked, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccproxy_trio.dialects.openai.fields import CARRIED, REPLACED, UNSUPPORTED, WITHOUT_EFFECT
from ccproxy_trio.dialects.openai.parameters import EFFORTS, MOST_STOPS

from .chat_answers import CHAT_ANSWER_SCHEMAS, CHUNK
from .openai_shapes import (
    DATA,
    FUNCTION,
    NO_FILE,
    OUTPUT_SCHEMA,
    WEB_OR_DATA,
    always_refused,
    not_carried,
    part,
    shared_parameters,
)
from .operations import json_body, streamed_answer
from .shapes import (
    ANYTHING,
    FLAG,
    MODEL,
    NULL,
    SAID,
    SAID_OR_EMPTY,
    SOME,
    TEXT,
    TOOL_NAME,
    Json,
    array,
    either,
    nullable,
    nullables,
    obj,
    ref,
    words,
)

if TYPE_CHECKING:
    from .operations import Server

_SAID = """
OpenAI's Chat Completions API, over the same models. Beside what the schema says, a request is refused where its
translation into a message would be: a last message of the assistant's, a call without its result, arguments that are
no JSON object.
"""
_HELLO: Json = {"model": "sonnet", "messages": [{"role": "user", "content": "Hello, pool!"}]}


def chat_operations(server: Server) -> dict[str, Json]:
    """By path."""
    return server.describe_openai(
        *("/chat/completions", "Ask for a chat completion", "createChatCompletion"),
        streamed_answer(ref("ChatCompletion"), CHUNK),
        tag="chat",
        said=_SAID,
        body=json_body(ref("ChatRequest"), **_examples()),
    )


def chat_schemas(server: Server) -> dict[str, Json]:
    """The components."""
    return {
        **CHAT_ANSWER_SCHEMAS,
        "ChatMessage": either(
            *(_message(role, _texts(SAID_OR_EMPTY, SAID)) for role in ("system", "developer")),
            _message("user", either(SAID, array(_user_part(), minItems=1))),
            _assistant(),
            _message("tool", _texts(TEXT, TEXT), tool_call_id=TEXT),
        ),
        "ChatTool": obj({"type": words("function"), "function": obj(FUNCTION, "name")}, "type", "function"),
        "ChatRequest": _request(leaves_out=server.leaves_out),
    }


def _examples() -> dict[str, Json]:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    function = {"name": "get_weather", "parameters": schema}
    return {
        "hello": _HELLO,
        "stream": {**_HELLO, "stream": True, "stream_options": {"include_usage": True}},
        "tool": {**_HELLO, "tools": [{"type": "function", "function": function}], "tool_choice": "required"},
        "schema": {
            **_HELLO,
            "response_format": {"type": "json_schema", "json_schema": {"name": "city", "schema": schema}},
        },
    }


def _request(*, leaves_out: bool) -> Json:
    stop: Json = TEXT if leaves_out else {"type": "string", "pattern": r"\S"}
    shapes = nullables(
        shared_parameters(leaves_out=leaves_out)
        | {
            "max_completion_tokens": SOME,
            "max_tokens": SOME,
            "reasoning_effort": words(*EFFORTS),
            "response_format": _response_format(),
            "stop": either(stop, array(stop, maxItems=MOST_STOPS)),
            "stream_options": obj(nullables({"include_usage": FLAG, "include_obfuscation": FLAG})),
            "tool_choice": _tool_choice(),
            "tools": array(ref("ChatTool")),
        }
    )
    shapes |= {"model": MODEL, "messages": array(ref("ChatMessage"), minItems=1)}
    return obj(
        {name: shapes[name] for name in sorted(CARRIED)}
        | not_carried(UNSUPPORTED, refused=not leaves_out)
        | not_carried(WITHOUT_EFFECT, refused=False)
        | always_refused(REPLACED, "use "),
        *("model", "messages"),
    )


def _message(role: str, content: Json, **keys: Json) -> Json:
    return obj(
        {"role": words(role), "content": content, "name": nullable(TEXT), **keys}, "role", "content", *keys
    )


def _texts(alone: Json, inside: Json) -> Json:
    return either(alone, array(part("text", {"text": inside}, "text")))


def _user_part() -> Json:
    image = obj(
        {"url": WEB_OR_DATA, "detail": nullable(words("auto", "low", "high", "original"))},
        "url",
    )
    file = obj({"file_data": DATA, "file_id": NO_FILE, "filename": nullable(TEXT)}, "file_data")
    return either(
        part("text", {"text": SAID}, "text"),
        part("image_url", {"image_url": image}, "image_url"),
        part("file", {"file": file}, "file"),
    )


def _assistant() -> Json:
    content = either(
        TEXT,
        array(either(part("text", {"text": TEXT}, "text"), part("refusal", {"refusal": TEXT}, "refusal"))),
    )
    function = obj(
        {"name": TEXT, "arguments": TEXT, "parsed_arguments": ANYTHING},
        *("name", "arguments"),
    )
    call = obj(
        {"type": words("function"), "id": TEXT, "function": function, "index": ANYTHING},
        *("type", "id", "function"),
    )
    return obj(
        {
            "role": words("assistant"),
            **nullables({"content": content, "name": TEXT, "refusal": TEXT, "tool_calls": array(call)}),
            **dict.fromkeys(("audio", "function_call"), NULL),
            **dict.fromkeys(("annotations", "reasoning_content", "parsed"), ANYTHING),
        },
        "role",
    )


def _tool_choice() -> Json:
    named = obj({"type": words("function"), "function": obj({"name": TOOL_NAME}, "name")}, "type", "function")
    among = obj(
        {"mode": words("auto", "required"), "tools": array(named, minItems=1)},
        *("mode", "tools"),
    )
    allowed = obj({"type": words("allowed_tools"), "allowed_tools": among}, "type", "allowed_tools")
    return either(words("none", "auto", "required"), named, allowed)


def _response_format() -> Json:
    schema = obj(OUTPUT_SCHEMA, "name", "schema")
    return either(
        obj({"type": words("text", "json_object"), "json_schema": ANYTHING}, "type"),
        obj({"type": words("json_schema"), "json_schema": schema}, "type", "json_schema"),
    )
