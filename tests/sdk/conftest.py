"""The server as people run it, for synchronous clients: it runs in a thread, for as long as the tests need it.

Over the stand-in, and over the real binary with a fake API behind it; both answer as the prompt's directives ask.
"""

from __future__ import annotations

import json
import os
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anthropic
import anyio.from_thread
import pytest

from tests.cli.conftest import claude_binary as claude_binary
from tests.fake_api import open_fake_api
from tests.sdk.suite import Suite, unpack_suite
from tests.serve.running import SERVE, Scratch, open_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from contextlib import AbstractAsyncContextManager

PATIENCE = 30.0
"""How long a client waits, in seconds."""

NAMES = {"model_id": "opus", "after_id": "opus", "before_id": "haiku", "gpt-*": "sonnet"}
"""What the clients' own tests, and ours of OpenAI's client, call models: names that an operator can give them."""


@asynccontextmanager
async def open_demo(folder: Path, variables: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """The server over the stand-in, with these settings beside the usual; its address."""
    variables = {"CLAUDE__DEMO": "true", "CLAUDE__MODELS": json.dumps(NAMES), **(variables or {})}
    async with open_server(SERVE, Scratch(folder, variables)) as server:
        yield f"http://127.0.0.1:{server.port}"


@asynccontextmanager
async def open_real(folder: Path, binary: Path) -> AsyncIterator[str]:
    """The server over the binary, with a key that only the fake API takes; its address."""
    async with open_fake_api() as api:
        variables = {
            "ANTHROPIC_BASE_URL": api.url,
            "ANTHROPIC_API_KEY": "dummy",
            "CLAUDE__CLI_PATH": str(binary),
            "CLAUDE__MODELS": json.dumps(NAMES),
            "POOL_SETTINGS__ACQUIRE_TIMEOUT": str(PATIENCE),
        }
        async with open_server(SERVE, Scratch(folder, variables)) as server:
            yield f"http://127.0.0.1:{server.port}"


@contextmanager
def in_thread(opened: AbstractAsyncContextManager[str]) -> Iterator[str]:
    """What is opened runs under trio in a thread, until the block ends."""
    with (
        anyio.from_thread.start_blocking_portal("trio") as portal,
        portal.wrap_async_context_manager(opened) as url,
    ):
        yield url


@pytest.fixture(scope="package")
def demo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the server over the stand-in listens."""
    with in_thread(open_demo(tmp_path_factory.mktemp("demo"))) as url:
        yield url


@pytest.fixture(scope="package")
def real_url(tmp_path_factory: pytest.TempPathFactory, claude_binary: Path) -> Iterator[str]:
    """Where the server over the real binary listens."""
    with in_thread(open_real(tmp_path_factory.mktemp("real"), claude_binary)) as url:
        yield url


@pytest.fixture(params=["demo_url", pytest.param("real_url", marks=pytest.mark.cli)], ids=["demo", "cli"])
def url(request: pytest.FixtureRequest) -> str:
    """Each of the two."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture(autouse=True)
def nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clients find no key, address or header of the machine's own."""
    for name in [name for name in os.environ if name.startswith(("ANTHROPIC_", "OPENAI_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def client(url: str) -> Iterator[anthropic.Anthropic]:
    """The official client, which asks once and tells every failure."""
    with anthropic.Anthropic(base_url=url, api_key="any", max_retries=0, timeout=PATIENCE) as client:
        yield client


@pytest.fixture(scope="session")
def suite(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """The client's own tests."""
    return fetch_suite(Path(__file__).with_name("expected.toml"), pytestconfig, tmp_path_factory)


def fetch_suite(listed: Path, config: pytest.Config, folders: pytest.TempPathFactory) -> Suite:
    """A client's own tests; the archives they come in are kept in pytest's cache."""
    cache: pytest.Cache | None = getattr(config, "cache", None)  # there is none without its plugin
    kept: Path = cache.mkdir("sdists") if cache else folders.mktemp("sdists")
    return unpack_suite(listed, kept, folders.mktemp("suite"))
