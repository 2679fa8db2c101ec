"""What these tests make: in-memory things, from a factory whose gates go by short names."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ccproxy_trio.pool.testing import Gate as Gate
from ccproxy_trio.pool.testing import GatedFactory
from ccproxy_trio.pool.testing import error as error
from ccproxy_trio.pool.testing import never as never
from ccproxy_trio.pool.testing import ok as ok
from ccproxy_trio.pool.testing import slow as slow

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Thing:
    """A resource."""

    def __init__(self, shop: Workshop) -> None:
        self.number = len(shop.records) + 1
        self.tag: str | None = None
        self.holders = 0
        self._shop = shop

    def __repr__(self) -> str:
        return f"<thing {self.number}>"

    @property
    def checks(self) -> list[float]:
        """When it was checked."""
        return self._shop.record(self).checks

    @property
    def resets(self) -> list[float]:
        """When it was reset."""
        return self._shop.record(self).resets

    def die(self, cause: Exception | None) -> None:
        """End by itself: with an error, or quietly."""
        self._shop.kill(self, cause)


def _gate(name: str) -> property:
    def get(shop: Workshop) -> Gate:
        return getattr(shop.gates, name)

    def put(shop: Workshop, gate: Gate) -> None:
        setattr(shop.gates, name, gate)

    return property(get, put)


class Workshop(GatedFactory[Thing]):
    """Makes things; its gates can be changed at any time."""

    create = _gate("create")
    check_gate = _gate("check")
    reset_gate = _gate("reset")
    close = _gate("close")

    def __init__(self) -> None:
        super().__init__(self._make)

    @asynccontextmanager
    async def _make(self) -> AsyncGenerator[Thing]:
        yield Thing(self)
