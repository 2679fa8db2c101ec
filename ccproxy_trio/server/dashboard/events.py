"""GET /pool/events: a stream of server-sent events for whoever looks on.

    event: snapshot     {"now": seconds since the server's start, "state": everything}
    event: change       {"now": …, "change": a merge patch (RFC 7396) of what was told before}
    event: end          {"now": …}: the server ends, or whoever listens may not any more

Rules:

* Whoever comes is told everything first, and so is whoever comes back. An id says which run of the server an event is
  of, and which look at it; a `Last-Event-ID` is not needed.
* No more than one event each `INTERVAL`, and one each `HEARTBEAT` at least, so that a dead connection is noticed.
* Nothing waits for a listener. One that takes long to read an event is told next what has changed since that event,
  in one; one that takes none at all is cut off, as every client is (`server.write_timeout`).
* There are `MOST` of them at most. They borrow nothing of the pool, end when the server does, and their connections
  give way to clients'.
* One whose key is taken away, or expires, is told no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import trio
from attrs import frozen
from quart import g

from ccproxy_trio.dialects.failures import Failure
from ccproxy_trio.server.failures import Refused
from ccproxy_trio.server.transport import look_on, request_stack, stream_response

from .state import difference

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from quart import Response

    from ccproxy_trio.server.access import Access
    from ccproxy_trio.server.transport.onlookers import Connection

    from .state import State

INTERVAL = 0.25
HEARTBEAT = 5.0
MOST = 16
RETRY = 1.0
"""Seconds after which a listener that was cut off is to come back."""

_HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store"}


@frozen
class Looked:
    """What was seen at one moment."""

    time: float
    """In trio's time."""
    now: float
    """The same since the server's start."""
    id: str
    state: State


class Listeners:
    """All who listen."""

    access: Access
    """The way in, as it is now."""

    def __init__(self, look: Callable[[], Looked], look_closer: Callable[[], Awaitable[None]]) -> None:
        self._look = look
        self._look_closer = look_closer
        self._count = 0

    def listen(self) -> Response:
        """Answer the request under way with the stream. Raises Refused."""
        if self._count >= MOST:
            said = f"{MOST} listeners look on already, and there may be no more"
            raise Refused(Failure(429, said, retry_after=HEARTBEAT))
        self._count += 1
        request_stack().callback(self._leave)
        caller, entrance = g.caller, g.endpoints.access

        def may_stay() -> bool:
            return self.access.still_knows(caller, entrance)

        return stream_response(self._tell(look_on(), may_stay), headers=_HEADERS)

    def _leave(self) -> None:
        self._count -= 1

    async def _tell(
        self, connection: Connection, may_stay: Callable[[], bool]
    ) -> AsyncGenerator[bytes, None]:
        told = self._look()
        retry = b"retry: %d\n" % (RETRY * 1000)
        yield retry + encode(told, "snapshot", {"state": told.state})
        while may_stay():
            with trio.move_on_after(INTERVAL):
                await connection.until_server_ends()
                break
            await self._look_closer()
            seen = self._look()
            change = difference(told.state, seen.state)
            if change or seen.time - told.time >= HEARTBEAT:
                yield encode(seen, "change", {"change": change})
                told = seen
        yield encode(self._look(), "end", {})


def encode(looked: Looked, name: str, said: dict[str, Any]) -> bytes:
    """One event."""
    data = orjson.dumps({"now": round(looked.now, 3), **said})
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (looked.id.encode(), name.encode(), data)
