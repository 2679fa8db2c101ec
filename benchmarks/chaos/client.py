"""A client on a socket of its own: it sends what was drawn, reads as it likes, and leaves when it likes.

Every wait is bounded, and so is what is kept of an answer.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

import h11
import trio
from attrs import define, field

from .speech import request_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Literal, Self

    from .drawing import Asked

PATIENCE = 45.0
"""Seconds in which any request must have come to its end: longer than all that the server may take, together."""
_MOST = 8 * 2**20
_LITTLE = 4096
_GONE = (OSError, trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError)


@define
class Seen:
    """What a client saw of one answer."""

    asked: Asked
    end: Literal["", "whole", "cut", "left", "late"] = ""
    """`cut` is an end of the connection before that of the answer."""
    status: int = 0
    headers: Mapping[str, str] = field(factory=dict)
    head: bytes = b""
    body: bytearray = field(factory=bytearray)
    first: float | None = None
    """Seconds until the first byte of the answer."""
    seconds: float = 0.0
    """Seconds until its end."""
    sent_all: bool = False
    sending: float = 0.0
    """Seconds until all was sent that was to be."""
    before: Asked | None = None
    """The request that had the same connection just before."""
    why: str = ""


class Client:
    """One after the other; a connection that both sides keep is used again."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stream: trio.SocketStream | None = None
        self._h11 = h11.Connection(h11.CLIENT)
        self._before: Asked | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    async def ask(self, asked: Asked) -> Seen:
        """Send it, and read what there is to read."""
        began = trio.current_time()
        seen = Seen(asked, before=None if asked.slowly else self._before)
        with trio.move_on_after(PATIENCE) as patience:
            try:
                await self._ask(asked, seen, began)
            except _GONE as error:
                seen.end, seen.why = "cut", repr(error)
        if patience.cancelled_caught:
            seen.end = "late"
        seen.seconds = trio.current_time() - began
        if not (
            asked.keep
            and seen.end == "whole"
            and self._h11.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}
        ):
            self._close()
        else:
            self._h11.start_next_cycle()
            self._before = asked
        return seen

    async def _ask(self, asked: Asked, seen: Seen, began: float) -> None:
        if asked.slowly:
            self._close()  # so that the next one has a small buffer
        if self._stream is None:
            await self._connect(_LITTLE if asked.slowly else None)
        leaving = asked.leaving
        await self._send(asked, seen)
        seen.sending = trio.current_time() - began
        if not seen.sent_all:
            seen.end = "left"
        elif leaving.stage == "half":
            assert self._stream is not None
            await self._stream.send_eof()
            with suppress(*_GONE):
                await self._read(seen, began)
            seen.end = "left"
        else:
            patience = leaving.after if leaving.stage == "time" else PATIENCE
            with trio.move_on_after(patience):
                await self._read(seen, began)
            if not seen.end and leaving.stage:
                seen.end = "left"
        if seen.end == "left":
            self._close(rudely=leaving.rudely)

    async def _connect(self, receive_buffer: int | None) -> None:
        client = trio.socket.socket()
        try:
            if receive_buffer is not None:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            await client.connect(("127.0.0.1", self._port))
        except BaseException:
            client.close()
            raise
        self._stream = trio.SocketStream(client)
        self._h11 = h11.Connection(h11.CLIENT)

    async def _send(self, asked: Asked, seen: Seen) -> None:
        """Send it, or as much of it as is sent by who leaves."""
        assert self._stream is not None
        if asked.mistake is not None and asked.mistake.raw:
            data = head = asked.mistake.raw
        else:
            method, path, headers, body = request_of(asked)
            head = self._h11.send(h11.Request(method=method, target=path, headers=[*headers.items()])) or b""
            if len(body) == int(headers["content-length"]):
                self._h11.send(h11.Data(data=body))
                self._h11.send(h11.EndOfMessage())
            data = head + body
        part = asked.leaving.after
        cut = {
            "connected": 0,
            "head": int(len(head) * part),
            "body": len(head) + int((len(data) - len(head)) * part),
        }.get(asked.leaving.stage, len(data))
        # Who is refused may find the connection closed to the rest; the answer is there to be read.
        with suppress(trio.BrokenResourceError):
            await self._stream.send_all(data[:cut])
        seen.sent_all = cut == len(data)

    async def _read(self, seen: Seen, began: float) -> None:
        most = seen.asked.leaving.after if seen.asked.leaving.stage == "bytes" else _MOST
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                await self._receive(seen, began)
            elif isinstance(event, h11.Response):
                seen.status = event.status_code
                seen.headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
                seen.head = repr(event.headers.raw_items()).encode()
            elif isinstance(event, h11.Data):
                seen.body += event.data
                if len(seen.body) > most:
                    return
            elif isinstance(event, h11.EndOfMessage):
                seen.end = "whole"
                return
            else:
                raise h11.RemoteProtocolError(f"not expected in an answer: {event!r}")

    async def _receive(self, seen: Seen, began: float) -> None:
        assert self._stream is not None
        if seen.asked.slowly and seen.first is not None:
            await trio.sleep(seen.asked.slowly)
        data = await self._stream.receive_some(_LITTLE if seen.asked.slowly else 65536)
        if seen.first is None and data:
            seen.first = trio.current_time() - began
        self._h11.receive_data(data)

    def _close(self, *, rudely: bool = False) -> None:
        stream, self._stream, self._before = self._stream, None, None
        if stream is not None:
            if rudely:
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.socket.close()
