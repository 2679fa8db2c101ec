"""What the tests of the real CLI need: the binary, a fake API on loopback, and an environment built from nothing.

Neither a login nor anything of the machine's own is in reach: HOME is a scratch folder and the key is a dummy. A
binary that is not there fails the tests; it never skips them.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fake_api import FakeApi, open_fake_api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

_SWITCHES = (
    "CLAUDE_AGENT_SDK_MCP_NO_PREFIX",
    "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS",
    "CLAUDE_CODE_DISABLE_LEGACY_MODEL_REMAP",
    "CLAUDE_CODE_DISABLE_MODEL_ACCESS_FALLBACK",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK",
    "CLAUDE_CODE_DISABLE_REFUSAL_FALLBACK",
    "CLAUDE_CODE_DISABLE_REFUSAL_RETRY",
    "CLAUDE_CODE_NO_MODEL_FALLBACK",
    "DISABLE_AUTOUPDATER",
    "DISABLE_ERROR_REPORTING",
    "DISABLE_TELEMETRY",
)


@pytest.fixture(scope="session")
def claude_binary() -> Path:
    """The binary inside the claude-agent-sdk wheel, which is looked up but not imported."""
    spec = importlib.util.find_spec("claude_agent_sdk")
    if spec is None or not spec.submodule_search_locations:
        pytest.fail("claude-agent-sdk is not installed: pip install 'ccproxy-trio[cli]'", pytrace=False)
    binary = Path(spec.submodule_search_locations[0], "_bundled", "claude")
    if not os.access(binary, os.X_OK):
        pytest.fail(f"{binary} is not there or cannot be executed", pytrace=False)
    return binary


@pytest.fixture
async def fake_api() -> AsyncIterator[FakeApi]:
    """An Anthropic API on loopback; `requests` says what has come."""
    async with open_fake_api() as api:
        yield api


@pytest.fixture
def cli_environment(fake_api: FakeApi, tmp_path: Path) -> Mapping[str, str]:
    """The whole environment of a CLI child; nothing of ours is inherited but PATH."""
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "LANG": "C.UTF-8",
        "ANTHROPIC_API_KEY": "dummy",
        "ANTHROPIC_BASE_URL": fake_api.url,
        "CLAUDE_CODE_MAX_RETRIES": "0",
        **dict.fromkeys(_SWITCHES, "1"),
    }
