"""An instance's private folder: an empty working directory and a TMPDIR, gone when the instance is.

Whoever owns a folder holds a lock on it (flock) for as long as it lives, and the kernel lets go of it however that
ends. So a folder that can be locked is a dead server's, and `sweep_private_folders` removes it. Neither its age nor
a process's number says anything.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "ccproxy-trio-"
_PARTS = frozenset({"work", "tmp"})


@frozen
class PrivateFolder:
    """Where an instance lives; only its owner may enter."""

    path: Path

    @property
    def working(self) -> Path:
        """The working directory: empty, so that nothing in it can reach a prompt."""
        return self.path / "work"

    @property
    def temporary(self) -> Path:
        """The TMPDIR: the CLI leaves sockets and probe files there."""
        return self.path / "tmp"


@contextmanager
def open_private_folder() -> Iterator[PrivateFolder]:
    """Make the folder; remove it with all that is in it at the end."""
    with ExitStack() as stack:
        folder = PrivateFolder(_make(stack))
        folder.working.mkdir()
        folder.temporary.mkdir()
        yield folder


def _make(stack: ExitStack) -> Path:
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX))
        stack.callback(shutil.rmtree, path, ignore_errors=True)
        # Another server's sweep may come between this and the lock; then it removes the folder.
        with suppress(FileNotFoundError, BlockingIOError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, lock)
            _lock(lock)
            path.stat()
            return path


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return  # a file system without locks; no sweep gets one there, either


def sweep_private_folders() -> None:
    """Remove what servers that are dead have left in the folder for temporary files. It never raises.

    Only what is this user's, and looks as `open_private_folder` makes it, is touched; no link is followed.
    """
    with suppress(OSError):
        for path in Path(tempfile.gettempdir()).iterdir():
            if path.name.startswith(PREFIX):
                with suppress(OSError):
                    _remove_if_stale(path)


def _remove_if_stale(path: Path) -> None:
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        ours = os.fstat(lock).st_uid == os.geteuid()
        if ours and _PARTS.issuperset(part.name for part in path.iterdir()):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(lock)
