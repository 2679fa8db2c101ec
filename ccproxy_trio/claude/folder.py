"""An instance's private folder: an empty working directory and a TMPDIR, gone when the instance is."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "ccproxy-trio-"


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
    folder = PrivateFolder(Path(tempfile.mkdtemp(prefix=PREFIX)))
    try:
        folder.working.mkdir()
        folder.temporary.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder.path, ignore_errors=True)
