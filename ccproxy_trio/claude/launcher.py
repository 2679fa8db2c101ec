"""The pool's factory: opens instances of one CLI, after probing once what each version of it can do.

What the pool builds on is in part undocumented and changes with the version. So before the first conversation a
process of its own, without any credential and without a reachable API, is asked to take in a message for the history
and to forget it. When it does not forget, every instance serves one conversation and is replaced.

The binary may be replaced while we run, for it updates itself when its user starts it. So what counts is the version
that each process tells of itself.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from .errors import InstanceError, NotRewound
from .instance import open_instance
from .locate import refuse_version

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .instance import Instance, Timeouts
    from .locate import Launch


class Launcher:
    """Opens instances; `rewinds` is what the latest probe found, None before the first."""

    def __init__(self, launch: Launch, probe: Launch, timeouts: Timeouts) -> None:
        self._launch = launch
        self._probe = probe
        self._timeouts = timeouts
        self._lock = trio.Lock()
        self._probed: str | None = None
        self.rewinds: bool | None = None

    @property
    def version(self) -> str | None:
        """What the CLI's latest version calls itself, None before the first probe."""
        return self._probed

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Instance]:
        """A started instance. Raises OSError or InstanceError."""
        async with open_instance(self._launch, self._timeouts) as instance:
            instance.reusable = await self._can_rewind(instance.version)
            yield instance

    async def _can_rewind(self, version: str) -> bool:
        async with self._lock:
            if self.rewinds is None or self._probed != version:
                if (objection := refuse_version(version)) is not None:
                    raise InstanceError(f"the claude process is {objection}")
                self.rewinds = None  # a probe that fails leaves no answer, of another version least of all
                self.rewinds = await self._try_rewind()
            return self.rewinds

    async def _try_rewind(self) -> bool:
        async with open_instance(self._probe, self._timeouts) as instance:
            self._probed = instance.version
            await instance.remember("This message is here to be forgotten.")
            try:
                await instance.reset()
            except NotRewound:
                return False
            return True
