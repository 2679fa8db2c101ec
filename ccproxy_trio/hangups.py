"""SIGHUP where there is no server to tell of it: before the server is there, and when it has gone.

By default the signal ends a process, and who asks a server that starts to read its settings again asks for no such
thing. So it is taken note of from the first moment on. Nothing but the standard library is imported for that, as the
imports of a server are a good part of its start.
"""

from __future__ import annotations

import os
import signal


class Hangups:
    """SIGHUP as a note. Made by `take`."""

    def __init__(self) -> None:
        self.noted = False
        """Whether one has come that nobody else has heard of."""
        self._lives_in_terminal = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and _has_terminal()

    @classmethod
    def take(cls) -> Hangups:
        """Take note of the signal from now on, wherever nobody else takes it. For the main thread only.

        A handler, and not SIG_IGN, which children inherit.
        """
        hangups = cls()
        signal.signal(signal.SIGHUP, lambda *_: hangups.note())
        return hangups

    def note(self) -> None:
        """Take note of one."""
        self.noted = True

    @property
    def terminal_has_gone(self) -> bool:
        """Whether this process belonged to a terminal that is there no more.

        Whoever ignored the signal from the start on, as nohup has it, does not end with its terminal.
        """
        return self._lives_in_terminal and not _has_terminal()


def _has_terminal() -> bool:
    """Whether this process belongs to a terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
