"""A scratch folder for each test's server, and the ways to start one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import claude_binary as claude_binary
from tests.serve.running import WAYS, Scratch, Way

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """With the stand-in for the CLI, and one instance kept."""
    return Scratch(tmp_path, {"CLAUDE__DEMO": "true", "POOL_SETTINGS__MIN_SIZE": "1"})


@pytest.fixture(params=WAYS, ids=str)
def way(request: pytest.FixtureRequest) -> Way:
    """Each way to start the server."""
    way: Way = request.param
    return way
