"""The application that the transport's tests run: one route for each thing that can go wrong around an answer."""

from collections.abc import AsyncGenerator
from typing import Any

import hypercorn.trio.run
import pytest
from hypercorn.trio.tcp_server import TCPServer
from quart import Response, request
from quart_trio import QuartTrio
from quart_trio.asgi import TrioASGIHTTPConnection

from ccproxy_trio.server.transport import RepairedHTTPConnection, repair_hypercorn, stream_response

MEGABYTE = 1 << 20


def get(path: str, *headers: str, version: str = "1.1") -> bytes:
    lines = [f"GET {path} HTTP/{version}", "Host: x", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def put_in_place(
    patch: pytest.MonkeyPatch, *, repaired: bool, write_timeout: float = 5.0, **rules: Any
) -> None:
    """Use our connection handler or hypercorn's, until the test ends."""
    patch.setattr(hypercorn.trio.run, "TCPServer", TCPServer)
    if repaired:
        repair_hypercorn(write_timeout=write_timeout, **rules)


def create_small_app(*, repaired: bool = True) -> QuartTrio:
    app = QuartTrio("small", static_folder=None)
    app.asgi_http_class = RepairedHTTPConnection if repaired else TrioASGIHTTPConnection
    app.config["MAX_CONTENT_LENGTH"] = MEGABYTE

    @app.get("/")
    async def root() -> dict[str, bool]:
        return {"ok": True}

    @app.post("/length")
    async def length() -> dict[str, int]:
        return {"length": len(await request.get_data())}

    @app.post("/deaf")
    async def deaf() -> tuple[str, int]:
        return "unread", 401

    @app.route("/flood", methods=["GET", "POST"])
    async def flood() -> Response:
        async def body() -> AsyncGenerator[bytes, None]:
            while True:
                yield bytes(65536)

        return stream_response(body())

    return app
