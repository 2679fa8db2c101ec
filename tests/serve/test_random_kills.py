"""Random signals to a server's instances, then to the server: whatever they hit, nothing is left.

`CCPROXY_KILL_ROUNDS=200` makes it so many rounds; `CCPROXY_KILL_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
from attrs import evolve

from tests.child_processes import children_of
from tests.serve.running import CUT, IN_PROCESS, ONE_WORKER, SERVE, Server, open_server
from tests.serve.test_kill import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.serve.running import Scratch, Way

ROUNDS = int(os.environ.get("CCPROXY_KILL_ROUNDS", "8"))
SEED = int(os.environ.get("CCPROXY_KILL_SEED", "0"))

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP)
SETTINGS = {
    "CLAUDE__DEMO": "true",
    "CLAUDE__CONTROL_TIMEOUT": "0.5",
    "CLAUDE__FIRST_EVENT_TIMEOUT": "1",
    "CLAUDE__STALL_TIMEOUT": "1",
    "POOL_SETTINGS__MIN_SIZE": "2",
    "POOL_SETTINGS__MAX_SIZE": "4",
    "POOL_SETTINGS__CREATE_TIMEOUT": "2",
    "POOL_SETTINGS__HEALTH_CHECK_INTERVAL": "0.3",
    "POOL_SETTINGS__CHECK_TIMEOUT": "0.5",
}


async def ask_for_ever(server: Server, number: int) -> None:
    """Whatever is told is true: a whole answer, an error that says so, or a connection that breaks off."""
    for count in range(1_000_000):
        prompt = f"{number}-{count}"
        with suppress(*CUT):
            async with server.stream(f"{prompt} [[deltas=6; gap=0.02]]") as stream:
                reply = await stream.read()
                if reply.status == 200 and reply.events[-1]["type"] == "message_stop":
                    assert reply.text.rstrip(".") == f"Demo echo: {prompt}"
                elif reply.status == 200 or reply.body:
                    assert reply.failure[1] in ("api_error", "timeout_error", "overloaded_error")
                else:  # hypercorn's own, for a request that the end of the grace cut
                    assert reply.status == 500
        await trio.sleep(0.01)


async def shoot_instances(scratch: Scratch, rng: random.Random) -> None:
    """Idle, starting, at work, or a probe: whoever is there."""
    for _ in range(rng.randrange(6)):
        await trio.sleep(rng.uniform(0, 0.15))
        if instances := sorted(scratch.instances):
            with suppress(ProcessLookupError):
                os.kill(rng.choice(instances), rng.choice(SIGNALS))


async def count_at_rest(server: Server) -> int:
    """Wait until there are as many instances as are kept, all of them well; the server's descriptors."""
    pid = worker_of(server)
    kept = {"available_connections": 2, "total_connections": 2, "in_use_connections": 0}
    with trio.fail_after(30):
        while True:
            stats = (await server.get("/pool/stats")).json["stats"]
            children = children_of(pid)
            # A stopped one is found by its check only; until then it counts as well.
            settled = kept.items() <= stats.items() and len(children) == 2
            if settled and not any(state_of(child) == "T" for child in children):
                return count_descriptors(pid)
            await trio.sleep(0.05)


def worker_of(server: Server) -> int:
    """The process that has the pool."""
    if server.way != ONE_WORKER:
        return server.process.pid
    children = children_of(server.process.pid)
    (worker,) = (pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes())
    return worker


def count_descriptors(pid: int) -> int:
    """Sockets left out: a client's connection ends a moment after its answer."""
    count = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            count += not str(descriptor.readlink()).startswith("socket:")
    return count


def state_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def kill(server: Server) -> None:
    server.send_signal(signal.SIGKILL)


def kill_stopped(server: Server) -> None:
    server.send_signal(signal.SIGSTOP)
    server.send_signal(signal.SIGKILL)


def kill_worker(server: Server) -> None:
    server.killed = True
    os.kill(worker_of(server), signal.SIGKILL)


def terminate(server: Server) -> None:
    server.send_signal(signal.SIGTERM)


def terminate_twice(server: Server) -> None:
    terminate(server)
    terminate(server)


ENDS: tuple[Callable[[Server], None], ...] = (kill, kill_stopped, kill_worker, terminate, terminate_twice)


async def play(way: Way, scratch: Scratch, rng: random.Random) -> None:
    stale = {*scratch.private_folders}
    async with open_server(way, scratch, grace=0.2) as server, trio.open_nursery() as nursery:
        assert stale.isdisjoint(scratch.private_folders)
        before = await count_at_rest(server) if rng.random() < 0.5 else None
        for number in range(rng.randrange(4)):
            nursery.start_soon(ask_for_ever, server, number)
        await shoot_instances(scratch, rng)
        if before is not None:
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True), trio.fail_after(60):
                # What was shot this moment may count as well for one look more.
                while await count_at_rest(server) != before:  # noqa: ASYNC110 -- no event tells
                    await trio.sleep(0.05)
        rng.choice(ENDS)(server)
        with trio.CancelScope(shield=True):
            if server.killed:
                with trio.fail_after(AT_ONCE):
                    await scratch.until(lambda: not scratch.instances)
            await server.wait()
            await scratch.until(lambda: not scratch.processes)
        nursery.cancel_scope.cancel()
    assert server.killed or not scratch.private_folders


@pytest.mark.timeout(60 + 20 * ROUNDS)
async def test_nothing_is_left(scratch: Scratch) -> None:
    scratch = evolve(scratch, variables=SETTINGS)
    for number in range(ROUNDS):
        rng = random.Random(f"{SEED}-{number}")
        way = rng.choice((SERVE, SERVE, IN_PROCESS, ONE_WORKER))
        try:
            await play(way, scratch, rng)
        except BaseException as error:
            error.add_note(f"round {number} of seed {SEED}, {way}")
            raise
    async with open_server(SERVE, scratch):
        pass
    assert not scratch.private_folders
