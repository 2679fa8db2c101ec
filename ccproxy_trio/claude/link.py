"""Frames to and from one child, in order: the thin piece between a process and the exchange with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from .errors import InstanceDied, InstanceNonsense
from .frames import MAX_LINE, Frame, FrameError, LineSplitter, parse_frame

if TYPE_CHECKING:
    from .process import Process

_EXIT_GRACE = 1.0


class Link:
    """Reads and writes whole frames."""

    def __init__(self, process: Process, max_line: int = MAX_LINE) -> None:
        self._process = process
        self._lines = LineSplitter(max_line)
        self.sound = True
        """False once anything went wrong: a write broken off half-way, an end of output, a line of nonsense."""
        self.private = False
        """Whether what the child writes to stderr may quote a conversation."""

    async def send(self, frames: list[bytes]) -> None:
        """Write frames in one go. Raises InstanceDied."""
        if not self.sound:
            raise InstanceNonsense("something went wrong on the line to the claude process before")
        self.sound = False  # half a frame is written when this is cancelled
        try:
            await self._process.send(b"".join(frames))
        except trio.BrokenResourceError:
            raise await self._death() from None
        self.sound = True

    async def receive(self) -> list[Frame]:
        """The frames that have come, at least one. Raises InstanceDied or InstanceNonsense.

        A cancelled call loses nothing.
        """
        while True:
            chunk = await self._process.receive()
            if not chunk:
                self.sound = False
                raise await self._death()
            try:
                frames = [parse_frame(line) for line in self._lines.feed(chunk) if line]
            except FrameError as error:
                self.sound = False
                raise InstanceNonsense(f"the claude process wrote {error}") from None
            if frames:
                return frames

    async def _death(self) -> InstanceDied:
        returncode = None
        with trio.move_on_after(_EXIT_GRACE):
            returncode = await self._process.wait()
        return InstanceDied(returncode, self._process.stderr_tail, private=self.private)
