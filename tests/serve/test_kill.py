"""Ends without order: the server is killed, or its pool crashes. Nothing is left alive then either."""

from __future__ import annotations

import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
from attrs import evolve

from ccproxy_trio.claude.demo import command
from tests.serve.running import IN_PROCESS, SERVE, Scratch, Way, open_server, read_in_vain

if TYPE_CHECKING:
    from collections.abc import Sequence

REPOSITORY = Path(__file__).parents[2]


AT_ONCE = 2.0
"""Seconds after a SIGKILL in which everything must be gone."""

FAMILY = """#!/bin/sh
case "$*" in *--version) exec {command} "$@" ;; esac
(trap '' TERM HUP INT; while :; do sleep 1; done) &
if [ "$ANTHROPIC_API_KEY" != none ]; then
    echo >>{log}
    if [ $(wc -l <{log}) -gt {instances} ]; then sleep 1000; fi
fi
{command} "$@"
"""


def write_cli_with_children(path: Path, log: Path, instances: int) -> None:
    """A CLI with children, one of which minds no signal. So many instances start, and no other but a probe does."""
    path.write_text(FAMILY.format(command=" ".join(command()), log=log, instances=instances))
    path.chmod(0o700)
    log.touch()


async def test_killed(way: Way, scratch: Scratch, tmp_path: Path) -> None:
    """Instances are idle, in the middle of a turn, and starting; none would notice anything by itself."""
    cli, log = tmp_path / "claude", tmp_path / "starts"
    write_cli_with_children(cli, log, 2 * way.pools)
    variables = {
        "CLAUDE__CLI_PATH": str(cli),
        "POOL_SETTINGS__MIN_SIZE": "2",
        "POOL_SETTINGS__MIN_FRESH": "2",
    }
    async with (
        open_server(way, evolve(scratch, variables=variables)) as server,
        server.stream("[[freeze; at=3]] and then nothing") as stream,
    ):
        await stream.until("content_block_start")
        await scratch.until(lambda: log.stat().st_size > 2 * way.pools)
        server.send_signal(signal.SIGKILL)
        with trio.fail_after(AT_ONCE):
            await scratch.until(lambda: not scratch.instances)
        await scratch.until(lambda: not scratch.processes)
        await read_in_vain(stream)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_ended_while_the_cli_is_asked_for_its_version(
    number: signal.Signals, scratch: Scratch, tmp_path: Path
) -> None:
    """Before there is a pool."""
    cli = tmp_path / "claude"
    cli.write_text("#!/bin/sh\ntrap '' TERM HUP INT\nsleep 60 & wait\n")
    cli.chmod(0o700)
    scratch = evolve(scratch, variables={"CLAUDE__CLI_PATH": str(cli)})
    async with trio.open_nursery() as nursery:
        server: trio.Process = await nursery.start(
            partial(
                trio.run_process,
                SERVE.command(),
                capture_stderr=True,
                check=False,
                env=scratch.environment,
                cwd=scratch.working,
            )
        )
        await scratch.until(lambda: len(scratch.processes) == 3)
        server.send_signal(number)
        with trio.fail_after(AT_ONCE):
            await scratch.until(lambda: not scratch.processes)


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
