"""The Quart-Trio application: the routes, and what holds for all of them.

Every response carries an id: `request-id`, or `x-request-id` for clients of OpenAI's API. What in a request had no
effect is told in `x-ccproxy-ignored`. Nothing is answered before `access` has let it in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import g
from quart_trio import QuartTrio

from .access import Access
from .body import limit_reading
from .chat import ChatCompletions
from .count_tokens import CountTokens
from .errors import new_request_id, refuse, register_errors, speaks_openai
from .messages import Messages
from .models import Models
from .openapi import OpenAPI
from .ops import Ops
from .responses import Responses
from .transport import RepairedHTTPConnection, ensure_descriptors, repair_hypercorn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from quart import Response

    from ccproxy_trio.claude_pool import ClaudePool
    from ccproxy_trio.settings import Settings

_MOST_TOLD = 4000
"""Characters of a header: a request may have thousands of marks that are ignored."""
_MORE = ", ..."


def put_transport_in_place(settings: Settings) -> None:
    """Have hypercorn serve this process's connections by our rules; see `repair_hypercorn`."""
    server = settings.server
    connections = ensure_descriptors(server.max_connections, settings.pool_settings.max_size)
    repair_hypercorn(write_timeout=server.write_timeout, max_connections=connections, refuse=refuse)


def create_app(claude: ClaudePool, settings: Settings) -> QuartTrio:
    """The application over an open pool. It owns nothing: the pool must outlive it."""
    app = QuartTrio("ccproxy_trio", static_folder=None)
    app.asgi_http_class = RepairedHTTPConnection
    app.config["MAX_CONTENT_LENGTH"] = settings.server.max_body_size
    app.config["BODY_TIMEOUT"] = settings.server.body_timeout
    app.config["RESPONSE_TIMEOUT"] = None

    limit_reading(app)
    ping_interval = settings.server.ping_interval
    messages = Messages(claude, ping_interval)
    chat = ChatCompletions(claude, settings.openai, ping_interval)
    responses = Responses(claude, settings.openai, ping_interval)
    count_tokens, models = CountTokens(claude), Models(claude)
    ops = Ops(claude, settings.pool_settings.enabled, has_keys=bool(settings.server.keys))
    access = Access(settings.server)

    def route(method: str, path: str, view: Callable[..., Awaitable[Response]]) -> None:
        app.add_url_rule(path, view_func=view, methods=[method], endpoint=path)

    route("POST", "/v1/messages", messages.create)
    route("POST", "/v1/messages/count_tokens", count_tokens.count)
    for prefix in ("/v1", "/openai/v1"):
        route("POST", f"{prefix}/chat/completions", chat.create)
        route("POST", f"{prefix}/responses", responses.create)
        route("GET", f"{prefix}/models", models.list)
        route("GET", f"{prefix}/models/<path:name>", models.get)
    route("GET", "/", ops.root)
    route("GET", "/health", ops.health)
    route("GET", "/healthz", ops.health)
    route("GET", "/readyz", ops.ready)
    route("GET", "/pool/stats", ops.stats)
    route("GET", "/openapi.json", OpenAPI(settings).get)

    async def begin() -> None:
        g.request_id = new_request_id()
        g.ignored = ()
        g.caller = None

    async def finish(response: Response) -> Response:
        response.headers.setdefault("x-request-id" if speaks_openai() else "request-id", g.request_id)
        if claude.cli.demo:
            response.headers["x-ccproxy-demo"] = "true"
        if g.ignored:
            response.headers["x-ccproxy-ignored"] = _tell(g.ignored)
        access.mark(response)
        return response

    app.before_request(begin)
    app.before_request(access.admit)
    app.after_request(finish)
    register_errors(app)
    return app


def _tell(paths: Sequence[str]) -> str:
    told = ", ".join(paths)
    if len(told) <= _MOST_TOLD:
        return told
    whole, _, _ = told[: _MOST_TOLD - len(_MORE)].rpartition(", ")
    return f"{whole}{_MORE}"
