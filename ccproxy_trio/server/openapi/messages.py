"""POST /v1/messages and POST /v1/messages/count_tokens: what they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccproxy_trio.dialects.anthropic.count_tokens import NEUTRAL, WITHOUT_EFFECT
from ccproxy_trio.dialects.anthropic.known import (
    CLIENT_TOOLS,
    NULLABLE_FIELDS,
    SERVER_TOOLS,
    UNSUPPORTED_FIELDS,
)
from ccproxy_trio.dialects.anthropic.request import FIELDS

from .blocks import block_schemas, system_content
from .message_answers import ANSWER_SCHEMAS, MESSAGE_EVENT
from .operations import json_answer, json_body, streamed_answer
from .shapes import (
    ANYTHING,
    COUNT,
    FLAG,
    FRACTION,
    MODEL,
    NULL,
    OBJECT,
    SOME,
    TEXT,
    TOOL_NAME,
    Json,
    array,
    either,
    nullable,
    obj,
    ref,
    said,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .operations import Server

BETA: Json = {
    "name": "anthropic-beta",
    "in": "header",
    "description": "Names of betas, with commas between them.",
    "schema": {"type": "string", "pattern": r"^(\s*[A-Za-z0-9_.-]{0,100}\s*(,|$))*$"},
}
VERSION: Json = {
    "name": "anthropic-version",
    "in": "header",
    "description": "There is one version.",
    "schema": {"type": "string", "examples": ["2023-06-01"]},
}

_REFUSED = """
Beside what the schema says, a request is refused where the CLI behind this server could not carry it as it stands:
a last message of the assistant's, a call without its result, an image that is none, a number that a double does not
hold, an integer written as `1.0`, a key twice in one object. The message then begins with the path of what is wrong.
"""
_HELLO: Json = {"model": "sonnet", "messages": [{"role": "user", "content": "Hello, pool!"}]}
_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_WEATHER: Json = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def message_operations(server: Server) -> dict[str, Json]:
    """Both, by path."""
    create = server.describe(
        *("Ask for a message", "createMessage", "Messages"),
        streamed_answer(ref("Message"), MESSAGE_EVENT),
        tag="messages",
        said=f"Anthropic's Messages API.\n{_REFUSED}\n{_unsupported()}",
        body=json_body(ref("MessageRequest"), **_examples()),
        parameters=[VERSION, BETA],
        upstream=True,
    )
    count = server.describe(
        *("Count a message's tokens", "countTokens", "Messages"),
        json_answer(obj({"input_tokens": COUNT}, "input_tokens")),
        tag="messages",
        said=f"Counts messages and a system prompt; what would change the count beside them is refused.\n{_REFUSED}",
        body=json_body(ref("CountRequest"), hello=_HELLO, system={**_HELLO, "system": "Be brief."}),
        parameters=[VERSION, BETA],
        upstream=True,
    )
    return {"/v1/messages": {"post": create}, "/v1/messages/count_tokens": {"post": count}}


def message_schemas(server: Server) -> dict[str, Json]:
    """The components."""
    return {
        **block_schemas(),
        **ANSWER_SCHEMAS,
        "InputMessage": either(
            *(
                obj({"role": words(role), "content": ref(content)}, "role", "content")
                for role, content in (("user", "UserContent"), ("assistant", "AssistantContent"))
            )
        ),
        "Tool": _tool(server.allowed_tools),
        "MessageRequest": _request(),
        "CountRequest": _count_request(),
    }


def _examples() -> dict[str, Json]:
    asked: Json = {"max_tokens": 1000, **_HELLO}
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _PNG}}
    call = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "-3 °C"}
    round_of_tools: list[Json] = [
        {"role": "user", "content": "Is it cold in Oslo?"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    return {
        "hello": asked,
        "stream": {**asked, "stream": True},
        "system": {**asked, "system": [{"type": "text", "text": "Be brief."}], "temperature": 0.5},
        "image": {**asked, "messages": [{"role": "user", "content": [image]}]},
        "tool": {**asked, "tools": [_WEATHER], "tool_choice": {"type": "any"}},
        "tool_result": {**asked, "tools": [_WEATHER], "messages": round_of_tools},
    }


def _unsupported() -> str:
    told = "\n".join(f"* `{name}`: {why}" for name, why in UNSUPPORTED_FIELDS.items())
    return f"Fields that this server does not support, and why:\n\n{told}"


def _request() -> Json:
    shapes = {
        "model": MODEL,
        "messages": array(ref("InputMessage"), minItems=1),
        "max_tokens": SOME,
        "system": system_content(),
        "stream": FLAG,
        "tools": array(ref("Tool")),
        "tool_choice": _tool_choice(),
        "cache_control": ref("CacheControl"),
        "context_management": said(OBJECT, "Needs its beta."),
        "diagnostics": OBJECT,
        "inference_geo": TEXT,
        "metadata": obj({"user_id": nullable(TEXT)}),
        "output_config": obj({"effort": nullable(TEXT), "format": nullable(_output_format())}, more=True),
        "output_format": said(_output_format(), "The older name of `output_config.format`."),
        "service_tier": words("auto", "standard_only"),
        "speed": said(TEXT, "Needs its beta."),
        "stop_sequences": array(said({"type": "string", "pattern": r"\S"}, "Not white space alone.")),
        "temperature": FRACTION,
        "thinking": _thinking(),
        "top_k": COUNT,
        "top_p": FRACTION,
    }
    carried = {
        name: nullable(shapes[name]) if name in NULLABLE_FIELDS else shapes[name] for name in sorted(FIELDS)
    }
    refused = {name: said(NULL, why) for name, why in UNSUPPORTED_FIELDS.items() if name in NULLABLE_FIELDS}
    return obj(carried | refused, "model", "messages", "max_tokens")


def _count_request() -> Json:
    neutral: dict[str, Json] = {
        "context_management": NULL,
        "mcp_servers": words([]),
        "output_config": obj({}, more=NULL),
        "output_format": NULL,
        "speed": words("standard", None),
        "thinking": words({"type": "disabled"}),
        "tool_choice": words({"type": "none"}),
        "tools": words([]),
    }
    shapes = {"model": MODEL, "messages": array(ref("InputMessage"), minItems=1), "system": system_content()}
    uncounted = {name: said(neutral[name], "Cannot be counted.") for name in NEUTRAL}
    return obj({**shapes, **uncounted, **_each(sorted(WITHOUT_EFFECT), ANYTHING)}, "model", "messages")


def _each(names: Iterable[str], shape: Json) -> dict[str, Json]:
    return dict.fromkeys(names, shape)


def _output_format() -> Json:
    return obj({"type": words("json_schema"), "schema": OBJECT}, "type", "schema", more=True)


def _thinking() -> Json:
    budget = {"type": "integer", "minimum": 1024}
    return either(
        obj({"type": words("enabled"), "budget_tokens": budget}, "type", "budget_tokens", more=True),
        obj({"type": words("disabled")}, "type"),
        obj({"type": words("adaptive", "between_tools"), "budget_tokens": budget}, "type", more=True),
    )


def _tool_choice() -> Json:
    alone = {"disable_parallel_tool_use": FLAG}
    return either(
        obj({"type": words("auto", "any", "none"), **alone}, "type", more=True),
        obj({"type": words("tool"), "name": TEXT, **alone}, "type", "name", more=True),
    )


def _tool(allowed: Iterable[str]) -> Json:
    callers = array(words("direct"))
    own = obj(
        {
            "type": words("custom", None),
            "name": TOOL_NAME,
            "description": TEXT,
            "input_schema": obj({"type": words("object")}, "type", more=True),
            "allowed_callers": callers,
        },
        *("name", "input_schema"),
        more=True,
        said="A tool of the client's own.",
    )
    given = obj(
        {"type": _dated(CLIENT_TOOLS), "name": TEXT, "allowed_callers": callers},
        "type",
        more=True,
        said="A tool that Anthropic defined and the client runs.",
    )
    families = SERVER_TOOLS.intersection(allowed)
    run = obj({"type": _dated(families), "name": TEXT}, "type", more=True, said="A tool that upstream runs.")
    return either(own, given, *([run] if families else []))


def _dated(families: Iterable[str]) -> Json:
    return {"type": "string", "pattern": f"^({'|'.join(sorted(families))})(_[0-9]{{8}})?$"}
