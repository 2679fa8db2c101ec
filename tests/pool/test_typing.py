"""The pool's types, as those who embed it see them: T comes from the factory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(240)  # The first time mypy reads trio and much of the standard library.
def test_the_type_of_the_resource_comes_from_the_factory() -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "tests/pool/typed.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
