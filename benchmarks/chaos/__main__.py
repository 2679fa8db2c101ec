"""Run it, and print what became of everything; the exit status is 1 if anything was not true."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import trio
from attrs import evolve

from .accounts import Accounts
from .client import Client
from .drawing import DIALECTS, STREAMING, Asked
from .faults import Course
from .load import Load
from .numbers import FREE
from .report import describe
from .server import open_server
from .tally import Tally
from .trouble import Trouble

if TYPE_CHECKING:
    from .server import Server

_WELL = 10**6
"""Requests of the beginning and the end have numbers from here on."""
_BEFORE_AND_AFTER = 240.0
"""Seconds that all may take beside the load: more than all the waits for the server together."""


async def run(minutes: float, seed: int, folder: Path) -> bool:
    """All of it, on a server in an empty folder; whether it came to its end, and everything was true."""
    tally, trouble, whole = Tally(), Trouble(), False
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_end_when_told, nursery.cancel_scope)
        nursery.cancel_scope.deadline = trio.current_time() + minutes * 60 + _BEFORE_AND_AFTER
        async with open_server(folder, os.environ["PATH"]) as server:
            load, accounts = Load(server.port, seed, tally), Accounts(server, tally)
            began = trio.current_time()
            try:
                await _ask_well(load, _WELL)
                await accounts.open()
                began = trio.current_time()
                await _make_trouble(load, trouble, accounts, minutes * 60)
                await accounts.close(trouble, trio.current_time() - began)
                await _ask_well(load, _WELL + len(DIALECTS))
                await accounts.end()
                whole = True
            finally:
                print(describe(seed, trio.current_time() - began, accounts, trouble))
        nursery.cancel_scope.cancel()
    return whole and not tally.lied


async def _end_when_told(scope: trio.CancelScope) -> None:
    """In order, so that the server is ended, too."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()


async def _make_trouble(load: Load, trouble: Trouble, accounts: Accounts, seconds: float) -> None:
    server: Server = accounts.server
    async with trio.open_nursery() as nursery:
        nursery.start_soon(accounts.watch)
        nursery.start_soon(trouble.shoot, server, random.Random(f"{load.seed}/shots"))
        nursery.start_soon(trouble.break_starts, server, random.Random(f"{load.seed}/starts"))
        await load.run(seconds, random.Random(f"{load.seed}/floods"))
        nursery.cancel_scope.cancel()
    server.mend_starts()


async def _ask_well(load: Load, number: int) -> None:
    """Nothing is wrong, so that nothing but the right answer is true."""
    good = Asked(number, FREE, "messages", stream=True, course=Course("", 0), padding=200_000)
    with Client(load.port) as client:
        for n, dialect in enumerate(DIALECTS):
            asked = evolve(good, number=number + n, dialect=dialect, stream=dialect in STREAMING)
            if await load.ask(client, asked) != "answered":
                load.tally.lie(f"a good request ({dialect}) was not answered in quiet")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long requests are sent")
    parser.add_argument("--seed", type=int, default=None, help="draw what was drawn in another run")
    arguments = parser.parse_args()
    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        true = trio.run(run, arguments.minutes, seed, Path(folder))
    sys.exit(0 if true else 1)


if __name__ == "__main__":
    main()
