"""The same server over the real binary, which talks to a fake API on loopback."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

import pytest
import trio
from attrs import evolve

from tests.fake_api import open_fake_api
from tests.serve.running import SERVE, open_server, read_in_vain
from tests.serve.test_kill import AT_ONCE
from tests.server.proxy import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.serve.running import Scratch


@pytest.mark.cli
async def test_the_real_binary(scratch: Scratch, claude_binary: Path) -> None:
    async with open_fake_api() as api:
        variables = {
            "ANTHROPIC_BASE_URL": api.url,
            "ANTHROPIC_API_KEY": "dummy",
            "CLAUDE__CLI_PATH": str(claude_binary),
            "POOL_SETTINGS__MIN_SIZE": "2",
            "POOL_SETTINGS__ACQUIRE_TIMEOUT": "20",
        }
        async with open_server(SERVE, evolve(scratch, variables=variables)) as server:
            found = re.search(
                r"^  claude  (.*) \d+\.\d+\.\d+\n  login   (.*)$", server.stdout.value, re.MULTILINE
            )
            assert found is not None
            assert found.groups() == (str(claude_binary), "API key from ANTHROPIC_API_KEY")
            async with server.stream("[[deltas=20; gap=0.05]] the whole of it") as stream:
                await stream.until("content_block_delta")
                await scratch.until(lambda: len(scratch.instances) == 2)
                server.send_signal(signal.SIGTERM)
                assert b"event: message_stop\n" in (await stream.read()).body
            assert await server.wait() == 0


@pytest.mark.cli
@pytest.mark.parametrize("when", ["starting", "at work"])
async def test_killed(scratch: Scratch, claude_binary: Path, when: str) -> None:
    async with open_fake_api() as api:
        variables = {
            "ANTHROPIC_BASE_URL": api.url,
            "ANTHROPIC_API_KEY": "dummy",
            "CLAUDE__CLI_PATH": str(claude_binary),
            "POOL_SETTINGS__MIN_SIZE": "2",
            "POOL_SETTINGS__ACQUIRE_TIMEOUT": "20",
        }
        async with open_server(SERVE, evolve(scratch, variables=variables)) as server:
            async with server.stream("[[deltas=1000; gap=0.05]] endless") as stream:
                if when == "at work":
                    await stream.until("content_block_delta")
                await scratch.until(lambda: len(scratch.instances) >= 2)
                server.send_signal(signal.SIGKILL)
                with trio.fail_after(AT_ONCE):
                    await scratch.until(lambda: not scratch.processes)
                await read_in_vain(stream)
            if when == "at work":
                await eventually(lambda: api.turns[0].outcome == "client_gone")
