"""A client of the server under test, on a real socket: it reads as slowly as it likes and leaves when it likes.

`open_exchange` sends one request on a connection of its own and reads nothing until it is asked to; leaving the block
is leaving the server. `fetch` takes the whole answer.
"""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import h11
import orjson
import trio
from attrs import frozen

from ccproxy_trio.dialects.sse import EventDecoder, ServerSentEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

PATIENCE = 30.0
"""Seconds that one wait of a test may take before it counts as a hang."""


@frozen
class Reply:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body decoded."""
        return orjson.loads(self.body)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of a stream, each checked to stand under the name of its type."""
        assert self.headers["content-type"].partition(";")[0] == "text/event-stream", self
        return [read_event(event) for event in EventDecoder().feed(self.body)]

    @property
    def types(self) -> list[str]:
        """The types of the events, pings left out."""
        return [event["type"] for event in self.events if event["type"] != "ping"]

    @property
    def text(self) -> str:
        """The answer's text, streamed or not."""
        if self.headers["content-type"].startswith("application/json"):
            return "".join(block["text"] for block in self.json["content"])
        deltas = [event["delta"] for event in self.events if event["type"] == "content_block_delta"]
        return "".join(delta["text"] for delta in deltas)

    @property
    def failure(self) -> tuple[int, str, str]:
        """Status, type and message of an error; the shape and the request id are checked on the way."""
        error = self.events[-1] if self.status == 200 else self.json
        assert error.keys() == {"type", "error", "request_id"}
        assert error["type"] == "error"
        assert self.status == 200 or error["request_id"] == self.headers["request-id"]
        return self.status, error["error"]["type"], error["error"]["message"]


class Exchange:
    """One request under way."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._stream = stream
        self._h11 = h11.Connection(h11.CLIENT)
        self._decoder = EventDecoder()

    async def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send the whole request."""
        fields = {"host": "localhost", "content-length": str(len(body)), **headers}
        head = self._h11.send(h11.Request(method=method, target=path, headers=list(fields.items())))
        assert head is not None
        with trio.fail_after(PATIENCE):
            await self._stream.send_all(head + body)
        if len(body) == int(fields["content-length"]):
            self._h11.send(h11.Data(data=body))
            self._h11.send(h11.EndOfMessage())

    async def start(self) -> int:
        """Wait for the head of the answer; return its status."""
        while not self.status:
            event = await self._next()
            if isinstance(event, h11.Response):
                self.status = event.status_code
                self.headers = {name.decode(): value.decode() for name, value in event.headers}
        return self.status

    async def chunk(self) -> bytes:
        """The next piece of the body, b"" at its end. Raises h11.RemoteProtocolError when it breaks off."""
        await self.start()
        event = await self._next()
        if isinstance(event, h11.EndOfMessage):
            return b""
        assert isinstance(event, h11.Data), event
        return bytes(event.data)

    async def until(self, kind: str) -> list[dict[str, Any]]:
        """The events of a stream up to a first one of this type, and what came with it."""
        seen: list[dict[str, Any]] = []
        while chunk := await self.chunk():
            seen += [read_event(event) for event in self._decoder.feed(chunk)]
            if any(event["type"] == kind for event in seen):
                return seen
        raise AssertionError(f"no {kind} in {seen}")

    async def read(self) -> Reply:
        """The whole answer."""
        pieces = []
        while chunk := await self.chunk():
            pieces.append(chunk)
        return Reply(self.status, self.headers, b"".join(pieces))

    async def chunks(self) -> list[bytes]:
        """The whole body, in the chunks of its transfer."""
        await self.start()
        chunks: list[bytes] = []
        while isinstance(event := await self._next(), h11.Data):
            if event.chunk_start:
                chunks.append(b"")
            chunks[-1] += event.data
        return chunks

    async def _next(self) -> h11.Event:
        while (event := self._h11.next_event()) is h11.NEED_DATA:
            with trio.fail_after(PATIENCE):
                self._h11.receive_data(await self._stream.receive_some(65536))
        assert not isinstance(event, type), event
        return event


def read_event(event: ServerSentEvent) -> dict[str, Any]:
    """One event's data."""
    data: dict[str, Any] = orjson.loads(event.data)
    assert data["type"] == event.name
    return data


@asynccontextmanager
async def open_exchange(
    port: int,
    path: str,
    body: bytes = b"",
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    receive_buffer: int | None = None,
) -> AsyncIterator[Exchange]:
    """Send a request. A small `receive_buffer` (bytes) makes the server feel a slow reader early."""
    with trio.socket.socket() as client:
        if receive_buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        with trio.fail_after(PATIENCE):
            await client.connect(("127.0.0.1", port))
        exchange = Exchange(trio.SocketStream(client))
        await exchange.send(method, path, body, headers or {})
        yield exchange


async def fetch(
    port: int, path: str, body: bytes = b"", *, method: str = "POST", headers: Mapping[str, str] | None = None
) -> Reply:
    """Send a request and read the whole answer."""
    async with open_exchange(port, path, body, method=method, headers=headers) as exchange:
        return await exchange.read()
