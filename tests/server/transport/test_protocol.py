"""What the protocol takes, refuses and survives, over real sockets."""

from collections.abc import AsyncIterator

import pytest
import trio

from ccproxy_trio.server.transport.http1 import PIPELINE_LIMIT, Http1Protocol
from tests.raw_http import PATIENCE, RunningServer, exchange, open_connection, open_server

from .small_app import MEGABYTE, create_small_app, get, put_in_place


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningServer]:
    put_in_place(monkeypatch, repaired=True)
    async with open_server(create_small_app()) as running:
        yield running
    assert running.failure is None


def post(path: str, *headers: str, body: bytes = b"") -> bytes:
    return get(path, *headers).replace(b"GET", b"POST", 1) + body


async def test_garbage_behind_a_request_whose_answer_never_waits(server: RunningServer) -> None:
    request = post("/flood", "Transfer-Encoding: chunked", body=b"not a chunk\r\n")
    for _ in range(20):
        async with open_connection(server.port) as connection:
            await connection.send(request)
            await connection.read_answer(to_head=True)
    assert b" 200 " in await exchange(server.port, get("/", "Connection: close"))


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505),
        (get("/", "Upgrade: websocket", "Connection: Upgrade"), 501),
        (get("?x"), 400),
        (get("http//x"), 400),
        (get("http://[x/"), 400),
        (get("http://%5Bx/"), 400),
        (get("http://[::1]/"), 200),
        (get("/", "Content-Length: -1"), 400),
        (get("/") + b"\x00", 200),
        (get("/" + "a" * 40_000), 431),
    ],
)
async def test_request_ends_with_one_answer(server: RunningServer, request_bytes: bytes, status: int) -> None:
    async with open_connection(server.port) as connection:
        await connection.send(request_bytes)
        assert (await connection.read_answer()).status == status


async def test_upgrade_to_h2c_is_passed_over(server: RunningServer) -> None:
    async with open_connection(server.port) as connection:
        await connection.send(
            get("/", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AA")
        )
        assert (await connection.read_answer()).status == 200


async def test_answer_reaches_a_client_that_is_still_sending(server: RunningServer) -> None:
    async with open_connection(server.port) as connection:
        await connection.send(post("/length", f"Content-Length: {64 * MEGABYTE}", body=bytes(32 * MEGABYTE)))
        assert (await connection.read_answer()).status == 413
        assert await connection.read_to_end() == b""


async def test_connection_is_kept_when_the_answer_did_not_need_the_body(server: RunningServer) -> None:
    async with open_connection(server.port) as connection:
        for _ in range(3):
            await connection.send(post("/deaf", "Content-Length: 5000", body=bytes(5000)))
            assert (await connection.read_answer()).status == 401


async def test_answer_tells_when_the_rest_of_the_body_is_not_waited_for(server: RunningServer) -> None:
    async with open_connection(server.port) as connection:
        await connection.send(post("/deaf", "Content-Length: 5000", body=bytes(4999)))
        answer = await connection.read_answer()
        assert (answer.status, answer.headers["connection"]) == (401, "close")
        assert await connection.read_to_end() == b""
    async with open_connection(server.port) as connection:
        await connection.send(post("/deaf", "Content-Length: 5000", body=bytes(5000)))
        assert "connection" not in (await connection.read_answer()).headers


async def test_large_request_behind_an_answer_that_was_just_sent(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is none of those that come too far ahead, though the connection is not quite ready for it."""
    recycle = Http1Protocol._maybe_recycle

    async def recycle_late(protocol: Http1Protocol) -> None:
        await trio.sleep(0.05)
        await recycle(protocol)

    monkeypatch.setattr(Http1Protocol, "_maybe_recycle", recycle_late)
    async with open_connection(server.port) as connection:
        for _ in range(3):
            await connection.send(post("/length", f"Content-Length: {MEGABYTE}", body=bytes(MEGABYTE)))
            assert (await connection.read_answer()).status == 200


async def test_flood_behind_an_answer_whose_end_is_on_its_way(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when its reader takes nothing."""
    recycle, kept = Http1Protocol._maybe_recycle, 0

    async def recycle_late(protocol: Http1Protocol) -> None:
        nonlocal kept
        await trio.sleep(0.3)
        kept = len(protocol.connection.trailing_data[0])
        await recycle(protocol)

    monkeypatch.setattr(Http1Protocol, "_maybe_recycle", recycle_late)
    async with open_connection(server.port) as connection, trio.open_nursery() as nursery:
        nursery.start_soon(connection.send, get("/") * 500_000)
        assert [(await connection.read_answer()).status for _ in range(2)] == [200, 200]
        nursery.cancel_scope.cancel()
    assert PIPELINE_LIMIT <= kept < 3 * PIPELINE_LIMIT


async def test_body_that_does_not_come_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_place(monkeypatch, repaired=True)
    app = create_small_app()
    app.config["BODY_TIMEOUT"] = 0.1
    async with open_server(app) as server:
        answer = await exchange(server.port, post("/length", "Content-Length: 5", body=b"abc"))
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_leaving_is_noticed_behind_a_byte_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_place(monkeypatch, repaired=True)
    app = create_small_app()
    began, gone = trio.Event(), trio.Event()

    @app.post("/wait")
    async def wait() -> str:
        began.set()
        try:
            await trio.sleep_forever()
        finally:
            gone.set()

    async with open_server(app) as server:
        async with open_connection(server.port) as connection:
            await connection.send(post("/wait", "Content-Length: 2", body=b"{}\r\n"))
            with trio.fail_after(PATIENCE):
                await began.wait()
        with trio.fail_after(PATIENCE):
            await gone.wait()
