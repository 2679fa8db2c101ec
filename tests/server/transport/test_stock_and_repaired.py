"""Each repair against the fault it is for: the stock server fails, ours does not.

A stock half that fails here means that upstream has mended the fault; docs/decisions/hypercorn-repairs.md says
what to take out then.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from hypercorn.protocol.h11 import H11Protocol

from tests.raw_http import PATIENCE, RunningServer, exchange, open_connection, open_server

from .small_app import create_small_app, get, put_in_place

UPGRADE = get(
    "/",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
SHORT = 0.3
"""Long enough for a request on loopback to be over, in seconds."""


@asynccontextmanager
async def open_small_server(
    patch: pytest.MonkeyPatch, *, repaired: bool, **settings: object
) -> AsyncIterator[RunningServer]:
    put_in_place(patch, repaired=repaired)
    async with open_server(create_small_app(repaired=repaired), **settings) as server:
        yield server


async def send_and_wait(port: int, request: bytes) -> None:
    """Send; the connection may end in any manner, or not at all for a while."""
    with trio.move_on_after(SHORT):
        await exchange(port, request)


async def test_websocket_upgrade_with_a_byte_behind_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_small_server(monkeypatch, repaired=False) as server:
        await send_and_wait(server.port, UPGRADE + b"x")
        with trio.fail_after(PATIENCE):
            await server.stopped.wait()
        assert server.failure is not None

    async with open_small_server(monkeypatch, repaired=True) as server:
        answer = await exchange(server.port, UPGRADE + b"x")
        assert answer.startswith(b"HTTP/1.1 501 ")
        assert b"connection: close" in answer
        assert b"200" in await exchange(server.port, get("/", "Connection: close"))
    assert server.failure is None
    assert not [record for record in caplog.records if record.name == "ccproxy_trio.server"]


async def test_requests_pipelined_behind_http_1_0(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = get("/", version="1.0") + get("/")
    put_in_place(monkeypatch, repaired=False)
    async with open_server(answer_ok) as server:
        # Whether it dies depends on the scheduler, once in two to five times.
        for _ in range(200):
            if server.stopped.is_set():
                break
            await send_and_wait_a_moment(server.port, requests)
        assert server.failure is not None

    put_in_place(monkeypatch, repaired=True)
    async with open_server(answer_ok) as server:
        for _ in range(50):
            await send_and_wait_a_moment(server.port, requests)
    assert server.failure is None

    async with open_small_server(monkeypatch, repaired=True) as server:
        for _ in range(20):
            answer = await exchange(server.port, requests)
            assert answer.count(b"HTTP/1.1 200 ") == 1
            assert answer.endswith(b'{"ok":true}\n')
    assert server.failure is None


async def answer_ok(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise NotImplementedError
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def send_and_wait_a_moment(port: int, request: bytes) -> None:
    try:
        async with open_connection(port) as connection:
            await connection.send(request)
            with trio.move_on_after(0.02):
                await connection.read_to_end()
    except OSError:
        return


@pytest.mark.parametrize("request_bytes", [get("/", "Connection: close"), get("/", version="1.0")])
async def test_connection_that_is_to_be_closed(monkeypatch: pytest.MonkeyPatch, request_bytes: bytes) -> None:
    async with (
        open_small_server(monkeypatch, repaired=False) as server,
        open_connection(server.port) as connection,
    ):
        await connection.send(request_bytes)
        assert (await connection.read_answer()).status == 200
        with trio.move_on_after(SHORT) as scope:
            await connection.read_to_end()
        assert scope.cancelled_caught

    async with (
        open_small_server(monkeypatch, repaired=True) as server,
        open_connection(server.port) as connection,
    ):
        await connection.send(request_bytes)
        assert (await connection.read_answer()).status == 200
        assert await connection.read_to_end() == b""


async def test_keep_alive_timeout_after_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        open_small_server(monkeypatch, repaired=False, keep_alive_timeout=0.1) as server,
        open_connection(server.port) as connection,
    ):
        await connection.send(get("/"))
        assert (await connection.read_answer()).status == 200
        with trio.move_on_after(3 * SHORT) as scope:
            await connection.read_to_end()
        assert scope.cancelled_caught

    async with (
        open_small_server(monkeypatch, repaired=True, keep_alive_timeout=0.1) as server,
        open_connection(server.port) as connection,
    ):
        await connection.send(get("/"))
        assert (await connection.read_answer()).status == 200
        assert await connection.read_to_end() == b""


async def test_reader_that_is_stuck_at_shutdown(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        open_small_server(monkeypatch, repaired=False) as server,
        open_connection(server.port) as connection,
    ):
        await connection.send(get("/flood"))
        await connection.read_answer(to_head=True)
        await trio.sleep(SHORT)
        server.stop()
        with trio.move_on_after(3 * SHORT) as scope:
            await server.stopped.wait()
        assert scope.cancelled_caught
        # Only the reader's going ends the stock server.
        await connection.stream.aclose()

    async with (
        open_small_server(monkeypatch, repaired=True) as server,
        open_connection(server.port) as connection,
    ):
        await connection.send(get("/flood"))
        await connection.read_answer(to_head=True)
        await trio.sleep(SHORT)
        server.stop()
        with trio.fail_after(PATIENCE):
            await server.stopped.wait()
    assert server.failure is None


async def test_error_of_a_connection_is_logged_and_ends_that_connection_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(self: H11Protocol, request: object) -> None:
        raise RuntimeError("a fault inside the server")

    monkeypatch.setattr(H11Protocol, "_create_stream", fail)
    request = get("/")
    put_in_place(monkeypatch, repaired=False)
    async with open_server(create_small_app()) as server:
        await send_and_wait(server.port, request)
        with trio.fail_after(PATIENCE):
            await server.stopped.wait()
        assert server.failure is not None

    put_in_place(monkeypatch, repaired=True)
    async with open_server(create_small_app()) as server:
        assert await exchange(server.port, request) == b""
        assert await exchange(server.port, request) == b""
    assert server.failure is None
    records = [record for record in caplog.records if record.name == "ccproxy_trio.server"]
    assert [(record.levelno, record.exc_info is not None) for record in records] == [
        (logging.ERROR, True)
    ] * 2
