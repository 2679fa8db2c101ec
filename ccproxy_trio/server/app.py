"""The Quart-Trio application: the routes, and what holds for all of them.

Every response carries a `request-id`; every error has the Anthropic API's shape. Only what an endpoint is expected to
raise is told to the client; anything else is logged and answered as an internal error.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import uuid4

from quart import Response, g, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from ccproxy_trio.dialects.anthropic.errors import error_response
from ccproxy_trio.dialects.failures import Failure

from .count_tokens import CountTokens
from .failures import EXPECTED, failure_of
from .messages import Messages
from .models import Models
from .ops import Ops
from .transport import RepairedHTTPConnection

if TYPE_CHECKING:
    from ccproxy_trio.claude_pool import ClaudePool
    from ccproxy_trio.settings import Settings

log = logging.getLogger("ccproxy_trio.server")

_MOST_TOLD = 4000
"""Characters of a header: a request may have thousands of marks that are ignored."""


def create_app(claude: ClaudePool, settings: Settings) -> QuartTrio:
    """The application over an open pool. It owns nothing: the pool must outlive it."""
    app = QuartTrio("ccproxy_trio", static_folder=None)
    app.asgi_http_class = RepairedHTTPConnection
    app.config["MAX_CONTENT_LENGTH"] = settings.server.max_body_size
    app.config["BODY_TIMEOUT"] = settings.server.body_timeout
    app.config["RESPONSE_TIMEOUT"] = None

    messages = Messages(claude, settings.server.ping_interval)
    count_tokens = CountTokens(claude)
    models = Models(claude)
    ops = Ops(claude, settings.pool_settings.enabled)
    app.add_url_rule("/v1/messages", view_func=messages.create, methods=["POST"], endpoint="messages")
    app.add_url_rule(
        "/v1/messages/count_tokens", view_func=count_tokens.count, methods=["POST"], endpoint="count_tokens"
    )
    app.add_url_rule("/v1/models", view_func=models.list, methods=["GET"], endpoint="models")
    app.add_url_rule("/v1/models/<path:name>", view_func=models.get, methods=["GET"], endpoint="model")
    app.add_url_rule("/", view_func=ops.root, methods=["GET"], endpoint="root")
    app.add_url_rule("/health", view_func=ops.health, methods=["GET"], endpoint="health")
    app.add_url_rule("/healthz", view_func=ops.health, methods=["GET"], endpoint="healthz")
    app.add_url_rule("/readyz", view_func=ops.ready, methods=["GET"], endpoint="readyz")
    app.add_url_rule("/pool/stats", view_func=ops.stats, methods=["GET"], endpoint="stats")

    async def begin() -> None:
        g.request_id = f"req_{uuid4().hex}"
        g.ignored = ()

    async def finish(response: Response) -> Response:
        response.headers.setdefault("request-id", g.request_id)
        if claude.cli.demo:
            response.headers["x-ccproxy-demo"] = "true"
        if g.ignored:
            response.headers["x-ccproxy-ignored"] = ", ".join(g.ignored)[:_MOST_TOLD]
        return response

    app.before_request(begin)
    app.after_request(finish)
    for kind in EXPECTED:
        app.register_error_handler(kind, _expected)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)
    return app


async def _expected(error: Exception) -> Response:
    failure = failure_of(error)
    if failure.status >= 500:
        log.warning(
            "%s failed with %d: %s", failure.request_id or g.request_id, failure.status, failure.message
        )
    return _render(failure)


async def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    response = _render(
        Failure(status, f"{request.method} {request.path}: {_HTTP_ERRORS.get(status, error.name)}")
    )
    if isinstance(error, MethodNotAllowed):
        response.headers["allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


async def _unexpected(error: Exception) -> Response:
    log.error("%s failed", g.request_id, exc_info=error)
    return _render(failure_of(error))


_HTTP_ERRORS = {
    404: "this server has no such endpoint",
    405: "this endpoint does not take this method",
    408: "the request's body did not arrive in time",
    413: "the request's body is larger than this server takes",
}


def _render(failure: Failure) -> Response:
    status, headers, body = error_response(failure, g.request_id)
    response = Response(body, status)
    response.headers.update(headers)
    return response
