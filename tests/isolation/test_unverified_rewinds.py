"""An instance that cannot be shown to have forgotten is ended, and whoever comes next is served by another."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.isolation.canaries import canary, find_canaries
from tests.isolation.twisted import TWISTS, twisted_cli
from tests.server.conversations import assistant, conversation, user
from tests.server.proxy import Backend, Proxy, children, eventually, open_proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CONTROL = {"control_timeout": 1.0}
NEXT = "Who was here? [[dump]]"


@asynccontextmanager
async def open_twisted(demo: Backend, folder: Path) -> AsyncIterator[Proxy]:
    """One instance at a time; none is replaced before it has rewound truthfully once."""
    async with open_proxy(twisted_cli(folder, demo), pool={"max_size": 1}, claude=CONTROL) as proxy:
        assert json.loads((await proxy.ask(NEXT)).text)["messages"]
        assert (await proxy.settle()).created == 1
        yield proxy


async def check_next(proxy: Proxy, before: set[int]) -> None:
    """The child is gone, and its successor knows nothing."""
    await eventually(lambda: not before & children())
    reply = await proxy.ask(NEXT)
    assert conversation(json.loads(reply.text)) == [user(NEXT)]
    assert find_canaries(reply.body) == set()
    statistics = await proxy.settle()
    assert (statistics.created, statistics.reset_failures) == (2, 1)
    assert find_canaries(str(statistics.last_error)) == set()


@pytest.mark.parametrize("twist", TWISTS)
async def test_after_an_answer(demo: Backend, tmp_path: Path, twist: str) -> None:
    async with open_twisted(demo, tmp_path) as proxy:
        before = children()
        history = [user(canary(1)), assistant(canary(2)), user(f"{canary(3)} [[twist={twist}]]")]
        assert canary(3) in (await proxy.ask(history)).text
        await check_next(proxy, before)


@pytest.mark.parametrize("twist", TWISTS)
async def test_after_its_client_has_left(demo: Backend, tmp_path: Path, twist: str) -> None:
    async with open_twisted(demo, tmp_path) as proxy:
        before = children()
        async with proxy.open(f"{canary(1)} [[twist={twist}; deltas=200; gap=0.02]]", stream=True) as left:
            await left.until("content_block_delta")
        await check_next(proxy, before)
