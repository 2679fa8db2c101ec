"""A server whose output nobody takes, as where a supervisor hangs: it answers, and ends in order."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import trio

from tests.reserved_port import reserve_port
from tests.serve.running import SERVE, Server
from tests.server.http_client import PATIENCE, fetch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serve.running import Scratch

_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ


async def test_it_answers_and_ends_though_nobody_reads_its_log(scratch: Scratch) -> None:
    unread, log = os.pipe()
    fcntl.fcntl(log, _SET_PIPE_SIZE, 4096)
    os.set_blocking(log, False)
    with suppress(BlockingIOError):
        while os.write(log, b"x" * 512):
            pass
    os.set_blocking(log, True)
    process = await trio.lowlevel.open_process(
        [*SERVE.command(), "--demo"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        env=scratch.environment,
        cwd=scratch.working,
    )
    os.close(log)
    assert process.stdout is not None
    server = Server(SERVE, process)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.read, process.stdout, server.stdout)
            with trio.fail_after(PATIENCE):
                await server.started()
                for _ in range(3):
                    assert (await server.get("/v1/models")).status == 200
                process.send_signal(signal.SIGTERM)
                assert await process.wait() == 0
    finally:
        process.kill()
        os.close(unread)
    assert scratch.private_folders == []


@pytest.fixture
def port() -> Iterator[int]:
    """Where it is to listen, as it cannot say where it does."""
    with reserve_port() as port:
        yield port


@pytest.mark.parametrize("streams", ["<&- >&- 2>&-", ">/dev/full 2>/dev/full"])
async def test_it_serves_where_its_output_goes_nowhere(scratch: Scratch, streams: str, port: int) -> None:
    command = shlex.join([*SERVE.command(), "--demo", "--port", str(port)])
    process = await trio.lowlevel.open_process(
        ["/bin/sh", "-c", f"exec {command} {streams}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=scratch.environment,
        cwd=scratch.working,
    )
    try:
        with trio.fail_after(PATIENCE):
            while True:
                try:
                    reply = await fetch(port, "/v1/models", method="GET")
                    break
                except OSError:
                    assert process.poll() is None
                    await trio.sleep(0.05)
            assert reply.status == 200
            for number in range(3):
                target = await trio.Path(f"/proc/{process.pid}/fd/{number}").readlink()
                assert str(target) in ("/dev/null", "/dev/full")
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    finally:
        process.kill()
