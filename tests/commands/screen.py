"""A terminal: what a command that runs in it has made of its screen."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import termios
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

_PIECE = re.compile(r"\x1b\[(\d*)([A-Za-z])|\r|\n|[^\x1b\r\n]+")


class Screen:
    """The lines on it. It knows what moves the cursor up, erases from there, and colours; the rest is a mistake."""

    def __init__(self) -> None:
        self.lines = [""]
        self.coloured = False
        self._row = 0

    def feed(self, text: str) -> None:
        """Take what the command has written."""
        end = 0
        for found in _PIECE.finditer(text):
            assert found.start() == end, text[end : found.start()]
            end = found.end()
            self._apply(found)
        assert end == len(text), text[end:]

    def _apply(self, found: re.Match[str]) -> None:
        match found[2]:
            case "A":
                self._row -= int(found[1])
                assert self._row >= 0
            case "J":
                del self.lines[self._row :]
                self.lines.append("")
            case "m":
                self.coloured = True
            case None if found[0] == "\n":
                self._row += 1
                self.lines += [""] * (self._row + 1 - len(self.lines))
            case None if found[0] != "\r":
                self.lines[self._row] += found[0]
            case None:
                pass
            case _:
                raise AssertionError(f"{found[0]!r} is not known")


class Session:
    """A command in a terminal. Made by `open_session`."""

    def __init__(self, process: trio.Process, width: int, height: int) -> None:
        self.process = process
        self.screen = Screen()
        self.width = width
        self.height = height
        self.tables = 0
        """How often it was written to."""
        self._changed = trio.Event()

    async def until(self, holds: Callable[[str], bool]) -> str:
        """Wait until something is true of the screen's text."""
        with trio.fail_after(30):
            while not holds(text := "\n".join(self.screen.lines)):
                await self._changed.wait()
        return text

    async def read(self, master: trio.lowlevel.FdStream) -> None:
        """Keep the screen as the command writes it."""
        rest = b""
        while True:
            try:
                chunk = await master.receive_some()
            except trio.BrokenResourceError:  # how a terminal ends for the one who holds it
                return
            # An escape sequence may be cut by the chunk's end; each table ends with its line.
            whole, newline, rest = (rest + bytes(chunk)).rpartition(b"\n")
            self.screen.feed((whole + newline).decode())
            assert max(map(len, self.screen.lines)) < self.width
            assert len(self.screen.lines) <= self.height
            self.tables += 1
            self._changed.set()
            self._changed = trio.Event()


@asynccontextmanager
async def open_session(
    command: Sequence[str], env: Mapping[str, str], cwd: Path, *, width: int = 80, height: int = 40
) -> AsyncIterator[Session]:
    """Run a command in a terminal of its own; it has ended when the block has."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    try:
        process = await trio.lowlevel.open_process(
            command, stdin=slave, stdout=slave, stderr=slave, env=env, cwd=cwd
        )
    finally:
        os.close(slave)
    session = Session(process, width, height)
    try:
        async with trio.lowlevel.FdStream(master) as stream, trio.open_nursery() as nursery:
            nursery.start_soon(session.read, stream)
            yield session
            with trio.fail_after(30):
                await process.wait()
            nursery.cancel_scope.cancel()
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
