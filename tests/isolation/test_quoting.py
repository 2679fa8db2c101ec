"""Upstream's errors and a child's last words may quote a conversation: its client is told them, and nobody else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.isolation.canaries import canary, find_canaries
from tests.isolation.run import check_nothing_left
from tests.isolation.twisted import twisted_cli
from tests.server.proxy import Backend, Proxy, open_proxy

if TYPE_CHECKING:
    from pathlib import Path

PROMPTS = (
    "[[status=500; message={word} is no good]]",
    "[[status=400; message={word} is no good]]",
    "[[error=api_error; message={word} is no good; at=5; gap=0.01]]",
)


async def check_nobody_knows(proxy: Proxy, home: str, caplog: pytest.LogCaptureFixture) -> None:
    await proxy.settle()
    for page in ("/pool/stats", "/readyz", "/v1/models"):
        assert find_canaries(repr(await proxy.get(page))) == set()
    assert find_canaries((await proxy.ask("[[dump]]")).body) == set()
    check_nothing_left(home, caplog)


async def test_what_upstream_quotes(backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for prompt in PROMPTS:
            for stream in (False, True):
                reply = await proxy.ask(prompt.format(word=canary(1)), stream=stream)
                assert f"{canary(1)} is no good" in reply.failure[2]
        await check_nobody_knows(proxy, backend.environ["HOME"], caplog)


@pytest.mark.parametrize("prompt", ["{word} [[quote; delay=9]]", "{word} [[quote; deltas=100; gap=0.02]]"])
async def test_what_a_child_says_in_the_end(
    demo: Backend, tmp_path: Path, prompt: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_proxy(twisted_cli(tmp_path, demo), pool={"max_size": 1}) as proxy:
        reply = await proxy.ask(prompt.format(word=canary(1)), stream=True)
        assert "the claude process exited with status 70: " in reply.failure[2]
        assert canary(1) in reply.failure[2]
        await check_nobody_knows(proxy, demo.environ["HOME"], caplog)
        assert proxy.statistics.created == 2
