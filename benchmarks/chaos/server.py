"""The server under test: a child process in a scratch folder, and what it tells of itself.

Its CLI is a script that becomes the stand-in, unless there is a file that says how it is to fail instead. Of the log
only what counts is kept.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import deque
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h11
import orjson
import trio
from attrs import define, field

import ccproxy_trio
from ccproxy_trio.claude.demo import command

from .numbers import FREE, variables
from .processes import working_under

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE = 60.0
"""Seconds that one wait for the server may take before it counts as a hang."""
_OUR_TREE = Path(ccproxy_trio.__file__).parent.parent
_CLI = """#!/bin/sh
case "$*" in *--version) ;; *) if [ -e {broken} ]; then . {broken}; fi ;; esac
exec {command} "$@"
"""
_RETRY = "did not take up a turn, another is asked"
_KEPT = 50


@define
class Server:
    """A started server."""

    folder: Path
    process: trio.Process
    port: int = 0
    retries: int = 0
    """How often another instance was asked, as the log says."""
    errors: deque[str] = field(factory=lambda: deque(maxlen=_KEPT))
    """Lines of the log that tell of a mistake of the server's own, or quote a prompt."""
    last_lines: deque[str] = field(factory=lambda: deque(maxlen=_KEPT))

    @property
    def pid(self) -> int:
        """Of the server itself."""
        return self.process.pid

    @property
    def temporary(self) -> Path:
        """Its TMPDIR, where instances have their folders."""
        return self.folder / "tmp"

    @property
    def processes(self) -> set[int]:
        """It and all that it has started."""
        return working_under(self.folder)

    def break_starts(self, fault: str) -> None:
        """From now on a start does this in the place of becoming the CLI; it is a line of a shell's."""
        draft = self.folder / "draft"
        draft.write_text(fault)
        draft.replace(self.folder / "broken")

    def mend_starts(self) -> None:
        """Have the CLI work again."""
        (self.folder / "broken").unlink(missing_ok=True)

    async def stats(self) -> dict[str, Any]:
        """What it tells of its pool, in one dictionary."""
        body = await _fetch(self.port, "/pool/stats", FREE)
        told: dict[str, Any] = orjson.loads(body)
        return {**told["stats"], **told["pool"]}

    async def read_log(self, stream: trio.abc.ReceiveStream) -> None:
        """Go through what it logs, line by line."""
        tail = b""
        async for chunk in stream:
            *lines, tail = (tail + chunk).split(b"\n")
            for line in lines:
                self._note(line.decode(errors="replace"))

    def _note(self, line: str) -> None:
        self.retries += _RETRY in line
        self.last_lines.append(line)
        if re.search(r" (ERROR|CRITICAL) |^Traceback|chaos-\d{7}", line):
            self.errors.append(line)

    async def stop(self) -> int | None:
        """Have it end in order; its exit status, None if it did not end."""
        self.process.send_signal(signal.SIGTERM)
        with trio.move_on_after(PATIENCE):
            return await self.process.wait()
        return None


@asynccontextmanager
async def open_server(folder: Path, path: str) -> AsyncIterator[Server]:
    """Start it in an empty folder; `path` is the PATH of its environment. At the end of the block nothing is left."""
    cli, temporary, working = folder / "claude", folder / "tmp", folder / "work"
    _make(cli, folder / "broken")
    temporary.mkdir()
    working.mkdir()
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "ccproxy_trio", "serve", "--port", "0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={
            "PATH": path,
            "PYTHONPATH": str(_OUR_TREE),
            "HOME": str(folder),
            "TMPDIR": str(temporary),
            **variables(cli),
        },
        cwd=working,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    server = Server(folder, process)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.read_log, process.stderr)
            with trio.fail_after(PATIENCE):
                server.port = await _read_port(process.stdout, server)
            yield server
            if process.returncode is None:
                process.kill()
    finally:
        with trio.CancelScope(shield=True):
            process.kill()
            await process.wait()
            for pid in server.processes:  # none, unless that is what was found
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await trio.aclose_forcefully(process.stdout)
            await trio.aclose_forcefully(process.stderr)


def _make(cli: Path, broken: Path) -> None:
    cli.write_text(_CLI.format(broken=broken, command=" ".join(command())))
    cli.chmod(0o700)


async def _read_port(stdout: trio.abc.ReceiveStream, server: Server) -> int:
    printed = ""
    while (found := re.search(r"on http://[\d.]+:(\d+)\b", printed)) is None:
        chunk = await stdout.receive_some()
        if not chunk:
            raise RuntimeError("the server did not start: " + "\n".join(server.last_lines))
        printed += chunk.decode()
    return int(found[1])


async def _fetch(port: int, path: str, key: str) -> bytes:
    """The body of a page. Raises OSError and the like, or RuntimeError for another status than 200."""
    connection = h11.Connection(h11.CLIENT)
    headers = [("host", "localhost"), ("x-api-key", key), ("connection", "close")]
    with trio.fail_after(PATIENCE):
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            data = connection.send(h11.Request(method="GET", target=path, headers=headers))
            await stream.send_all((data or b"") + (connection.send(h11.EndOfMessage()) or b""))
            status, body = 0, b""
            while not isinstance(event := connection.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    connection.receive_data(await stream.receive_some())
                elif isinstance(event, h11.Response):
                    status = event.status_code
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
    if status != 200:
        raise RuntimeError(f"{path} was answered {status}")
    return body
