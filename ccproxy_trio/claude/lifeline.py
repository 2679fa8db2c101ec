"""The tie by which the kernel kills a child, and all that it started, as soon as we are gone.

It is a pipe on which nothing is ever written: the child holds one end and we the other, which the kernel closes
however we end, by SIGKILL as well. It then signals whoever is set as the owner of the child's end: its process group.

* A parent-death signal would reach the child but not what the child started, and it would follow the thread that
  spawned, not the process.
* The kernel keeps the group itself, not its number: nobody is hit who is given the number later.
* The child is untied for the millisecond between its start and `tie`. When we are killed in it, the child comes to
  the end of its stdin before it has been told anything.
"""

from __future__ import annotations

import fcntl
import os
import signal


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
