"""A running server, however it was started: how it is reached, what it printed, how it ends, and what it leaves.

Nothing of the machine's own is in reach: the environment is built from nothing, and the working directory, HOME and
TMPDIR are in one scratch folder. That folder is also how a test finds the server's processes: each of them, down to
the last instance, has its working directory there.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import h11
import trio
from attrs import field, frozen
from trio_util import AsyncValue, wait_any

from ccproxy_trio.claude.folder import PREFIX
from tests.server.http_client import PATIENCE, Exchange, Reply, fetch, open_exchange
from tests.server.proxy import body_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

LONG = 2 * PATIENCE
"""A time that no test would live to see the end of, in seconds."""


CUT = (OSError, trio.BrokenResourceError, h11.RemoteProtocolError)
"""How it shows that a connection was refused, closed or reset before an answer was whole."""


@frozen
class Way:
    """A way to start the server: hypercorn's number of workers, or None for our own command."""

    workers: int | None = None

    def __str__(self) -> str:
        return "serve" if self.workers is None else f"hypercorn-w{self.workers}"

    @property
    def pools(self) -> int:
        """How many processes have a pool, and print a start block."""
        return self.workers or 1

    def command(self, *, grace: float = LONG, app: str = "ccproxy_trio.asgi:app") -> list[str]:
        """The command line for a free port of loopback."""
        if self.workers is None:
            return [sys.executable, "-m", "ccproxy_trio", "serve", "--port", "0", "--grace", str(grace)]
        hypercorn = [sys.executable, "-m", "hypercorn", "-k", "trio", "-w", str(self.workers)]
        # Its option for the grace takes whole seconds only.
        return [*hypercorn, "-b", "127.0.0.1:0", "--graceful-timeout", str(round(grace)), app]


SERVE = Way()
IN_PROCESS = Way(0)
"""hypercorn without worker processes."""
ONE_WORKER = Way(1)
TWO_WORKERS = Way(2)
WAYS = (SERVE, IN_PROCESS, ONE_WORKER, TWO_WORKERS)


@frozen
class Scratch:
    """The folder that a server lives in."""

    path: Path
    variables: Mapping[str, str] = field(factory=dict)
    """What stands in its environment beside the three that every program needs, and the format of its log."""

    def __attrs_post_init__(self) -> None:
        for folder in (self.home, self.temporary, self.working):
            folder.mkdir(exist_ok=True)

    @property
    def home(self) -> Path:
        """HOME."""
        return self.path / "home"

    @property
    def temporary(self) -> Path:
        """TMPDIR."""
        return self.path / "tmp"

    @property
    def working(self) -> Path:
        """The working directory, where the settings' file is looked for."""
        return self.path / "work"

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment; the switches are for the measuring of coverage."""
        switches = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        folders = {"HOME": str(self.home), "TMPDIR": str(self.temporary)}
        return {"PATH": os.defpath, "LOG__FORMAT": "console", **folders, **switches, **self.variables}

    @property
    def processes(self) -> set[int]:
        """The server's processes, its children and theirs."""
        return _working_under(self.path)

    @property
    def instances(self) -> set[int]:
        """Those of them that are instances."""
        return _working_under(self.temporary)

    @property
    def private_folders(self) -> list[str]:
        """What instances have left."""
        return [path.name for path in self.temporary.iterdir() if path.name.startswith(PREFIX)]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something is true of the processes."""
        with trio.fail_after(PATIENCE):
            while not holds():  # noqa: ASYNC110 -- no event tells
                await trio.sleep(0.01)


def _working_under(folder: Path) -> set[int]:
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                working = (entry / "cwd").readlink()
            except OSError:  # it is gone, or a zombie
                continue
            if working.is_relative_to(folder):
                found.add(int(entry.name))
    return found


class Server:
    """A started server."""

    def __init__(self, way: Way, process: trio.Process) -> None:
        self.way = way
        self.process = process
        self.stdout = AsyncValue("")
        self.stderr = AsyncValue("")
        self.killed = False

    @property
    def port(self) -> int:
        """Where it listens, as it printed it."""
        where = self.stdout.value if self.way.workers is None else self.stderr.value
        return int(re.findall(r"on http://[\d.]+:(\d+)\b", where)[0])

    def open(self, path: str) -> AbstractAsyncContextManager[Exchange]:
        """GET, and keep the connection for as long as the block lasts."""
        return open_exchange(self.port, path, method="GET")

    async def get(self, path: str) -> Reply:
        """GET."""
        return await fetch(self.port, path, method="GET")

    async def ask(self, prompt: str) -> Reply:
        """POST a prompt, and read the whole answer."""
        return await fetch(self.port, "/v1/messages", body_of(prompt))

    def stream(
        self, prompt: str, *, receive_buffer: int | None = None
    ) -> AbstractAsyncContextManager[Exchange]:
        """POST a prompt, and read its stream when it pleases."""
        body = body_of(prompt, stream=True)
        return open_exchange(self.port, "/v1/messages", body, receive_buffer=receive_buffer)

    def send_signal(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to the process that was started, or to it and all that is in its process group."""
        self.killed |= number is signal.SIGKILL
        send = os.killpg if group else os.kill
        send(self.process.pid, number)

    async def wait(self) -> int:
        """Wait for the exit; the status."""
        with trio.fail_after(PATIENCE):
            return await self.process.wait()

    async def until_closed_to_newcomers(self) -> None:
        """Wait until a new connection is refused or, where hypercorn's parent holds the socket, not answered."""
        with trio.fail_after(PATIENCE):
            while True:
                with trio.move_on_after(0.2) as unanswered:
                    try:
                        await self.get("/healthz")
                    except CUT:
                        return
                if unanswered.cancelled_caught and self.way.workers:
                    return

    async def read(self, stream: trio.abc.ReceiveStream, into: AsyncValue[str]) -> None:
        """Keep what it prints."""
        async for chunk in stream:
            into.value += chunk.decode(errors="replace")

    async def started(self) -> None:
        """Wait until every pool has printed its start block and, under hypercorn, its worker listens."""
        await self.stdout.wait_value(
            lambda text: len(re.findall(r"^  config .*\n", text, re.MULTILINE)) == self.way.pools
        )
        if self.way.workers is not None:
            await self.stderr.wait_value(lambda text: text.count("Running on") == self.way.pools)


@asynccontextmanager
async def open_server(
    way: Way,
    scratch: Scratch,
    command: Sequence[str] = (),
    *,
    grace: float = LONG,
    status: int = 0,
) -> AsyncIterator[Server]:
    """Start a server and wait for its start block; when the block ends it is told to stop, if it still runs.

    Then it must have ended with `status`, and nothing of it may be left, neither a process nor an instance's folder,
    unless it was killed.
    """
    process = await trio.lowlevel.open_process(
        command or way.command(grace=grace),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=scratch.environment,
        cwd=scratch.working,
        start_new_session=True,
    )
    server = Server(way, process)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.read, process.stdout, server.stdout)
            nursery.start_soon(server.read, process.stderr, server.stderr)
            with trio.fail_after(PATIENCE):
                await wait_any(server.started, process.wait)
            assert process.returncode is None, (server.stdout.value, server.stderr.value)
            yield server
            if process.returncode is None:
                server.send_signal(signal.SIGTERM)
            returned = await server.wait()
            instances = scratch.instances
            # Only multiprocessing's tracker has to find out for itself that hypercorn's parent is gone.
            await scratch.until(lambda: not scratch.processes)
    finally:
        process.kill()
        for pid in scratch.processes:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with trio.CancelScope(shield=True):
            await process.wait()
        await trio.aclose_forcefully(process.stdout)
        await trio.aclose_forcefully(process.stderr)
    if not server.killed:
        assert returned == status, server.stderr.value
        assert not instances
        assert not scratch.private_folders


async def read_in_vain(stream: Exchange) -> None:
    """Read a stream that must not end as a whole one does: it is cut, or its last event is an error."""
    events: list[bytes] = []
    with suppress(*CUT):
        while chunk := await stream.chunk():
            events.append(chunk)
        assert events[-1].startswith(b"event: error\n")
    assert b"message_stop" not in b"".join(events)


async def run_to_end(command: Sequence[str], scratch: Scratch) -> tuple[int, str, str]:
    """Run a command that is not to last: its exit status, and what it printed on stdout and stderr."""
    with trio.fail_after(PATIENCE):
        done = await trio.run_process(
            command,
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            env=scratch.environment,
            cwd=scratch.working,
        )
    await scratch.until(lambda: not scratch.processes)
    return done.returncode, done.stdout.decode(), done.stderr.decode()
