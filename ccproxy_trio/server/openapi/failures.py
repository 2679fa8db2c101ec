"""What may go wrong with a request, as components of the document: each status in each dialect, with an example.

The statuses are the dialects' own tables; the examples are what the dialects render.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import orjson

from ccproxy_trio.dialects import anthropic, openai
from ccproxy_trio.dialects.anthropic.errors import TYPES
from ccproxy_trio.dialects.failures import Failure

from .shapes import ANYTHING, TEXT, Json, either, nullable, obj, ref, words

if TYPE_CHECKING:
    from collections.abc import Iterable

Dialect: TypeAlias = Literal["Messages", "OpenAI", "Either"]
"""Whose errors an endpoint speaks: either where the request's headers tell."""

_MEANINGS = {
    400: "What is wrong with the request, and where.",
    401: "There is no key in the request, or it is not valid.",
    402: "Upstream's bill is not paid.",
    403: "Who asks may not: another machine, a web page, or a key that is not for this model.",
    404: "There is no such model, or no such endpoint.",
    408: "The body did not arrive in time.",
    409: "Upstream tells of a conflict.",
    413: "The body, or the request upstream, is too large.",
    429: "Too many requests: of this key, or upstream.",
    431: "The request's head is too large.",
    500: "A mistake of this server, or of the upstream API.",
    501: "An upgrade to WebSocket, or a transfer encoding that is not chunked.",
    502: "The CLI or the upstream API gave no answer that makes sense.",
    503: "The server, or the upstream API, has more to do than it can.",
    504: "There was no answer in time.",
    505: "Neither HTTP/1.0 nor HTTP/1.1.",
    529: "The server, or the upstream API, has more to do than it can.",
}

ANYWHERE = (400, 403, 431, 500, 501, 505, 529)
"""Failures that any request may end with, in the Messages API's use of statuses: 529 is "overloaded"."""
WITH_KEYS = (401,)
WITH_LIMITS = (429,)
WITH_BODY = (408, 413)
UPSTREAM = tuple(TYPES)
"""Failures that the upstream API names, and those of the way there."""
OTHERS = {"4XX": 499, "5XX": 599}
"""Statuses that upstream may have and that no table names are passed on; the numbers are for the examples."""

SCHEMAS: dict[str, Json] = {
    "MessagesError": obj(
        {
            "type": words("error"),
            "error": obj(
                {
                    "type": {
                        "type": "string",
                        "description": f"Upstream's own, or by status: {', '.join(sorted(set(TYPES.values())))}.",
                    },
                    "message": TEXT,
                    "details": ANYTHING,
                },
                *("type", "message"),
            ),
            "request_id": TEXT,
        },
        *("type", "error", "request_id"),
    ),
    "OpenAIError": obj(
        {
            "error": obj(
                {"message": TEXT, "type": TEXT, "param": nullable(TEXT), "code": nullable(TEXT)},
                *("message", "type", "param", "code"),
            )
        },
        "error",
    ),
}

_RETRY_AFTER: Json = {
    "schema": {"type": "integer", "minimum": 0},
    "description": "Seconds, where they are known.",
}
_REQUEST_ID: Json = {"schema": TEXT, "description": "The request's id, upstream's own if it has one."}
_TIMING: Json = {
    "schema": TEXT,
    "description": "Server-Timing: the stages so far (queue, prepare, history, turn, relay) and the total, in ms.",
}
IGNORED: Json = {
    "schema": TEXT,
    "description": "The paths of what in the request has no effect, with commas between them.",
}
_DEMO: Json = {"schema": words("true"), "description": "The answer is the built-in stand-in's."}


def answer_headers(dialect: Dialect, *, demo: bool) -> dict[str, Json]:
    """What the head of every answer tells."""
    required: Json = {**_REQUEST_ID, "required": True}
    ids = {
        "Messages": {"request-id": required},
        "OpenAI": {"x-request-id": required},
        "Either": {"request-id": _REQUEST_ID, "x-request-id": _REQUEST_ID},
    }[dialect]
    return {**ids, "server-timing": _TIMING, **({"x-ccproxy-demo": _DEMO} if demo else {})}


def failures(dialect: Dialect, statuses: Iterable[int], *, others: bool) -> dict[str, Json]:
    """The responses of an operation that may fail in these ways, by status."""
    told = {str(status): name for each in statuses for status, name in _components(dialect, each)}
    found = {status: {"$ref": f"#/components/responses/{told[status]}"} for status in sorted(told)}
    names = OTHERS if others else ()
    return found | {each: {"$ref": f"#/components/responses/{dialect}{each}"} for each in names}


def failure_responses(*, demo: bool) -> dict[str, Json]:
    """The components that `failures` refers to."""
    every = sorted({*ANYWHERE, *WITH_KEYS, *WITH_LIMITS, *WITH_BODY, *UPSTREAM})
    found: dict[str, Json] = {}
    dialects: tuple[Dialect, ...] = ("Messages", "OpenAI", "Either")
    for dialect in dialects:
        for failure in every:
            for status, name in _components(dialect, failure):
                said = _MEANINGS[status]
                found.setdefault(name, _response(dialect, Failure(failure, said), said, demo=demo))
        for name, status in OTHERS.items():
            said = "A failure that upstream tells and that has no row of its own."
            found[f"{dialect}{name}"] = _response(dialect, Failure(status, said), said, demo=demo)
    return found


def _components(dialect: Dialect, status: int) -> list[tuple[int, str]]:
    """Which statuses this one of the Messages API is in the dialect, and the names of their components."""
    translated = openai.error_kind(Failure(status, "")).status
    told = {"Messages": {status}, "OpenAI": {translated}, "Either": {status, translated}}[dialect]
    return [(each, f"{dialect}{each}") for each in told]


def _response(dialect: Dialect, failure: Failure, said: str, *, demo: bool) -> Json:
    bodies: dict[str, Json] = {}
    if dialect != "OpenAI":
        bodies["MessagesError"] = orjson.loads(anthropic.error_response(failure, "req_1")[2])
    if dialect != "Messages":
        bodies["OpenAIError"] = orjson.loads(openai.error_response(failure)[2])
    headers = answer_headers(dialect, demo=demo) | {"x-ccproxy-ignored": IGNORED}
    if failure.status in {429, 503, 529}:
        headers["retry-after"] = _RETRY_AFTER
    if failure.status == 401:
        headers["www-authenticate"] = {"schema": words("Bearer"), "description": "By this server's own 401."}
    content = {
        "schema": either(*map(ref, bodies)),
        "examples": {name: {"value": body} for name, body in bodies.items()},
    }
    return {"description": said, "headers": headers, "content": {"application/json": content}}
