"""SIGINT and SIGTERM: an orderly end within the grace, and an end all the same after it."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest
import trio
from attrs import evolve

from tests.serve.running import (
    IN_PROCESS,
    LONG,
    ONE_WORKER,
    SERVE,
    TWO_WORKERS,
    Scratch,
    Way,
    open_server,
    read_in_vain,
)
from tests.serve.test_start import write_slow_cli

if TYPE_CHECKING:
    from pathlib import Path

INT, TERM = signal.SIGINT, signal.SIGTERM
ENDLESS = "[[deltas=100000; gap=0.05]] endless"


@pytest.mark.parametrize(
    ("way", "number", "group"),
    [
        (SERVE, TERM, False),
        (SERVE, INT, True),  # as the terminal does it
        (IN_PROCESS, TERM, False),
        (IN_PROCESS, INT, True),
        (ONE_WORKER, TERM, True),
        (ONE_WORKER, INT, True),
        (TWO_WORKERS, TERM, False),
        (TWO_WORKERS, TERM, True),
        (TWO_WORKERS, INT, True),
    ],
    ids=str,
)
async def test_what_is_under_way_is_finished(
    way: Way, number: signal.Signals, group: bool, scratch: Scratch
) -> None:
    async with (
        open_server(way, scratch, grace=LONG) as server,
        server.stream("[[deltas=12; gap=0.05]] the whole of it") as stream,
        server.open("/healthz") as idle,
    ):
        await stream.until("content_block_delta")
        await idle.read()
        server.send_signal(number, group=group)
        await server.until_closed_to_newcomers()
        reply = await stream.read()
        assert b"event: message_stop\n" in reply.body
        assert await server.wait() == 0


async def test_nothing_under_way(way: Way, scratch: Scratch) -> None:
    async with open_server(way, scratch, grace=LONG) as server, server.open("/healthz") as idle:
        await idle.read()
        server.send_signal(TERM)
        assert await server.wait() == 0


async def test_the_grace_is_over(way: Way, scratch: Scratch) -> None:
    async with (
        open_server(way, scratch, grace=1) as server,
        server.stream(ENDLESS) as stream,
        server.stream("x" * 8_000_000, receive_buffer=4096) as stuck,
    ):
        await stream.until("content_block_delta")
        await stuck.start()
        server.send_signal(TERM)
        await read_in_vain(stream)
        assert await server.wait() == 0
        await read_in_vain(stuck)


@pytest.mark.parametrize("way", [SERVE, IN_PROCESS], ids=str)
async def test_the_second_signal_ends_it_now(way: Way, scratch: Scratch) -> None:
    async with open_server(way, scratch, grace=LONG) as server, server.stream(ENDLESS) as stream:
        await stream.until("content_block_delta")
        server.send_signal(INT)
        await server.until_closed_to_newcomers()
        await stream.until("content_block_delta")
        server.send_signal(TERM)
        await read_in_vain(stream)
        assert await server.wait() == 0


@pytest.mark.parametrize("way", [SERVE, IN_PROCESS], ids=str)
@pytest.mark.parametrize("number", [INT, TERM], ids=["SIGINT", "SIGTERM"])
async def test_signals_to_the_last_moment_make_no_crash_of_it(
    number: signal.Signals, way: Way, scratch: Scratch
) -> None:
    async with open_server(way, scratch) as server:
        while server.process.poll() is None:
            server.send_signal(number)
            await trio.sleep(0.005)
        assert await server.wait() == 0


AT_ONCE = """
import signal, trio
from ccproxy_trio.signals import watch_signals

async def main():
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(watch_signals, stop, nursery.cancel_scope)
        signal.raise_signal(signal.SIGINT)
        await stop.wait()
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        await trio.sleep_forever()

trio.run(main)
"""


async def test_one_that_has_come_with_the_second_makes_no_crash_of_it() -> None:
    ended = await trio.run_process([sys.executable, "-c", AT_ONCE], check=False)
    assert ended.returncode == 0


async def test_while_it_warms_up(scratch: Scratch, tmp_path: Path) -> None:
    cli = tmp_path / "claude"
    write_slow_cli(cli, tmp_path / "a gate that never opens")
    scratch = evolve(scratch, variables={"CLAUDE__CLI_PATH": str(cli)})
    async with open_server(SERVE, scratch) as server:
        await scratch.until(lambda: bool(scratch.instances))
        server.send_signal(TERM)
        assert await server.wait() == 0
