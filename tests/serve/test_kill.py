"""Ends without order: the server is killed, or its pool crashes. Nothing is left alive then either."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from tests.serve.running import IN_PROCESS, SERVE, Scratch, Way, open_server, read_in_vain

if TYPE_CHECKING:
    from collections.abc import Sequence

REPOSITORY = Path(__file__).parents[2]


async def test_killed(way: Way, scratch: Scratch) -> None:
    """One instance is idle; the other is in the middle of a turn and would notice nothing by itself."""
    scratch = evolve(scratch, variables={**scratch.variables, "POOL_SETTINGS__MIN_SIZE": "2"})
    async with (
        open_server(way, scratch, grace=0) as server,
        server.stream("[[freeze; at=3]] and then nothing") as stream,
    ):
        await stream.until("content_block_start")
        await scratch.until(lambda: len(scratch.instances) == 2 * way.pools)
        server.send_signal(signal.SIGKILL)
        await scratch.until(lambda: not scratch.processes)
        await read_in_vain(stream)


@pytest.mark.parametrize("way", [SERVE, IN_PROCESS], ids=str)
async def test_the_pool_crashes(way: Way, scratch: Scratch) -> None:
    scratch = evolve(scratch, variables={**scratch.variables, "PYTHONPATH": str(REPOSITORY)})
    async with (
        open_server(way, scratch, crashing(way), status=1) as server,
        server.stream("[[deltas=100000; gap=0.05]] endless") as stream,
    ):
        await stream.until("content_block_delta")
        (scratch.working / "crash").touch()
        await read_in_vain(stream)
        assert await server.wait() == 1
    assert "RuntimeError: a task of the pool has crashed" in server.stderr.value


def crashing(way: Way) -> Sequence[str]:
    """The command line of a server whose pool crashes as soon as there is a file `crash` in its folder."""
    if way == SERVE:
        _, _, _, *rest = SERVE.command()
        return [sys.executable, "-m", "tests.serve.crashing", *rest]
    return way.command(app="tests.serve.crashing:app")
