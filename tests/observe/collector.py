"""A collector of traces on loopback, by OTLP over HTTP."""

from __future__ import annotations

import gzip
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import h11
import trio
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span


class Collector:
    """Where it listens, and what it was given."""

    def __init__(self, port: int, *, silent: bool) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.headers: list[dict[str, str]] = []
        self.resources: list[ResourceSpans] = []
        self.asked = trio.Event()
        self._silent = silent

    @property
    def spans(self) -> list[Span]:
        """All of them."""
        return [span for each in self.resources for scope in each.scope_spans for span in scope.spans]

    async def serve(self, stream: trio.SocketStream) -> None:
        async with stream:
            connection, body = h11.Connection(h11.SERVER), b""
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    connection.receive_data(await stream.receive_some())
                elif isinstance(event, h11.Request):
                    assert (event.method, event.target) == (b"POST", b"/v1/traces")
                    head = {name.decode(): value.decode() for name, value in event.headers}
                    self.headers.append(head)
                    body = b""
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    self.asked.set()
                    if self._silent:
                        await trio.sleep_forever()
                    plain = gzip.decompress(body) if head.get("content-encoding") == "gzip" else body
                    self.resources += ExportTraceServiceRequest.FromString(plain).resource_spans
                    answer = h11.Response(status_code=200, headers=[("content-length", "0")])
                    for part in (answer, h11.EndOfMessage()):
                        await stream.send_all(connection.send(part) or b"")
                    connection.start_next_cycle()
                else:
                    return


@asynccontextmanager
async def open_collector(*, silent: bool = False) -> AsyncIterator[Collector]:
    """Run one; a `silent` one takes what it is given and never answers."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    collector = Collector(listener.socket.getsockname()[1], silent=silent)
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, collector.serve, [listener])
        yield collector
        nursery.cancel_scope.cancel()
