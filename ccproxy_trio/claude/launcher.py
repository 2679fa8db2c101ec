"""The pool's factory: opens instances of one CLI, after probing once what that CLI can do.

What the pool builds on is in part undocumented and changes with the version. So before the first conversation a
process of its own, without any credential and without a reachable API, is asked to take in a message for the history
and to forget it. When it does not forget, every instance serves one conversation and is replaced.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from .errors import NotRewound
from .instance import open_instance

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .instance import Instance, Timeouts
    from .locate import Launch


class Launcher:
    """Opens instances; `rewinds` is None until the first one probed the CLI."""

    def __init__(self, launch: Launch, probe: Launch, timeouts: Timeouts) -> None:
        self._launch = launch
        self._probe = probe
        self._timeouts = timeouts
        self._lock = trio.Lock()
        self.rewinds: bool | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Instance]:
        """A started instance. Raises OSError or InstanceError."""
        async with self._lock:
            if self.rewinds is None:
                self.rewinds = await self._try_rewind()
        async with open_instance(self._launch, self._timeouts) as instance:
            instance.reusable = self.rewinds
            yield instance

    async def _try_rewind(self) -> bool:
        async with open_instance(self._probe, self._timeouts) as instance:
            await instance.remember("This message is here to be forgotten.")
            try:
                await instance.reset()
            except NotRewound:
                return False
            return True
