"""Writing to a stream that may take nothing: a pipe that nobody reads, a terminal held by Ctrl-S, none at all.

A write to such a stream waits for ever, and with it all that runs in this thread: every client, and the signals. So
the stream is asked first, and what it does not take in time is lost.

Rules:

* A stream that takes nothing is waited for once, for `PATIENCE`; then no more, until it takes something again.
* A pipe or a terminal is opened anew: only so can a write to it not wait, while other processes' are as they were.
* Where that may not be, as with a pipe of another user's, no more is written at once than what a pipe takes that says
  that it takes something. Of several processes that write to it one may have another wait.
"""

from __future__ import annotations

import io
import os
import select
import stat
import sys
from contextlib import suppress
from typing import TextIO

PATIENCE = 0.05
"""Seconds: for whoever reads along, but was not scheduled in time."""


class Output:
    """A stream of lines, for as long as the process lives."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stuck = False
        self._rest_of_line = False
        self._descriptor: int | None = None
        self._poll = select.poll()
        try:
            self._descriptor = _open_anew(stream.fileno())
        except (AttributeError, io.UnsupportedOperation):
            return  # nothing of the system's, so it keeps nobody waiting
        self._poll.register(self._descriptor, select.POLLOUT)

    def write(self, line: str) -> bool:
        """Write a line; False if it was lost, or the end of it. Raises OSError when nobody is there to read it."""
        if self._descriptor is None:
            self._stream.write(line)
            self._stream.flush()
            return True
        left = ("\n" * self._rest_of_line + line).encode(self._stream.encoding, "backslashreplace")
        while left:
            if not self._poll.poll(0 if self._stuck else PATIENCE * 1000):
                self._stuck = True
                return False
            try:
                left = left[os.write(self._descriptor, left[: select.PIPE_BUF]) :]
            except BlockingIOError:
                self._stuck = True
                return False
            self._rest_of_line = bool(left)
        self._stuck = False
        return True


def _open_anew(descriptor: int) -> int:
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISFIFO(kind) or stat.S_ISCHR(kind):
        with suppress(OSError):
            return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    return descriptor


def open_missing_streams() -> None:
    """Have the standard streams that whoever started this process has closed lead to nowhere.

    Or the next file or socket to be opened would have their number, and what is written to them.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the least number that is free
            os.set_inheritable(number, True)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
