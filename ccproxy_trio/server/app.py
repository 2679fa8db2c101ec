"""The Quart-Trio application: the routes, and what holds for all of them.

Every response carries an id: `request-id`, or `x-request-id` for clients of OpenAI's API. What in a request had no
effect is told in `x-ccproxy-ignored`. Nothing is answered before `access` has let it in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quart import g
from quart_trio import QuartTrio

from ccproxy_trio.logs import name_request

from .asking import start_clock
from .body import limit_reading
from .dashboard import Dashboard, wants_page
from .endpoints import Endpoints
from .errors import new_request_id, refuse, register_errors, speaks_openai
from .hosts import LOOPBACK
from .observe import Metrics, Recorder
from .observe.log import log_request
from .observe.server_timing import tell_timing
from .transport import RepairedHTTPConnection, ensure_descriptors, repair_hypercorn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from quart import Response
    from quart.wrappers.base import BaseRequestWebsocket
    from werkzeug.routing import MapAdapter

    from ccproxy_trio.claude_pool import ClaudePool
    from ccproxy_trio.settings import Settings

    from .observe import Observer

    View = Callable[..., Awaitable[Response]]

_MOST_TOLD = 4000
"""Characters of a header: a request may have thousands of marks that are ignored."""
_MORE = ", ..."


def put_transport_in_place(settings: Settings) -> None:
    """Have hypercorn serve this process's connections by our rules; see `repair_hypercorn`."""
    server = settings.server
    connections = ensure_descriptors(server.max_connections, settings.pool_settings.max_size)
    repair_hypercorn(write_timeout=server.write_timeout, max_connections=connections, refuse=refuse)


class Application(QuartTrio):
    """The application, by the settings in force."""

    asgi_http_class = RepairedHTTPConnection

    endpoints: Endpoints
    """What answers the requests that come now."""
    dashboard: Dashboard
    draining = False
    """Whether the server has been told to end: whoever asks is told not to come again."""

    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As it is: all that Quart gets here is asynchronous, and need not be looked at with each request."""
        return func

    def create_url_adapter(self, request: BaseRequestWebsocket | None) -> MapAdapter | None:
        """Find routes by path alone: Quart would look at the Host as well, and fail where that is no name."""
        if request is None:
            return super().create_url_adapter(request)
        return self.url_map.bind(
            LOOPBACK, request.root_path, None, request.scheme, request.method, request.path
        )

    def put_in_force(self, claude: ClaudePool, settings: Settings) -> None:
        """Answer by these from now on. Requests under way go on with what they began with."""
        self.config["MAX_CONTENT_LENGTH"] = settings.server.max_body_size
        self.config["BODY_TIMEOUT"] = settings.server.body_timeout
        self.endpoints = Endpoints.over(claude, settings, getattr(self, "endpoints", None))
        self.dashboard.follow(self.endpoints)


def create_app(claude: ClaudePool, settings: Settings, observers: Sequence[Observer] = ()) -> Application:
    """The application over an open pool. It owns nothing: the pool must outlive it.

    The `observers` are told of each request when it has ended.
    """
    app = Application("ccproxy_trio", static_folder=None)
    app.dashboard = Dashboard()
    metrics = Metrics(claude)
    claude.pool.observe(metrics.hear)
    recorder = Recorder((log_request, *observers, app.dashboard.note, metrics.observe))
    app.config["RESPONSE_TIMEOUT"] = None
    app.url_map.merge_slashes = False  # or another path would be answered by the way to the right one
    app.put_in_force(claude, settings)
    limit_reading(app)

    def route(method: str, path: str, choose: Callable[[Endpoints], View]) -> None:
        async def answer(**arguments: Any) -> Response:
            return await choose(g.endpoints)(**arguments)

        app.add_url_rule(path, view_func=answer, methods=[method], endpoint=path)

    route("POST", "/v1/messages", lambda at: at.messages.create)
    route("POST", "/v1/messages/count_tokens", lambda at: at.count_tokens.count)
    for prefix in ("/v1", "/openai/v1"):
        route("POST", f"{prefix}/chat/completions", lambda at: at.chat.create)
        route("POST", f"{prefix}/responses", lambda at: at.responses.create)
        route("GET", f"{prefix}/models", lambda at: at.models.list)
        route("GET", f"{prefix}/models/<path:name>", lambda at: at.models.get)
    route("GET", "/", lambda at: app.dashboard.page if wants_page() else at.ops.root)
    route("GET", "/dashboard", lambda at: app.dashboard.page)
    route("GET", "/pool/events", lambda at: app.dashboard.events)
    route("GET", "/health", lambda at: at.ops.health)
    route("GET", "/healthz", lambda at: at.ops.health)
    route("GET", "/readyz", lambda at: at.ops.ready)
    route("GET", "/pool/stats", lambda at: at.ops.stats)
    route("GET", "/metrics", lambda at: metrics.page)
    route("GET", "/openapi.json", lambda at: at.openapi.get)

    async def begin() -> Response | None:
        g.endpoints, g.draining = app.endpoints, app.draining
        g.demo = app.endpoints.claude.cli.demo
        start_clock(app.endpoints.settings.server.request_timeout)
        g.request_id = new_request_id()
        g.caller = None
        name_request(g.request_id)
        recorder.begin(g.request_id, "openai" if speaks_openai() else "anthropic", app.endpoints.claude)
        try:
            return await app.endpoints.access.admit()
        finally:
            g.record.key = None if g.caller is None else g.caller.name

    async def finish(response: Response) -> Response:
        g.record.status = response.status_code
        response.headers["server-timing"] = tell_timing(g.record)
        response.headers.setdefault("x-request-id" if speaks_openai() else "request-id", g.request_id)
        # Settings that are new since may have brought the stand-in, or another in its place.
        if g.demo or g.endpoints.claude.cli.demo:
            response.headers["x-ccproxy-demo"] = "true"
        if g.ignored:
            response.headers["x-ccproxy-ignored"] = _tell(g.ignored)
        g.endpoints.access.mark(response)
        if app.draining:
            response.headers["connection"] = "close"
        return response

    app.before_request(begin)
    app.after_request(finish)
    register_errors(app)
    return app


def _tell(paths: Sequence[str]) -> str:
    told = ", ".join(paths)
    if len(told) <= _MOST_TOLD:
        return told
    whole, _, _ = told[: _MOST_TOLD - len(_MORE)].rpartition(", ")
    return f"{whole}{_MORE}"
