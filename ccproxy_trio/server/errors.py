"""Errors as responses, in the dialect of whoever asked.

Only what an endpoint is expected to raise is told to the client; anything else is logged and answered as an internal
error.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from quart import Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from ccproxy_trio.dialects import anthropic, openai
from ccproxy_trio.dialects.failures import Failure, InvalidRequest
from ccproxy_trio.dialects.json_body import shorten

from .failures import EXPECTED, failure_of

if TYPE_CHECKING:
    from quart_trio import QuartTrio

log = logging.getLogger("ccproxy_trio.server")

_OPENAI_PATHS = ("/openai/", "/v1/chat/", "/v1/responses")
_MESSAGES_PATHS = ("/v1/messages",)

_HTTP_ERRORS = {
    404: "this server has no such endpoint",
    405: "this endpoint does not take this method",
    408: "the request's body did not arrive in time",
    413: "the request's body is larger than this server takes",
}


def speaks_openai() -> bool:
    """Whether the request under way is in OpenAI's dialect; where both may have an endpoint, its headers tell."""
    if request.path.startswith(_OPENAI_PATHS):
        return True
    either = request.path.startswith("/v1/") and not request.path.startswith(_MESSAGES_PATHS)
    return either and "anthropic-version" not in request.headers


def register_errors(app: QuartTrio) -> None:
    """Have every error of the app's answered in the right shape."""
    for kind in EXPECTED:
        app.register_error_handler(kind, _expected)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


async def _expected(error: Exception) -> Response:
    failure = failure_of(error)
    if failure.status >= 500:
        log.warning(
            "%s failed with %d: %s", failure.request_id or g.request_id, failure.status, failure.message
        )
    return _render(error if isinstance(error, InvalidRequest) else failure)


async def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    response = _render(
        Failure(status, f"{request.method} {shorten(request.path)}: {_HTTP_ERRORS.get(status, error.name)}")
    )
    if isinstance(error, MethodNotAllowed):
        response.headers["allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


async def _unexpected(error: Exception) -> Response:
    log.error("%s failed", g.request_id, exc_info=error)
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
