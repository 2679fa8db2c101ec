"""The same servers for OpenAI's official client, and one that is set up otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import openai
import pytest

from tests.sdk.conftest import PATIENCE, fetch_suite, in_thread, open_demo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sdk.suite import Suite

OTHERWISE = {
    "OPENAI__UNSUPPORTED": "ignore",
    "OPENAI__REASONING_CONTENT": "false",
    "POOL_SETTINGS__MIN_SIZE": "1",
    "POOL_SETTINGS__MAX_SIZE": "1",
    "POOL_SETTINGS__ACQUIRE_TIMEOUT": "0.1",
}


def open_client(url: str) -> openai.OpenAI:
    """The official client, which asks once and tells every failure."""
    return openai.OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0, timeout=PATIENCE)


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    """A client of each of the two servers."""
    with open_client(url) as client:
        yield client


@pytest.fixture(scope="package")
def narrow_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server over the stand-in listens that has one instance, hides thoughts, and leaves out what it must."""
    with in_thread(open_demo(tmp_path_factory.mktemp("narrow"), OTHERWISE)) as url:
        yield url


@pytest.fixture
def narrow(narrow_url: str) -> Iterator[openai.OpenAI]:
    """A client of that server, which comes again while the instance is getting ready."""
    with open_client(narrow_url) as client:
        yield client.with_options(max_retries=9)


@pytest.fixture(scope="session")
def suite(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """The client's own tests."""
    return fetch_suite(Path(__file__).with_name("expected.toml"), pytestconfig, tmp_path_factory)
