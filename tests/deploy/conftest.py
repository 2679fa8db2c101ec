"""A scratch folder for each test's server."""

from __future__ import annotations

from tests.cli.conftest import claude_binary as claude_binary
from tests.serve.conftest import scratch as scratch
