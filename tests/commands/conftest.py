"""Commands in this process, with nothing of the machine's own in reach, and in processes of their own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from ccproxy_trio.cli import main
from tests.cli.conftest import claude_binary as claude_binary
from tests.serve.running import Scratch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty working directory and environment."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """The stand-in for the CLI, for commands and servers that run in it."""
    return Scratch(tmp_path, {"CLAUDE__DEMO": "true", "POOL_SETTINGS__MIN_SIZE": "1"})


def invoke(*arguments: str) -> Result:
    """Run a command in this process; what is not caught there fails the test."""
    return CliRunner().invoke(main, arguments, catch_exceptions=False, prog_name="ccproxy-trio")
