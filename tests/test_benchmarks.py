"""The benchmarks run, with numbers too small to mean anything, and print what they promise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import claude_binary as claude_binary

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.timeout(300)


def run(module: str, *argv: str) -> list[list[str]]:
    """The cells of the table that it prints, row by row; the environment has nothing of ours but PATH."""
    argv = (sys.executable, "-m", module, *argv)
    env = {"PATH": os.environ["PATH"]}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.cli
def test_history(claude_binary: Path) -> None:
    head, *rows = run("benchmarks.history", "--processes", "1", "--rounds", "2", "--pairs", "1", "3")
    assert [row[:2] for row in rows] == [["0", "2"], ["1", "2"], ["3", "2"]]
    for row in rows:
        assert len(row) == len(head)
        assert all(float(cell) >= 0 for cell in row if cell != "-")
        assert row.count("-") == (6 if row[0] == "0" else 0)


@pytest.mark.cli
def test_turn(claude_binary: Path) -> None:
    _, *rows = run("benchmarks.turn", "--starts", "2", "--turns", "2", "--rounds", "1")
    names = ["spawn per request", "fresh spare", "reused instance", "reused, through HTTP"]
    assert [row[:2] for row in rows] == [[name, "2"] for name in names]
    assert all(float(cell) > 0 for row in rows for cell in row[2:])


def test_pool() -> None:
    head, *rows = run("benchmarks.pool", "--rounds", "2")
    measured = {name: cells for name, *cells in rows}
    # The pools of others are measured where they are installed.
    assert {"bare memory channel", "ccproxy_trio.pool", "bare asyncio.Queue"} <= set(measured)
    for loop, *numbers, first_done in measured.values():
        assert len(numbers) == len(head) - 3
        assert loop in ("trio", "asyncio", "threads")
        assert all(float(cell) > 0 for cell in numbers)
        assert first_done.endswith("%")
    # Each channel's ratio to itself.
    assert measured["bare memory channel"][3::3] == ["1.00", "1.00"]
