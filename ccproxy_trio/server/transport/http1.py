"""hypercorn's HTTP/1 protocol, narrowed to what this server speaks and mended where a peer could derail it.

Rules:

* HTTP/1.0 and HTTP/1.1 only. A WebSocket upgrade gets 501, an HTTP/2 preface (or any other version) 505, a
  target that is no path 400, as does a body with both a length and an encoding, of which two readers might make two
  requests; a head above the limit 431 (h11 applies its limit to heads that come in pieces only). Then the connection
  ends; no task is started for them. What their body says is the server's to say, by a `Refuse`. An `h2c` upgrade is
  passed over, as RFC 9110 allows.
* Bytes behind a peer's last request (HTTP/1.0, or `Connection: close`) do not spoil its answer.
* Once closed, nothing more is parsed or sent. The stock protocol goes on with the bytes pipelined behind a
  last request, and its answer to them raises.
* While a request is served and the peer has sent more than that request, its leaving is noticed all the same.
  The stock protocol stops reading at the first byte too many, and a stray newline behind a body is one. What comes
  beyond `PIPELINE_LIMIT` before that has been answered is thrown away, and the connection ends with the answer. After
  that, while the end of the answer is still on its way, it is left in the kernel.
* An answer given before the whole body was parsed keeps the connection if the rest of the body is at hand; if not,
  its head says that the connection ends. The stock protocol ends it without a word, and the next request with it.
* The head of a response travels with the first piece of its body in one write, as ASGI has it.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

import h11
import trio
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.events import Body, EndBody, Response
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.h11 import STREAM_ID, H11Protocol
from hypercorn.typing import H11SendableEvent

PIPELINE_LIMIT = 65536
"""About how many bytes are kept of what comes behind the request being served."""

TOO_MANY = 529

Headers: TypeAlias = Iterable[tuple[str, str]]
Refuse: TypeAlias = Callable[[int, str, Headers], tuple[int, Headers, bytes]]
"""From a status, and the refused request's path and headers as far as they could be read, to the response: its
status, its headers but for those about the connection and the body's length, and its body."""


def refuse_plainly(status: int, path: str, headers: Headers) -> tuple[int, Headers, bytes]:
    """The status alone."""
    return status, (), b""


def refuse_unspoken(request: h11.Request, max_head: int) -> None:
    """Raise `h11.RemoteProtocolError`, with the status to answer, for what this server does not speak."""
    if len(request.target) + sum(len(name) + len(value) for name, value in request.headers) > max_head:
        raise h11.RemoteProtocolError("the request's head is too large", error_status_hint=431)
    if request.http_version not in {b"1.0", b"1.1"}:
        raise h11.RemoteProtocolError("neither HTTP/1.0 nor HTTP/1.1", error_status_hint=505)
    if {b"content-length", b"transfer-encoding"} <= {name for name, _ in request.headers}:
        raise h11.RemoteProtocolError("a body with a length and an encoding", error_status_hint=400)
    if any(name == b"upgrade" and value.lower() == b"websocket" for name, value in request.headers):
        raise h11.RemoteProtocolError("an upgrade to WebSocket", error_status_hint=501)
    if not _is_target(request.target):
        raise h11.RemoteProtocolError("the request target is not a path", error_status_hint=400)


def _is_target(target: bytes) -> bool:
    if target == b"*" or target.startswith(b"/"):
        return True
    try:  # as Quart will: it takes the path out of a whole URL, and fails where that is none
        urlsplit(unquote(target.partition(b"?")[0].decode("ascii")))
    except ValueError:
        return False
    return target.startswith((b"http://", b"https://"))


class Http1Protocol(H11Protocol):
    """One connection's protocol. `receive` reads more bytes from the peer and returns b"" once it is gone."""

    connection: h11.Connection

    def __init__(
        self,
        *args: Any,
        receive: Callable[[], Awaitable[bytes]],
        refuse: Refuse = refuse_plainly,
        one_too_many: bool = False,
    ) -> None:
        """With `one_too_many` the request is refused, whatever it is."""
        super().__init__(*args)
        self._receive = receive
        self._say_refusal = refuse
        self._one_too_many = one_too_many
        self._overrun = False
        self._closed = False
        self._head = b""

    async def handle(self, event: Event) -> None:
        if isinstance(event, Closed):
            self._closed = True
            await self.can_read.set()
        await super().handle(event)

    async def stream_send(self, event: StreamEvent) -> None:
        if isinstance(event, Response) and event.status_code >= 200:
            self._skip_rest_of_body()
            if self.connection.their_state is h11.SEND_BODY:
                event = replace(event, headers=[*event.headers, (b"connection", b"close")])
        await super().stream_send(event)

    async def _handle_events(self) -> None:
        while not self._closed:
            if self.connection.their_state is h11.MUST_CLOSE and self.connection.trailing_data[0]:
                await self._wait_for_turn()
                continue
            request: h11.Request | None = None
            try:
                if self.connection.they_are_waiting_for_100_continue:
                    await self._send_h11_event(h11.InformationalResponse(status_code=100, headers=[]))
                event = self.connection.next_event()
                if isinstance(event, h11.Request):
                    request = event
                    refuse_unspoken(event, self.config.h11_max_incomplete_size)
                    if self._one_too_many:
                        raise h11.RemoteProtocolError("too many connections", error_status_hint=TOO_MANY)
            except h11.RemoteProtocolError as error:
                await self._refuse(error.error_status_hint, request)
                return
            if isinstance(event, h11.Request):
                await self.send(Updated(idle=False))
                await self._create_stream(event)
            elif event is h11.PAUSED:
                if not self.connection.trailing_data[0]:
                    return
                await self._wait_for_turn()
            elif event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                return
            elif self.stream is not None and isinstance(event, h11.Data):
                await self.stream.handle(Body(stream_id=STREAM_ID, data=bytes(event.data)))
            elif self.stream is not None and isinstance(event, h11.EndOfMessage):
                await self.stream.handle(EndBody(stream_id=STREAM_ID))

    async def _refuse(self, status: int, request: h11.Request | None) -> None:
        if self.connection.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            path, fields, method = "", [], b""
            if request is not None:
                path, method = request.target.partition(b"?")[0].decode("latin-1"), request.method
                fields = [
                    (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers
                ]
            status, headers, body = self._say_refusal(status, path, fields)
            about = (("content-length", str(len(body))), ("connection", "close"))
            await self._send_h11_event(h11.Response(status_code=status, headers=[*headers, *about]))
            if method != b"HEAD":
                await self._send_h11_event(h11.Data(data=body))
            await self._send_h11_event(h11.EndOfMessage())
        await self.send(Closed())

    async def _wait_for_turn(self) -> None:
        await self.can_read.clear()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_peer)
            await self.can_read.wait()
            nursery.cancel_scope.cancel()

    async def _watch_peer(self) -> None:
        while data := await self._receive():
            answered = self.connection.our_state not in {h11.SEND_RESPONSE, h11.SEND_BODY}
            if not answered and len(self.connection.trailing_data[0]) >= PIPELINE_LIMIT:
                self._overrun = True
            if not self._overrun:
                self.connection.receive_data(data)
            if answered and len(self.connection.trailing_data[0]) >= PIPELINE_LIMIT:
                await trio.sleep_forever()
        await self.handle(Closed())

    async def _maybe_recycle(self) -> None:
        if self._overrun:
            await self._close_stream()
            await self.send(Closed())
            return
        self._skip_rest_of_body()
        await super()._maybe_recycle()

    def _skip_rest_of_body(self) -> None:
        while self.connection.their_state is h11.SEND_BODY:
            try:
                event = self.connection.next_event()
            except h11.RemoteProtocolError:
                return
            if event is h11.NEED_DATA:
                return

    async def _send_h11_event(self, event: H11SendableEvent) -> None:
        if self._closed:
            # An application that streams from memory must meet the scheduler even when nobody reads it.
            await trio.lowlevel.checkpoint()
            return
        try:
            data = self._head + self.connection.send(event)
        except h11.LocalProtocolError:
            if self.connection.their_state is not h11.ERROR:
                raise
            await trio.lowlevel.checkpoint()
            return
        if isinstance(event, h11.Response):
            self._head = data
            return
        self._head = b""
        if data:
            await self.send(RawData(data=data))
