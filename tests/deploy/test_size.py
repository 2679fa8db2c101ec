"""benchmarks.size runs, with numbers too small to mean anything, and prints what docs/scaling.md is made of."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.deploy.unit import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.cli
@pytest.mark.timeout(300)
def test_it_measures(claude_binary: Path) -> None:
    argv = (sys.executable, "-m", "benchmarks.size", "--instances", "1", "--turns", "2", "--history", "1")
    env = {"PATH": os.environ["PATH"]}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    heads = [row for row in rows if row[0] == "process"]
    measured = [row for row in rows if row[0] != "process"]
    assert len(heads) == 2
    assert [row[0] for row in measured] == ["the server", "an instance"] * 10
    for _, when, rss, pss, cpu, threads, files in measured:
        assert float(rss) >= float(pss) > 0
        assert int(threads) > 0
        assert int(files) > 0
        assert (cpu == "-") == (when == "at rest, never used")
