"""A failure as OpenAI's API would say it: as a whole response, or as an `error` object in a stream already begun.

The statuses are those by which the official client picks its exceptions. Two differ from the Messages API's: 529
(overloaded) is 503, and 402 (billing) is 429 with the code `insufficient_quota`. The codes are those that programs
look for.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import orjson
from attrs import frozen

from ccproxy_trio.dialects.failures import Failure, InvalidRequest
from ccproxy_trio.dialects.openai.places import Unsupported

Told: TypeAlias = Failure | InvalidRequest
"""What can be told to a client: what failed, or what is wrong with its request."""


@frozen
class ErrorKind:
    """How OpenAI's API calls an error."""

    status: int
    type: str
    code: str | None = None
    param: str | None = None


_REQUEST = "invalid_request_error"
_QUOTA = ErrorKind(429, "insufficient_quota", "insufficient_quota")
_OVERLOADED = ErrorKind(503, "server_error", "server_is_overloaded")
_KINDS = {
    401: ErrorKind(401, _REQUEST, "invalid_api_key"),
    402: _QUOTA,
    403: ErrorKind(403, _REQUEST, "insufficient_permissions"),
    429: ErrorKind(429, "rate_limit_error", "rate_limit_exceeded"),
    529: _OVERLOADED,
}
_SOON = {429: "5", 503: "1"}
"""Seconds after which to try again where nobody has said when: the CLI keeps upstream's word on it."""

_NO_MODEL = ErrorKind(404, _REQUEST, "model_not_found", "model")
_MODEL = re.compile(r"model: (.*)", re.DOTALL)
_LENGTH = re.compile(r"prompt is too long|input length and `max_tokens` exceed context limit")


def error_kind(error: Told, conversation: str = "messages") -> ErrorKind:
    """The status, type, code and parameter that a client of OpenAI's API sees.

    `conversation` is the parameter that the conversation stands in.
    """
    if isinstance(error, InvalidRequest):
        return ErrorKind(400, _REQUEST, _code(error), error.field or None)
    if error.status == 404 and _MODEL.match(error.message):
        return _NO_MODEL
    if error.status == 400 and _LENGTH.match(error.message):
        return ErrorKind(400, _REQUEST, "context_length_exceeded", conversation)
    if error.kind == "billing_error":
        return _QUOTA
    if error.kind == "overloaded_error":
        return _OVERLOADED
    default = _REQUEST if error.status < 500 else "server_error"
    return _KINDS.get(error.status) or ErrorKind(error.status, default)


def error_response(
    error: Told, request_id: str | None = None, conversation: str = "messages"
) -> tuple[int, list[tuple[str, str]], bytes]:
    """The status, headers and body of a response that tells of `error`.

    `request_id` is this server's own id for the request: used where upstream gave none. `conversation` is the
    parameter that the conversation stands in.
    """
    failure = error.failure if isinstance(error, InvalidRequest) else error
    headers = [("content-type", "application/json")]
    if (request_id := failure.request_id or request_id) is not None:
        headers.append(("x-request-id", request_id))
    kind = error_kind(error, conversation)
    soon = None if kind is _QUOTA else _SOON.get(kind.status)
    if (retry_after := failure.retry_after_header() or soon) is not None:
        headers.append(("retry-after", retry_after))
    return kind.status, headers, _body(error, kind)


def error_chunk(error: Told) -> bytes:
    """What ends a stream which `error` has cut: the official client raises it. No `[DONE]` comes after it."""
    return b"data: %b\n\n" % _body(error, error_kind(error))


def _code(error: InvalidRequest) -> str | None:
    return "unsupported_parameter" if isinstance(error, Unsupported) else None


def _body(error: Told, kind: ErrorKind) -> bytes:
    text = str(error) if isinstance(error, InvalidRequest) else error.message
    if kind is _NO_MODEL and (named := _MODEL.match(text)):
        text = f"The model `{named[1]}` does not exist, or this server has no access to it."
    # A message may quote what a process wrote, and so hold surrogates that are no UTF-8.
    message = text.encode(errors="replace").decode()
    return orjson.dumps(
        {"error": {"message": message, "type": kind.type, "param": kind.param, "code": kind.code}}
    )
