"""hypercorn's handler of one connection, made unable to hurt the others, and the hook that puts it in place.

Rules:

* Whatever goes wrong on a connection is logged and ends that connection; only what is no `Exception` (a
  cancellation, an interrupt) goes further. In stock hypercorn any error reaches the nursery of the whole
  server (pgjones/hypercorn#225, #329).
* Nothing on a connection waits for its peer without a bound: writes end by `BoundedStream`, closing by
  `CLOSE_TIMEOUT`, and none of them keeps the server from stopping once its grace is over.
* A connection that the server closes is read on, for `LINGER` seconds at most, until the peer closes too:
  closing a socket with unread bytes makes the kernel send a reset, and the peer loses an answer such as 413
  that it has not read yet.
* There is a bound on the number of connections; see `crowd`.
* An application that is done takes no more messages, and nobody waits to deliver one. In stock hypercorn the
  reader waits for ever once ten of them are queued.
"""

import logging
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib.metadata import version
from typing import Any, cast

import hypercorn.trio.run
import trio
from attrs import field, frozen
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.trio.task_group import TaskGroup, _handle
from hypercorn.trio.tcp_server import MAX_RECV, TCPServer
from hypercorn.typing import AppWrapper, ASGIReceiveEvent, ASGISendEvent, ConnectionState, Scope
from hypercorn.utils import parse_socket_addr

from .bounded_stream import BoundedStream
from .crowd import Crowd, Welcome
from .http1 import Http1Protocol, Refuse, refuse_plainly
from .onlookers import CONNECTION, Connection
from .wordless import without_words

REPAIRED_VERSION = "0.18"
CLOSE_TIMEOUT = 1.0
LINGER = 2.0

log = logging.getLogger("ccproxy_trio.server")


class ConnectionTasks(TaskGroup):
    """The tasks of one connection: its idle timer and the application's."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    async def spawn_app(
        self,
        app: AppWrapper,
        config: Config,
        scope: Scope,
        send: Callable[[ASGISendEvent | None], Awaitable[None]],
    ) -> Callable[[ASGIReceiveEvent], Awaitable[None]]:
        put, get = trio.open_memory_channel[ASGIReceiveEvent](config.max_app_queue_size)
        cast("dict[str, object]", scope)[CONNECTION] = self._connection

        async def run(*args: Any) -> None:
            with put, get:
                await app(*args)

        # None of them takes a turn of the scheduler that it need not: those that reading the socket takes are enough.
        async def put_unless_done(message: ASGIReceiveEvent) -> None:
            with suppress(trio.ClosedResourceError):
                try:
                    put.send_nowait(message)
                except trio.WouldBlock:
                    await put.send(message)

        async def receive() -> ASGIReceiveEvent:
            try:
                return get.receive_nowait()
            except trio.WouldBlock:
                return await get.receive()

        threads = (trio.to_thread.run_sync, trio.from_thread.run)
        self.spawn(_handle, run, config, scope, receive, send, *threads)
        return put_unless_done


@frozen
class Rules:
    """What holds for all connections of a server."""

    write_timeout: float = 30.0
    """Seconds for which a peer may take no byte of a write."""
    refuse: Refuse = refuse_plainly
    crowd: Crowd = field(factory=Crowd)


class RepairedTCPServer(TCPServer):
    """One connection."""

    rules = Rules()
    # The stock class types these as its own kind; ours take their place.
    stream: Any
    protocol: Any

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        stream: trio.SocketStream | trio.SSLStream[Any] = self.stream
        self._tls = isinstance(stream, trio.SSLStream)
        if isinstance(stream, trio.SSLStream):
            self._socket_stream = BoundedStream(stream.transport_stream, self.rules.write_timeout)
            stream.transport_stream = self._socket_stream
        else:
            self._socket_stream = BoundedStream(stream, self.rules.write_timeout)
            self.stream = self._socket_stream
        self._receiving = trio.CancelScope()
        self._read_until = math.inf
        self._hearing = trio.CancelScope()
        self._idle = True
        self._idle_since = trio.current_time()
        self._looked_on = False
        self._ending = False
        self._peer: tuple[str, int] | None = None
        # Of this connection's whole life, though the rules of the next may be others.
        self._crowd, self._refuse = self.rules.crowd, self.rules.refuse

    async def run(self) -> None:
        self._welcome = self._crowd.enter(self)
        try:
            if self._welcome is Welcome.SHUT_OUT:
                self._socket_stream.abort()
            else:
                await self._converse()
        except Exception as error:  # noqa: BLE001 -- it is logged
            self._log_error(error)
        except BaseExceptionGroup as group:
            errors, rest = group.split(Exception)
            if errors is not None:
                self._log_error(errors)
            if rest is not None:
                raise rest from None
        finally:
            self._crowd.leave(self)

    def _log_error(self, error: BaseException) -> None:
        told = without_words(error)
        log.error("A connection from %s ended by an error inside the server", self._peer, exc_info=told)

    def give_way(self) -> None:
        """Hang up. It is idle, or counts as idle."""
        self._end_reading_by(-math.inf)
        if self.send_lock.locked():
            self._socket_stream.abort()  # or it would stay for as long as its peer takes something now and then

    def count_as_idle(self) -> None:
        self._looked_on = True
        self._crowd.note_idle(self, self._idle_since)

    async def until_server_ends(self) -> None:
        await self.context.terminated.wait()

    async def _converse(self) -> None:
        try:
            if self._tls and not await self._shake_hands():
                return
            socket = self._socket_stream.socket
            self._peer = parse_socket_addr(socket.family, socket.getpeername())
            server = parse_socket_addr(socket.family, socket.getsockname())
            async with ConnectionTasks(self) as tasks:
                self._task_group = tasks
                self.protocol = Http1Protocol(
                    self.app,
                    self.config,
                    self.context,
                    tasks,
                    ConnectionState(self.state),
                    self._tls,
                    self._peer,
                    server,
                    self.protocol_send,
                    receive=self._receive,
                    refuse=self._refuse,
                    one_too_many=self._welcome is Welcome.TOLD,
                )
                tasks.spawn(self._hear_of_end)
                self._wait_for_request()
                await self._read_data()
                self._ending = True
                await self.protocol.handle(Closed())
                self._hearing.cancel()
                with trio.move_on_after(CLOSE_TIMEOUT, shield=True):
                    await self.stream.aclose()
        except OSError as error:
            log.debug("A connection was lost: %s", error)
        finally:
            with trio.move_on_after(CLOSE_TIMEOUT, shield=True):
                await self.stream.aclose()

    async def _shake_hands(self) -> bool:
        deadline = trio.current_time() + self.config.ssl_handshake_timeout
        with trio.CancelScope(deadline=min(deadline, self._read_until)) as self._receiving:
            try:
                await self.stream.do_handshake()
            except trio.BrokenResourceError:
                return False
            return True
        return False

    async def protocol_send(self, event: Event) -> None:
        if isinstance(event, RawData):
            await self._write(event.data)
        elif isinstance(event, Closed):
            await self._hang_up()
            await self.protocol.handle(Closed())
        elif isinstance(event, Updated) and not self._ending:
            self._idle = event.idle
            if event.idle:
                if not self._looked_on:
                    self._idle_since = trio.current_time()
                self._crowd.note_idle(self, self._idle_since)
                self._wait_for_request()
            else:
                self._looked_on = False
                self._crowd.note_busy(self)
                self._read_until = math.inf

    async def _write(self, data: bytes) -> None:
        try:
            try:
                self.send_lock.acquire_nowait()
            except trio.WouldBlock:
                await self.send_lock.acquire()
            try:
                await self.stream.send_all(data)
            finally:
                self.send_lock.release()
        except trio.Cancelled:
            # The protocol has counted these bytes as sent.
            self._socket_stream.abort()
            raise
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            log.debug("A connection was lost while writing to it: %s", error)
            self._end_reading_by(-math.inf)
            await self.protocol.handle(Closed())

    async def _read_data(self) -> None:
        while data := await self._receive():
            if not self._ending:
                await self.protocol.handle(RawData(data))

    async def _receive(self) -> bytes:
        deadline = trio.current_time() + (self.config.read_timeout or math.inf)
        # The scope is around the read alone: a protocol stopped half-way may never tell the application.
        with trio.CancelScope(deadline=min(deadline, self._read_until)) as self._receiving:
            try:
                return bytes(await self.stream.receive_some(MAX_RECV))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass
        return b""

    def _end_reading_by(self, deadline: float) -> None:
        self._ending = True
        self._read_by(deadline)

    def _read_by(self, deadline: float) -> None:
        self._read_until = deadline
        self._receiving.deadline = min(deadline, self._receiving.deadline)

    async def _hang_up(self) -> None:
        if self._ending:
            return
        if self._tls or self.context.terminated.is_set():
            self._end_reading_by(-math.inf)
            return
        self._end_reading_by(trio.current_time() + LINGER)
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await self._socket_stream.send_eof()

    def _wait_for_request(self) -> None:
        told = self._welcome is Welcome.TOLD
        self._read_by(trio.current_time() + (LINGER if told else self.config.keep_alive_timeout))

    async def _hear_of_end(self) -> None:
        with self._hearing:
            await self.context.terminated.wait()
            if self._idle:
                self._end_reading_by(-math.inf)


def repair_hypercorn(
    *, write_timeout: float, max_connections: float = math.inf, refuse: Refuse = refuse_plainly
) -> None:
    """Make hypercorn's trio worker serve connections by `RepairedTCPServer`, and offer only HTTP/1 over TLS.

    It holds for `hypercorn.trio.serve` and for `hypercorn -k trio module:app` alike: the worker imports the
    application's module before it looks up the class, so calling this at that module's import is early
    enough. Calling it again only changes the rules, for connections accepted from then on; those that were accepted
    before are no longer counted.

    `write_timeout` is in seconds, `max_connections` holds for this process, and `refuse` says what stands in an
    answer that no application gives. Raises `ValueError` when it is not positive, and `RuntimeError` for a
    hypercorn other than the one whose inside this was written against.
    """
    if not write_timeout > 0:
        raise ValueError(f"write_timeout must be positive, not {write_timeout!r}")
    installed = version("hypercorn")
    if not installed.startswith(f"{REPAIRED_VERSION}."):
        raise RuntimeError(f"hypercorn {installed} is installed, but the repairs are for {REPAIRED_VERSION}")
    RepairedTCPServer.rules = Rules(write_timeout, refuse, Crowd(max_connections))
    hypercorn.trio.run.TCPServer = RepairedTCPServer  # type: ignore[attr-defined, assignment]  # the hook
    Config.alpn_protocols = ["http/1.1"]
