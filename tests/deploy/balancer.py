"""The real HAProxy by the very file of deploy/, which is told the addresses by environment variables."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
from attrs import define, field, frozen

from tests.server.http_client import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "haproxy.cfg"

_LINE = re.compile(
    r"\S+ \[\S+\] clients ccproxy/(?P<server>\S+) \S+ (?P<status>-?\d+) \d+ - - (?P<ended>\S{4}) "
    r'\S+ \S+ "(?P<request>[^"]*)"'
)


@frozen
class Logged:
    """What HAProxy says of one request."""

    server: str
    status: int
    ended: str
    """How the session ended: `S...` when the server broke it off."""
    request: str


@define(eq=False)
class Balancer:
    """A running HAProxy."""

    port: int
    said: list[str] = field(factory=list)

    @property
    def log(self) -> list[Logged]:
        """Its lines on requests."""
        found = (_LINE.match(line) for line in self.said)
        return [
            Logged(line["server"], int(line["status"]), line["ended"], line["request"])
            for line in found
            if line
        ]


def find_haproxy() -> str:
    """The program; a test that needs it fails without it."""
    found = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        pytest.fail("haproxy is not installed: apt-get install haproxy", pytrace=False)
    return found


@asynccontextmanager
async def open_balancer(a: int, b: int) -> AsyncIterator[Balancer]:
    """HAProxy before two servers on these ports of loopback."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        listener.set_inheritable(True)
        process = await trio.lowlevel.open_process(
            [find_haproxy(), "-db", "-f", str(CONFIGURATION)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env={
                "CCPROXY_BIND": f"fd@{listener.fileno()}",
                "CCPROXY_A": f"127.0.0.1:{a}",
                "CCPROXY_B": f"127.0.0.1:{b}",
            },
            pass_fds=[listener.fileno()],
        )
        balancer = Balancer(listener.getsockname()[1])
    assert process.stdout is not None
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_read, process.stdout, balancer)
            yield balancer
            process.send_signal(signal.SIGUSR1)  # it ends when its last session has, and all has been logged
            with trio.fail_after(PATIENCE):
                await process.wait()
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
        await trio.aclose_forcefully(process.stdout)
    assert process.returncode == 0, balancer.said


async def _read(stream: trio.abc.ReceiveStream, balancer: Balancer) -> None:
    rest = ""
    async for chunk in stream:
        *lines, rest = (rest + chunk.decode()).split("\n")
        balancer.said += lines
