"""The tie by which the kernel kills a child, and all that it started, as soon as we are gone.

It is a pipe on which nothing is ever written: the child holds one end and we the other, which the kernel closes
however we end, by SIGKILL as well. It then signals whoever is set as the owner of the child's end: its process group.

* A parent-death signal would reach the child but not what the child started, and it would follow the thread that
  spawned, not the process.
* The kernel keeps the group itself, not its number: nobody is hit who is given the number later.
* A process can be tied only once it is there. So it begins as a shell that waits for a line, and becomes the child
  when it is tied: were we killed in between, the CLI would take more than two seconds to find that out by itself.
"""

from __future__ import annotations

import fcntl
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

GO = b"\n"
"""What the shell waits for on stdin. It takes no byte more."""


def wait_for_go(argv: Sequence[str]) -> list[str]:
    """The command line of a shell that becomes `argv` at `GO`, and ends at the end of its stdin."""
    return ["/bin/sh", "-c", 'read -r _ && exec "$@"', "sh", *argv]


class Lifeline:
    """The pipe. The child is to inherit the descriptor `theirs`, which is open until it is tied."""

    def __init__(self) -> None:
        # Nothing else that we start inherits either.
        self.theirs, self._ours = os.pipe()

    def tie(self, group: int) -> None:
        """Have this process group, whose leader has inherited `theirs`, killed when we are gone."""
        fcntl.fcntl(self.theirs, fcntl.F_SETOWN, -group)
        fcntl.fcntl(self.theirs, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(self.theirs, fcntl.F_SETFL, os.O_ASYNC)
        self._close_theirs()

    def close(self) -> None:
        """Let go: what is tied and still lives is killed."""
        self._close_theirs()
        os.close(self._ours)

    def _close_theirs(self) -> None:
        if self.theirs >= 0:
            os.close(self.theirs)
            self.theirs = -1
