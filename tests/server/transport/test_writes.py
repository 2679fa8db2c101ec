"""Writes to readers that are slow, and to readers that are stuck."""

from collections.abc import AsyncGenerator

import pytest
import trio
from quart import Response

from ccproxy_trio.server.transport import request_stack, stream_response
from tests.raw_http import PATIENCE, open_connection, open_server

from .small_app import create_small_app, get, put_in_place

STALL = 0.5


async def test_stuck_reader_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_place(monkeypatch, repaired=True, write_timeout=STALL)
    app = create_small_app()
    ended = trio.Event()

    @app.get("/endless")
    async def endless() -> Response:
        async def body() -> AsyncGenerator[bytes, None]:
            while True:
                yield bytes(65536)

        request_stack().callback(ended.set)
        return stream_response(body())

    async with open_server(app) as server, open_connection(server.port, receive_buffer=4096) as connection:
        await connection.send(get("/endless"))
        with trio.fail_after(PATIENCE):
            await ended.wait()
        assert not server.stopped.is_set()


async def test_slow_reader_gets_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads for three times the write timeout, and the kernel calls its socket unwritable for most of that.

    The kernel acknowledges what it has read every few times, and this process may not run for a moment.
    """
    put_in_place(monkeypatch, repaired=True, write_timeout=1.0)
    app = create_small_app()
    size = 8 << 20

    @app.get("/large")
    async def large() -> bytes:
        return bytes(size)

    async with open_server(app) as server, open_connection(server.port, receive_buffer=4096) as connection:
        await connection.send(get("/large"))
        received = 0
        for _ in range(30):
            received += len(await connection.stream.receive_some(1024))
            await trio.sleep(0.1)
        with trio.fail_after(PATIENCE):
            while received < size:
                data = await connection.stream.receive_some(1 << 20)
                assert data, f"cut off after {received} bytes"
                received += len(data)
    assert server.failure is None
