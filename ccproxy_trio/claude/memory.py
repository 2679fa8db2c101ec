"""The memory that processes take, as the kernel tells it: looked up in a thread, seldom, and for whoever asks.

Rules:
* Reading one process's pages holds its memory map for about a millisecond for each 100 MB, and longer for one that
  hangs. So it is done in a thread, one at a time, and nobody waits for it longer than `PATIENCE`.
* What was read counts for `AGE` seconds, or for `AGE_WITH_NEW` if a process is asked for that was not there then,
  whoever asks in between; nothing is read while nobody asks.
* A process that is gone, or that may not be looked at, has no numbers. That is no error.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import trio
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

AGE = 5.0
AGE_WITH_NEW = 1.0
PATIENCE = 2.0

_LINE = re.compile(rb"^(Rss|Pss): +(\d+) kB$", re.MULTILINE)


@frozen
class Memory:
    """What one process takes, in bytes."""

    rss: int
    """Its pages in memory, with those that it shares with others."""
    pss: int
    """The same, with only its part of the shared ones: these can be added up."""


def read_memory(pid: int) -> Memory | None:
    """What a process takes now. Blocks, for milliseconds as a rule."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_bytes()
    except OSError:
        return None
    sizes = {name: int(size) * 1024 for name, size in _LINE.findall(told)}
    return Memory(sizes[b"Rss"], sizes[b"Pss"]) if len(sizes) == 2 else None


class MemoryReadings:
    """The latest numbers of some processes."""

    def __init__(self) -> None:
        self.latest: Mapping[int, Memory] = {}
        """By process id."""
        self._read_at: float | None = None
        self._thread = trio.CapacityLimiter(1)

    async def refresh(self, pids: Collection[int]) -> None:
        """Read anew what these processes take, if the latest numbers are too old and nobody is at it."""
        await trio.lowlevel.checkpoint()
        now = trio.current_time()
        if not pids:
            self.latest = {}
            return
        age = AGE if all(pid in self.latest for pid in pids) else AGE_WITH_NEW
        if self._thread.borrowed_tokens or (self._read_at is not None and now - self._read_at < age):
            return
        self._read_at = now
        wanted = tuple(pids)

        def read() -> dict[int, Memory]:
            return {pid: memory for pid in wanted if (memory := read_memory(pid)) is not None}

        with trio.move_on_after(PATIENCE):
            self.latest = await trio.to_thread.run_sync(read, abandon_on_cancel=True, limiter=self._thread)
