"""Who asks: a few clients of each key, one request after the other, and now and then a flood of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from attrs import define

from .client import Client
from .drawing import Asked, draw
from .numbers import FREE, LIMITED

if TYPE_CHECKING:
    from random import Random

    from .tally import Tally

CLIENTS_OF_A_KEY = 5
FLOOD = 30
"""Requests at once; with all others more than have a place in the pool or its line."""

_RESPITE = 0.5
"""Seconds that a client waits when it was told to come again."""


@define
class Load:
    """Requests against one server, numbered as they are begun."""

    port: int
    seed: int
    tally: Tally

    async def run(self, seconds: float, random: Random) -> None:
        """Ask for so long; then wait for the last answers."""
        until = trio.current_time() + seconds
        async with trio.open_nursery() as nursery:
            for key in (FREE, LIMITED):
                for _ in range(CLIENTS_OF_A_KEY):
                    nursery.start_soon(self._ask_on, key, until)
            nursery.start_soon(self._flood, until, random)

    async def ask(self, client: Client, asked: Asked) -> str:
        """One request, from its beginning to its verdict; what became of it."""
        self.tally.begun += 1
        return self.tally.note(await client.ask(asked))

    async def _ask_on(self, key: str, until: float) -> None:
        with Client(self.port) as client:
            while trio.current_time() < until:
                if await self.ask(client, self._draw(key)) in ("overloaded", "over its limits"):
                    await trio.sleep(_RESPITE)

    async def _flood(self, until: float, random: Random) -> None:
        while (at := trio.current_time() + random.uniform(3, 9)) < until:
            await trio.sleep_until(at)
            async with trio.open_nursery() as nursery:
                for _ in range(FLOOD):
                    nursery.start_soon(self._ask_once, random.choice((FREE, LIMITED)))

    async def _ask_once(self, key: str) -> None:
        with Client(self.port) as client:
            await self.ask(client, self._draw(key))

    def _draw(self, key: str) -> Asked:
        return draw(self.seed, self.tally.begun, key)
