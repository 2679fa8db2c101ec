"""HAProxy before two servers: one is killed, the other drained, and only what was under way on the killed one fails.

Where a request was is HAProxy's own word, in its log; that one began after the kill is the order of events here.
"""

from __future__ import annotations

import signal
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio
from trio_util import AsyncValue

from tests.deploy.balancer import Balancer, open_balancer
from tests.deploy.load import Load
from tests.reserved_port import reserve_port
from tests.serve.running import SERVE, Scratch, open_server, read_in_vain
from tests.server.http_client import PATIENCE, Exchange, fetch, open_exchange
from tests.server.proxy import body_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.serve.running import Server

TERM, KILL = signal.SIGTERM, signal.SIGKILL
CLIENTS = 8
SETTINGS = {
    "CLAUDE__DEMO": "true",
    "POOL_SETTINGS__MIN_SIZE": "3",
    "POOL_SETTINGS__MAX_SIZE": "16",
}
DRAIN_DELAY = ("--drain-delay", "3")
"""What the configuration asks of each server."""


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    """Where the two servers listen, again and again."""
    with reserve_port() as a, reserve_port() as b:
        yield a, b


def start(scratch: Scratch, port: int, *options: str) -> AbstractAsyncContextManager[Server]:
    command = SERVE.command()
    command[command.index("--port") + 1] = str(port)
    return open_server(SERVE, scratch, [*command, *options])


async def until_served_by(names: str, balancer: Balancer) -> None:
    """Wait until each of the servers is asked."""
    missing = set(names)
    with trio.fail_after(PATIENCE):
        while missing:
            reply = await fetch(balancer.port, "/healthz", method="GET")
            missing.discard(reply.headers.get("x-ccproxy-server", ""))


@asynccontextmanager
async def stream_on(server: str, balancer: Balancer, deltas: int) -> AsyncIterator[Exchange]:
    """A stream that this server gives, a delta in every tenth of a second."""
    async with AsyncExitStack() as stack:
        body = body_of(f"[[deltas={deltas}; gap=0.1]] held", stream=True)
        for _ in range(20):
            stream = await stack.enter_async_context(open_exchange(balancer.port, "/v1/messages", body))
            await stream.until("content_block_delta")
            if stream.headers["x-ccproxy-server"] == server:
                break
        else:
            raise AssertionError(f"nothing came from {server}")
        yield stream


async def test_one_is_killed_and_the_other_drained(tmp_path: Path, ports: tuple[int, int]) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    in_a, in_b = Scratch(tmp_path / "a", SETTINGS), Scratch(tmp_path / "b", SETTINGS)
    a, b = ports
    async with (
        start(in_b, b, *DRAIN_DELAY) as second,
        open_balancer(a, b) as balancer,
        trio.open_nursery() as nursery,
    ):
        load = Load(balancer.port)
        async with start(in_a, a) as first:
            await until_served_by("ab", balancer)
            nursery.start_soon(load.run, CLIENTS)
            await load.until(lambda now: now.count("a") >= CLIENTS and now.count("b") >= CLIENTS)
            assert load.failed == []
            async with stream_on("a", balancer, 100_000) as held:
                first.send_signal(KILL)
                await read_in_vain(held)
                await first.wait()
            load.mark()
        await load.until(lambda now: now.count("b") >= 3 * CLIENTS)
        by_the_kill = load.failed
        assert all(outcome.began == 0 for outcome in by_the_kill)
        async with start(in_a, a):
            load.mark()
            await load.until(lambda now: now.count("a") >= CLIENTS)
            async with stream_on("b", balancer, 40) as held:
                load.mark()
                second.send_signal(TERM)
                assert b"event: message_stop\n" in (await held.read()).body
            assert await second.wait() == 0
            load.mark()
            await load.until(lambda now: now.count("a") >= 2 * CLIENTS)
            async with start(in_b, b):
                load.mark()
                await load.until(lambda now: now.count("a") >= CLIENTS and now.count("b") >= CLIENTS)
                await load.stop()
    assert load.failed == by_the_kill
    # Who asks again at once may meet what is left of a server that is being killed.
    assert len(by_the_kill) <= 2 * CLIENTS
    broken = [(line.server, line.status, line.ended[:2]) for line in balancer.log if line.ended[0] == "S"]
    broken.remove(("a", 200, "SD"))  # the stream that was held
    assert set(broken) <= {("a", 502, "SH"), ("a", 200, "SD")}
    assert broken.count(("a", 502, "SH")) >= sum(not outcome.stream for outcome in by_the_kill)
    assert len(broken) <= len(by_the_kill)


@asynccontextmanager
async def fake_server(status: str) -> AsyncIterator[FakeServer]:
    """A server whose readiness says this, and which closes the connection when it has taken in a POST."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    fake = FakeServer(listener.socket.getsockname()[1], status)
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, fake.answer, [listener])
        yield fake
        nursery.cancel_scope.cancel()


class FakeServer:
    """How often it was asked for what."""

    def __init__(self, port: int, status: str) -> None:
        self.port = port
        self.checks = AsyncValue(0)
        self.posts = 0
        self._status = status

    async def answer(self, stream: trio.SocketStream) -> None:
        async with stream:
            head = b""
            while b"\r\n\r\n" not in head:
                head += await stream.receive_some() or b"\r\n\r\n"
            if head.startswith(b"GET /readyz "):
                body = f'{{"status":"{self._status}"}}'
                code = "200 OK" if self._status == "ready" else "503 Service Unavailable"
                await stream.send_all(
                    f"HTTP/1.1 {code}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n{body}".encode()
                )
                self.checks.value += 1
            elif head.startswith(b"POST "):
                self.posts += 1


async def ask_for(status: str) -> tuple[int, int]:
    """What a client is answered where the only server says this of itself, and how often that got the request."""
    with reserve_port() as nobody:
        async with fake_server(status) as fake, open_balancer(fake.port, nobody) as balancer:
            with trio.fail_after(PATIENCE):
                await fake.checks.wait_value(lambda checks: checks >= 3)
            reply = await fetch(balancer.port, "/v1/messages", body_of("hello"))
            return reply.status, fake.posts


async def test_a_full_server_is_asked_and_a_post_is_sent_but_once() -> None:
    found = {}

    async def find(status: str) -> None:
        found[status] = await ask_for(status)

    async with trio.open_nursery() as nursery:
        for status in ("ready", "busy", "not ready", "draining"):
            nursery.start_soon(find, status)
    assert found == {"ready": (502, 1), "busy": (502, 1), "not ready": (503, 0), "draining": (503, 0)}


async def test_who_leaves_ends_the_turn(tmp_path: Path, ports: tuple[int, int]) -> None:
    scratch, (port, nobody) = Scratch(tmp_path, SETTINGS), ports
    async with start(scratch, port) as server, open_balancer(port, nobody) as balancer:
        for stream in (False, True):
            body = body_of("[[delay=3600]] nobody waits for this", stream=stream)
            async with open_exchange(balancer.port, "/v1/messages", body):
                await until_in_use(server, 1)
            await until_in_use(server, 0)


async def until_in_use(server: Server, count: int) -> None:
    with trio.fail_after(PATIENCE):
        while await in_use(server) != count:  # noqa: ASYNC110 -- no event tells
            await trio.sleep(0.02)


async def in_use(server: Server) -> int:
    count: int = (await server.get("/pool/stats")).json["stats"]["in_use_connections"]
    return count
