"""Errors as responses, in the dialect of whoever asked.

Only what an endpoint is expected to raise is told to the client; anything else is logged and answered as an internal
error.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from quart import Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from ccproxy_trio.dialects import anthropic, openai
from ccproxy_trio.dialects.failures import Failure, InvalidRequest
from ccproxy_trio.dialects.json_body import shorten

from .failures import EXPECTED, describe, failure_of
from .transport import TOO_MANY, without_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quart_trio import QuartTrio

log = logging.getLogger("ccproxy_trio.server")
_requests_log = logging.getLogger("ccproxy_trio.requests")

_OPENAI_PATHS = ("/openai/", "/v1/chat/", "/v1/responses")
_MESSAGES_PATHS = ("/v1/messages",)

_REFUSALS = {
    400: "this is no request of HTTP/1.0 or HTTP/1.1, or its target is no path",
    431: "the request's head is larger than this server takes",
    501: "this server offers no upgrade to WebSocket, and takes no encoded transfers but chunked ones",
    505: "this server speaks HTTP/1.1 and HTTP/1.0 only",
    TOO_MANY: "this server has as many connections as it takes",
}
_SOON = 1.0

transport_refusals: Final = Counter(dict.fromkeys(_REFUSALS, 0))
"""How often `refuse` gave each status. Of the process, as the transport is, whichever application is behind it."""
_HTTP_ERRORS = {
    404: "this server has no such endpoint",
    405: "this endpoint does not take this method",
    408: "the request's body did not arrive in time",
    413: "the request's body is larger than this server takes",
}


def new_request_id() -> str:
    """An id for a request that upstream has given none."""
    return f"req_{uuid4().hex}"


def speaks_openai() -> bool:
    """Whether the request under way is in OpenAI's dialect; where both may have an endpoint, its headers tell."""
    return _speaks_openai(request.path, versioned="anthropic-version" in request.headers)


def _speaks_openai(path: str, *, versioned: bool) -> bool:
    if path.startswith(_OPENAI_PATHS):
        return True
    either = path.startswith("/v1/") and not path.startswith(_MESSAGES_PATHS)
    return either and not versioned


def refuse(
    status: int, path: str, headers: Iterable[tuple[str, str]]
) -> tuple[int, list[tuple[str, str]], bytes]:
    """The answer to what the transport lets no application see: status, headers and body. It is logged and counted.

    `path` and `headers` are the request's, as far as they are known.
    """
    request_id = new_request_id()
    transport_refusals[status] += 1
    _requests_log.info(
        "refused by the transport", extra={"request_id": request_id, "status": status, "outcome": "refused"}
    )
    wait = _SOON if status == TOO_MANY else None
    said = _REFUSALS.get(status, "this server does not take the request")
    failure = Failure(status, said, retry_after=wait)
    if _speaks_openai(path, versioned=any(name == "anthropic-version" for name, _ in headers)):
        return openai.error_response(failure, request_id)
    return anthropic.error_response(failure, request_id)


def register_errors(app: QuartTrio) -> None:
    """Have every error of the app's answered in the right shape."""
    for kind in EXPECTED:
        app.register_error_handler(kind, _expected)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


async def _expected(error: Exception) -> Response:
    failure = failure_of(error, g.limit.name)
    g.record.fail(error, failure.request_id)
    if failure.status >= 500:
        log.warning(
            "%s failed with %d: %s", failure.request_id or g.request_id, failure.status, describe(error)
        )
    return _render(error if isinstance(error, InvalidRequest) else failure)


async def _http_error(error: HTTPException) -> Response:
    g.record.fail(error)
    status = error.code or 500
    response = _render(
        Failure(status, f"{request.method} {shorten(request.path)}: {_HTTP_ERRORS.get(status, error.name)}")
    )
    if isinstance(error, MethodNotAllowed):
        response.headers["allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


async def _unexpected(error: Exception) -> Response:
    g.record.fail(error)
    log.error("%s failed", g.request_id, exc_info=without_words(error))
    return _render(failure_of(error))


def _conversation() -> str:
    return "input" if request.path.endswith("/responses") else "messages"


def _render(error: Failure | InvalidRequest) -> Response:
    if speaks_openai():
        status, headers, body = openai.error_response(error, g.request_id, _conversation())
    else:
        failure = error.failure if isinstance(error, InvalidRequest) else error
        status, headers, body = anthropic.error_response(failure, g.request_id)
    response = Response(body, status)
    response.headers.update(headers)
    return response
