"""promtool, as Debian has it in its package `prometheus`."""

from __future__ import annotations

import shutil
import subprocess

import pytest
import trio


async def promtool(*arguments: str, stdin: bytes = b"") -> str:
    """Run it; what it says. A failure, or that it is not there, fails the test."""
    program = shutil.which("promtool")
    if program is None:
        pytest.fail("promtool is not there: apt-get install prometheus", pytrace=False)
    with trio.fail_after(60):
        done = await trio.run_process(
            [program, *arguments],
            stdin=stdin,
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            check=False,
        )
    said = done.stdout.decode()
    assert done.returncode == 0, said
    return said
