"""500 raw requests of every kind against the server as it is started, with its pool behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from tests.serve.running import SERVE, open_server
from tests.server.proxy import body_of
from tests.server.transport.fuzzing import fuzz

if TYPE_CHECKING:
    from tests.serve.running import Scratch

PATHS = ["/", "/v1/messages", "/health", "/readyz", "/pool/stats", "/nowhere"]


async def test_500_raw_requests(scratch: Scratch) -> None:
    body = body_of("still there?")
    lines = [
        "POST /v1/messages HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        f"Content-Length: {len(body)}",
    ]
    head = "\r\n".join(lines) + "\r\n\r\n"
    async with open_server(SERVE, scratch) as server:
        await fuzz(server.port, 500, seed=2, paths=PATHS, good=head.encode() + body)
        stats = orjson.loads((await server.get("/pool/stats")).body)["stats"]
        assert stats["in_use_connections"] == 0
    assert "[error" not in server.stderr.value
    assert "Traceback" not in server.stderr.value
