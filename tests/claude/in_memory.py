"""Instances over the stand-in inside the test's own process: no pipe, no child, and its time is trio's.

So that they live under the mock clock, where moments can be compared for equality.
"""

from __future__ import annotations

import math
import signal
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING

import trio

from ccproxy_trio.claude.demo import session as demo_session
from ccproxy_trio.claude.instance import Instance, Timeouts
from ccproxy_trio.claude.launcher import Launcher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest


class MemoryProcess:
    """As much of a `Process` as an instance needs."""

    pid = 0
    stderr_tail = ""

    def __init__(self, world: World) -> None:
        self._world = world
        self._session = demo_session.Session(demo_session.Options(model="sonnet"), {})
        self._said = bytearray(self._session.greet())
        self._heard = trio.Event()
        self._returncode: int | None = None

    async def send(self, data: bytes) -> None:
        """Have the stand-in take it in."""
        await trio.lowlevel.checkpoint()
        for line in data.splitlines():
            self._world.heard.append(line)
            self._said += self._session.receive(line)
        self._heard.set()

    async def receive(self) -> bytes:
        """What the stand-in says when it is due, after the world's `lag`; nothing when it was killed."""
        if self._returncode is not None:
            await trio.lowlevel.checkpoint()
            return b""
        asked_at = trio.current_time()
        while trio.current_time() < asked_at + self._world.lag:  # noqa: ASYNC110 -- it may become shorter
            await trio.sleep(0.25)
        while not self._said:
            due, self._heard = self._session.due, trio.Event()
            with trio.move_on_at(trio.current_time() + 3600 if due is None else due):
                await self._heard.wait()
            if self._session.due is not None and self._session.due <= trio.current_time():
                self._said += self._session.proceed()
        said = bytes(self._said)
        self._said.clear()
        return said

    async def wait(self) -> int:
        """It never exits, unless it was killed before."""
        await trio.sleep(math.inf if self._returncode is None else 0)
        return self._returncode or 0

    def signal_group(self, number: signal.Signals) -> None:
        """Kill it; no other signal is sent to an instance that is used."""
        assert number is signal.SIGKILL
        self._returncode = -number

    def forget_stderr(self) -> None:
        """There is none."""


class World:
    """What all instances of a test have in common."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        """The lines that they were sent."""
        self.start = 0.0
        """How long a start takes, in seconds."""
        self.lag = 0.0
        """How long each of their words takes."""
        self.timeouts = Timeouts()

    def prompts(self, text: str) -> int:
        """How often `text` was asked, and not only told as a part of a history."""
        return sum(text.encode() in line and b'"shouldQuery":false' not in line for line in self.heard)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Instance]:
        """One more instance."""
        await trio.sleep(self.start)
        instance = Instance(MemoryProcess(self), self.timeouts, base_url="http://x", login=False)  # type: ignore[arg-type] # a stand-in for a Process
        await instance.start()
        instance.reusable = True
        yield instance

    def put_in_place(self, patch: pytest.MonkeyPatch) -> None:
        """Have every launcher open these."""
        patch.setattr(Launcher, "open", lambda _launcher: self.open())
        patch.setattr(demo_session, "time", SimpleNamespace(monotonic=trio.current_time))
