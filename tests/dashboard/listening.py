"""A listener of /pool/events: it keeps what it was told, and puts the state together from it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import orjson

from ccproxy_trio.dialects.sse import EventDecoder
from tests.dashboard.test_state import merge
from tests.server.http_client import open_exchange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from tests.server.http_client import Exchange


class Listener:
    """One that listens."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.state: dict[str, Any] = {}
        self.names: list[str] = []
        self.ids: list[str] = []
        self.raw = b""
        self._decoder = EventDecoder()

    async def hear(self) -> bool:
        """Take in what comes next; whether anything came."""
        chunk = await self.exchange.chunk()
        self.raw += chunk
        for event in self._decoder.feed(chunk):
            self.names.append(event.name)
            self.ids.append(event.last_event_id)
            told = orjson.loads(event.data)
            if event.name == "snapshot":
                self.state = told["state"]
            else:
                self.state = merge(self.state, told.get("change", {}))
        return bool(chunk)

    async def until(self, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Wait until something is true of the state."""
        while not self.state or not holds(self.state):
            assert await self.hear(), self.state
        return self.state

    @property
    def states(self) -> list[str]:
        """Those of the instances, in order."""
        return sorted(each["state"] for each in self.state["instances"].values())


@asynccontextmanager
async def open_listener(
    port: int, *, headers: Mapping[str, str] | None = None, receive_buffer: int | None = None
) -> AsyncIterator[Listener]:
    """Listen for as long as the block lasts."""
    async with open_exchange(
        port, "/pool/events", method="GET", headers=headers, receive_buffer=receive_buffer
    ) as exchange:
        yield Listener(exchange)
