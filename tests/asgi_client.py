"""An ASGI client that streams: it takes a response's chunks one by one and can leave in the middle.

Quart-Trio's own test client dead-locks on a response of ten chunks or more, and hands over a body only as a whole.
Here nothing is buffered: the application waits in `send` until the test asks for the next message.
"""

import math
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import trio

PATIENCE = 3600.0
"""Seconds that one wait may take, on whichever clock runs: a test on virtual time waits long and is soon done."""

Header = tuple[bytes, bytes]
Message = dict[str, Any]


class Conversation:
    """One request and its response. `complete` says that the response ended as it should."""

    def __init__(
        self, sent: trio.MemoryReceiveChannel[Message], to_app: trio.MemorySendChannel[Message]
    ) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.complete = False
        self._sent = sent
        self._to_app = to_app

    async def start(self) -> int:
        """Wait for the head of the response; return its status."""
        message = await self._next()
        if message is None:
            raise EOFError("the application ended without a response")
        self.status = message["status"]
        self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        return self.status

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body's chunks as the application sends them; ends with the response or with the application."""
        if not self.status:
            await self.start()
        while chunk := await self.chunk():
            yield chunk

    async def chunk(self) -> bytes:
        """The next chunk that is not empty; b"" at the end."""
        while not self.complete and (message := await self._next()) is not None:
            self.complete = not message.get("more_body", False)
            if message.get("body"):
                return bytes(message["body"])
        return b""

    async def read(self) -> bytes:
        """The whole body. Raises `EOFError` when the application ended before it was complete."""
        body = b"".join([chunk async for chunk in self.chunks()])
        if not self.complete:
            raise EOFError(f"the response ended after {len(body)} bytes")
        return body

    def leave(self) -> None:
        """Tell the application that the client has gone."""
        self._to_app.send_nowait({"type": "http.disconnect"})

    async def _next(self) -> Message | None:
        with trio.fail_after(PATIENCE):
            try:
                return await self._sent.receive()
            except trio.EndOfChannel:
                return None


@asynccontextmanager
async def open_request(
    app: Any, method: str, path: str, *, body: bytes = b"", headers: Iterable[Header] = (), query: bytes = b""
) -> AsyncIterator[Conversation]:
    """Run `app` for one request. Leaving the block is a disconnect, and then waits for the application to end.

    Errors of the application come out of the block, in an exception group.
    """
    to_app, app_receives = trio.open_memory_channel[Message](math.inf)
    app_sends, sent = trio.open_memory_channel[Message](0)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.1"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"test"), (b"content-length", b"%d" % len(body)), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "extensions": {},
        "state": {},
    }

    async def send(message: Message) -> None:
        try:
            await app_sends.send(message)
        except trio.BrokenResourceError:
            # A server takes what is sent to a client that has gone, and drops it.
            await trio.lowlevel.checkpoint()

    async def run() -> None:
        with app_sends:
            await app(scope, app_receives.receive, send)
        ended.set()

    ended = trio.Event()
    with to_app, sent, app_receives:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            to_app.send_nowait({"type": "http.request", "body": body, "more_body": False})
            conversation = Conversation(sent, to_app)
            yield conversation
            conversation.leave()
            sent.close()
            with trio.fail_after(PATIENCE):
                await ended.wait()
