"""Answers without an end: they end first when the server does, and give way when there are too many connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from quart_trio import QuartTrio

from ccproxy_trio.server.transport import (
    RepairedHTTPConnection,
    crowd,
    look_on,
    stream_response,
)
from tests.asgi_client import open_request
from tests.raw_http import PATIENCE, open_connection, open_server

from .small_app import get, put_in_place

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from quart import Response
    from trio.testing import MockClock


@pytest.fixture
def app() -> QuartTrio:
    """One stream that asks when to end, and one that does not."""
    app = QuartTrio("onlookers", static_folder=None)
    app.asgi_http_class = RepairedHTTPConnection

    @app.get("/")
    async def root() -> str:
        return "here"

    @app.get("/peek")
    async def peek() -> str:
        look_on()
        return "seen"

    @app.get("/look")
    async def look() -> Response:
        connection = look_on()

        async def body() -> AsyncGenerator[bytes, None]:
            yield b"looking"
            await connection.until_server_ends()
            yield b"ended"

        return stream_response(body())

    @app.get("/stay")
    async def stay() -> Response:
        async def body() -> AsyncGenerator[bytes, None]:
            yield b"staying"
            await trio.sleep_forever()

        return stream_response(body())

    return app


async def test_an_onlooker_does_not_keep_the_server_from_ending(
    app: QuartTrio, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place(monkeypatch, repaired=True)
    async with (
        open_server(app, graceful_timeout=2 * PATIENCE) as server,
        open_connection(server.port) as onlooker,
    ):
        await onlooker.send(get("/look"))
        await onlooker.read_answer(to_head=True)
        server.stop()
        rest = await onlooker.read_to_end()
        assert rest.endswith(b"5\r\nended\r\n0\r\n\r\n")
        with trio.fail_after(PATIENCE):
            await server.stopped.wait()
    assert server.failure is None


async def test_an_onlooker_gives_way_and_others_do_not(
    app: QuartTrio, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place(monkeypatch, repaired=True, max_connections=2)
    monkeypatch.setattr(crowd, "IDLE_ENOUGH", 0.0)
    async with (
        open_server(app) as server,
        open_connection(server.port) as onlooker,
        open_connection(server.port) as client,
    ):
        for connection, path in ((client, "/stay"), (onlooker, "/look")):
            await connection.send(get(path))
            await connection.read_answer(to_head=True)
        async with open_connection(server.port) as newcomer:
            await newcomer.send(get("/stay"))
            assert (await newcomer.read_answer(to_head=True)).status == 200
            assert not (await onlooker.read_to_end()).endswith(b"0\r\n\r\n")  # cut, and not at its end
            async with open_connection(server.port) as one_more:
                await one_more.send(get("/"))
                assert (await one_more.read_answer()).status == 529
    assert server.failure is None


async def test_an_onlooker_that_asks_again_and_again_gives_way(
    app: QuartTrio, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place(monkeypatch, repaired=True, max_connections=1)
    monkeypatch.setattr(crowd, "IDLE_ENOUGH", 0.2)
    async with open_server(app) as server, open_connection(server.port) as onlooker:
        enough = trio.current_time() + 0.3
        while trio.current_time() < enough:
            await onlooker.send(get("/peek"))
            assert (await onlooker.read_answer()).status == 200
        async with open_connection(server.port) as newcomer:
            await newcomer.send(get("/"))
            assert (await newcomer.read_answer()).status == 200
            assert await onlooker.read_to_end() == b""
    assert server.failure is None


async def test_under_another_server_nothing_ends(app: QuartTrio, autojump_clock: MockClock) -> None:
    async with open_request(app, "GET", "/look") as asked:
        assert await asked.start() == 200
        assert await asked.chunk() == b"looking"
        with trio.move_on_after(PATIENCE) as scope:
            await asked.chunk()
        assert scope.cancelled_caught
