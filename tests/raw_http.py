"""Raw sockets against a running server: bytes out, bytes back, every wait bounded.

`open_server` runs an ASGI application under hypercorn on a free port of loopback, with whatever connection handler
is in place; `open_connection` and `exchange` talk to any port.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio
from hypercorn.config import Config
from hypercorn.trio import serve

PATIENCE = 10.0
"""Seconds that one wait of a test may take before it counts as a hang."""


@attrs.frozen
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class RawConnection:
    """A client's socket. What was received beyond one answer is kept for the next."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._received = bytearray()

    async def send(self, data: bytes) -> None:
        with trio.fail_after(PATIENCE):
            await self.stream.send_all(data)

    async def read_answer(self, *, to_head: bool = False) -> Answer:
        """Read one response: by its length, by its chunks, or to its head only when there is no body to come."""
        head = await self._read_until(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = b""
        if not to_head and "content-length" in headers:
            body = await self._read_exactly(int(headers["content-length"]))
        elif not to_head and headers.get("transfer-encoding") == "chunked":
            while size := int(await self._read_until(b"\r\n"), 16):
                body += await self._read_exactly(size)
                await self._read_exactly(2)
            await self._read_exactly(2)
        return Answer(int(first.split(" ")[1]), headers, body)

    async def read_to_end(self) -> bytes:
        """Everything up to the end of the connection, be it orderly or a reset."""
        try:
            while await self._receive():
                pass
        except trio.BrokenResourceError:
            pass
        rest, self._received = bytes(self._received), bytearray()
        return rest

    async def _read_until(self, end: bytes) -> bytes:
        while end not in self._received:
            await self._receive_or_fail()
        found, _, self._received = self._received.partition(end)
        return bytes(found)

    async def _read_exactly(self, count: int) -> bytes:
        while len(self._received) < count:
            await self._receive_or_fail()
        found, self._received = self._received[:count], self._received[count:]
        return bytes(found)

    async def _receive_or_fail(self) -> None:
        if not await self._receive():
            raise EOFError(f"the connection ended after {bytes(self._received[:200])!r}")

    async def _receive(self) -> bytes:
        with trio.fail_after(PATIENCE):
            data = bytes(await self.stream.receive_some(65536))
        self._received += data
        return data


@asynccontextmanager
async def open_connection(port: int, *, receive_buffer: int | None = None) -> AsyncIterator[RawConnection]:
    """Connect to loopback. A small `receive_buffer` (bytes) makes the server feel a slow reader early."""
    with trio.socket.socket() as client:
        if receive_buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        with trio.fail_after(PATIENCE):
            await client.connect(("127.0.0.1", port))
        yield RawConnection(trio.SocketStream(client))


async def exchange(port: int, request: bytes) -> bytes:
    """Send the bytes and return all that comes back until the server closes."""
    async with open_connection(port) as connection:
        await connection.send(request)
        return await connection.read_to_end()


class RunningServer:
    """`stop()` begins the graceful shutdown; `stopped` is set when serving ended, with its failure in `failure`."""

    def __init__(self) -> None:
        self.port = 0
        self.stopped = trio.Event()
        self.failure: BaseException | None = None
        self._stop = trio.Event()

    def stop(self) -> None:
        self._stop.set()

    async def run(
        self, app: Any, config: Config, *, task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED
    ) -> None:
        try:
            await serve(app, config, shutdown_trigger=self._stop.wait, task_status=task_status)
        except Exception as error:  # whatever it died of is the test's to look at
            if not self.port:
                raise
            self.failure = error
        finally:
            self.stopped.set()


@asynccontextmanager
async def open_server(app: Any, **settings: Any) -> AsyncIterator[RunningServer]:
    """Serve `app` on loopback; `settings` go to hypercorn's configuration. Stops it at the end of the block."""
    settings = {"graceful_timeout": 0.2, **settings}
    config = Config.from_mapping(bind=["127.0.0.1:0"], errorlog=None, **settings)
    server = RunningServer()
    async with trio.open_nursery() as nursery:
        binds = await nursery.start(server.run, app, config)
        server.port = int(binds[0].rpartition(":")[2])
        yield server
        server.stop()
        with trio.move_on_after(PATIENCE) as scope:
            await server.stopped.wait()
        nursery.cancel_scope.cancel()
    if scope.cancelled_caught:
        raise AssertionError("the server did not stop")
