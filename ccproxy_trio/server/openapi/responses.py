"""POST /v1/responses: what it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccproxy_trio.dialects.openai.parameters import EFFORTS
from ccproxy_trio.dialects.openai.responses.fields import CARRIED, KEPT, UNSUPPORTED, WITHOUT_EFFECT
from ccproxy_trio.dialects.openai.responses.settings import (
    EMPTY_INCLUDES,
    ENCRYPTED,
    LOGPROBS,
    MOST_METADATA,
)
from ccproxy_trio.dialects.openai.responses.tools import EXTRAS

from .openai_shapes import FUNCTION, OUTPUT_SCHEMA, always_refused, not_carried, shared_parameters
from .operations import json_body, streamed_answer
from .response_answers import RESPONSE_ANSWER_SCHEMAS, RESPONSE_EVENT
from .response_items import response_item
from .shapes import (
    FLAG,
    MODEL,
    SAID,
    SAID_OR_EMPTY,
    SOME,
    TEXT,
    TOOL_NAME,
    Json,
    array,
    either,
    nullables,
    obj,
    ref,
    words,
)

if TYPE_CHECKING:
    from .operations import Server

_SAID = """
OpenAI's Responses API, over the same models. Nothing is stored: each request brings its whole conversation. Beside
what the schema says, a request is refused where its translation into a message would be: a last word of the
assistant's, a call without its output, arguments that are no JSON object.
"""
_HELLO: Json = {"model": "sonnet", "input": "Hello, pool!"}


def response_operations(server: Server) -> dict[str, Json]:
    """By path."""
    return server.describe_openai(
        *("/responses", "Ask for a response", "createResponse"),
        streamed_answer(ref("Response"), RESPONSE_EVENT),
        tag="responses",
        said=_SAID,
        body=json_body(ref("ResponseRequest"), **_examples()),
    )


def response_schemas(server: Server) -> dict[str, Json]:
    """The components."""
    return {
        **RESPONSE_ANSWER_SCHEMAS,
        "ResponseItem": response_item(),
        "ResponseTool": _tool(leaves_out=server.leaves_out),
        "ResponseRequest": _request(leaves_out=server.leaves_out),
    }


def _examples() -> dict[str, Json]:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    function = {"type": "function", "name": "get_weather", "parameters": schema}
    call = {"call_id": "call_1", "name": "get_weather", "arguments": '{"city": "Oslo"}'}
    round_of_calls: list[Json] = [
        {"role": "user", "content": "Is it cold in Oslo?"},
        {"type": "function_call", **call},
        {"type": "function_call_output", "call_id": "call_1", "output": "-3 °C"},
    ]
    return {
        "hello": _HELLO,
        "stream": {**_HELLO, "stream": True, "instructions": "Be brief."},
        "function": {**_HELLO, "tools": [function], "tool_choice": "required"},
        "output": {**_HELLO, "tools": [function], "input": round_of_calls},
    }


def _request(*, leaves_out: bool) -> Json:
    includes = (ENCRYPTED, *EMPTY_INCLUDES, *((LOGPROBS,) if leaves_out else ()))
    shapes = nullables(
        shared_parameters(leaves_out=leaves_out)
        | {
            "include": array(words(*includes)),
            "instructions": SAID_OR_EMPTY,
            "max_output_tokens": SOME,
            "max_tool_calls": SOME,
            "metadata": {"type": "object", "additionalProperties": TEXT, "maxProperties": MOST_METADATA},
            "reasoning": _reasoning(leaves_out=leaves_out),
            "stream_options": obj(nullables({"include_obfuscation": FLAG})),
            "text": _text(leaves_out=leaves_out),
            "tool_choice": _tool_choice(),
            "tools": array(ref("ResponseTool")),
        }
    )
    shapes |= {"model": MODEL, "input": either(SAID, array(ref("ResponseItem"), minItems=1))}
    return obj(
        {name: shapes[name] for name in sorted(CARRIED)}
        | not_carried(UNSUPPORTED, refused=not leaves_out)
        | not_carried(WITHOUT_EFFECT, refused=False)
        | always_refused(KEPT),
        *("model", "input"),
    )


def _reasoning(*, leaves_out: bool) -> Json:
    length = words("auto", "concise", "detailed")
    return obj(
        nullables(
            {
                "effort": words(*EFFORTS),
                "summary": length,
                "generate_summary": length,
                "context": words("auto", "current_turn", "all_turns"),
                "mode": TEXT if leaves_out else words("standard"),
            }
        )
    )


def _text(*, leaves_out: bool) -> Json:
    formats = either(
        obj({"type": words("text", "json_object")}, "type"),
        obj({"type": words("json_schema"), **OUTPUT_SCHEMA}, "type", "name", "schema"),
    )
    verbosity = words("low", "medium", "high") if leaves_out else words("medium")
    return obj(nullables({"format": formats, "verbosity": verbosity}))


def _tool(*, leaves_out: bool) -> Json:
    extras = not_carried(EXTRAS, refused=not leaves_out)
    return obj({"type": words("function"), **FUNCTION, **extras}, "type", "name")


def _tool_choice() -> Json:
    named = obj({"type": words("function"), "name": TOOL_NAME}, "type", "name")
    allowed = obj(
        {
            "type": words("allowed_tools"),
            "mode": words("auto", "required"),
            "tools": array(named, minItems=1),
        },
        *("type", "mode", "tools"),
    )
    return either(words("none", "auto", "required"), named, allowed)
