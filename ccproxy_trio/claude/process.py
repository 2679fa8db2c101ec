"""A child process over pipes that cannot outlive us, hang us or fill our memory.

Rules:
* It leads a process group of its own. What it started ends with it, and all of it with us: see `lifeline`.
* Its stderr is always read, into a ring of the last bytes, for error messages. It cannot dead-lock on it.
* Its exit is awaited on a pidfd, so that no thread waits, and it is reaped only after its group was killed:
  until then no other process can be given the group's number.
* Closing is a ladder with a bound on every rung: end of input, SIGTERM, SIGKILL.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from contextlib import asynccontextmanager, closing, suppress
from typing import IO, TYPE_CHECKING

import trio

from .lifeline import GO, Lifeline, wait_for_go

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

_CHUNK = 64 * 1024
_PIPE_SIZE = 2**20
_STDERR_KEPT = 8 * 1024
_EOF_GRACE = 0.5
_TERM_GRACE = 1.0
_KILL_GRACE = 1.0
_CLOSE_BOUND = 3.0
_LAST_WORDS = 0.2


class Process:
    """A running child. Made by `open_process`."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self.pid = popen.pid
        self._popen = popen
        self._stdin = _stream(popen.stdin)
        _widen(popen.stdout)
        self._stdout = _stream(popen.stdout)
        self._stderr = _stream(popen.stderr)
        self._pidfd = os.pidfd_open(popen.pid)  # the last of them: streams close themselves
        self._stderr_ring = b""
        self._stderr_ended = trio.Event()
        self._exit = trio.Lock()  # the kernel takes one waiter for a descriptor, and there may be two tasks

    @property
    def stderr_tail(self) -> str:
        """The end of what the child wrote to stderr, for messages."""
        return self._stderr_ring.decode("utf-8", "replace").strip()

    def forget_stderr(self) -> None:
        """Drop what the child has written to stderr so far: it may be about somebody's conversation."""
        with suppress(BlockingIOError):
            # As much as the pipe can hold and no more, for a child that never stops writing.
            os.read(self._stderr.fileno(), _PIPE_SIZE)
        self._stderr_ring = b""

    async def send(self, data: bytes) -> None:
        """Write all of `data`. Raises trio.BrokenResourceError when the child no longer reads.

        It can be cancelled only while it waits for room. An unknown part has been written then, and the child is of
        no more use; what the pipe takes at once, as it does most messages, is always written as a whole.
        """
        rest = memoryview(data)
        while rest := rest[self._write_nowait(rest) :]:
            await trio.lowlevel.wait_writable(self._stdin.fileno())
        await trio.lowlevel.cancel_shielded_checkpoint()

    def _write_nowait(self, data: memoryview) -> int:
        try:
            return os.write(self._stdin.fileno(), data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise trio.BrokenResourceError from error

    async def receive(self) -> bytes:
        """Read what there is, at least one byte; `b""` is the end of the child's output."""
        return bytes(await self._stdout.receive_some(_CHUNK))

    async def wait(self) -> int:
        """Wait for the exit, end what is left of the group, reap, and return the status as subprocess does.

        By then all that it wrote to stderr has been read, too.
        """
        async with self._exit:
            if self._popen.returncode is None:
                await trio.lowlevel.wait_readable(self._pidfd)
                self._reap()
        with trio.move_on_after(_LAST_WORDS):  # what left the group may hold the pipe for ever
            await self._stderr_ended.wait()
        return self._popen.wait()

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the child and all that it started, if it has not been reaped."""
        if self._popen.returncode is None:
            os.killpg(self.pid, number)

    def _reap(self) -> None:
        if self._popen.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)  # a zombie still holds the group's number
            self._popen.wait()

    async def _drain_stderr(self) -> None:
        try:
            while chunk := await self._stderr.receive_some(_CHUNK):
                self._stderr_ring = (self._stderr_ring + bytes(chunk))[-_STDERR_KEPT:]
        finally:
            self._stderr_ended.set()

    async def _close(self) -> None:
        self._stdin.close()
        for number, grace in (
            (None, _EOF_GRACE),
            (signal.SIGTERM, _TERM_GRACE),
            (signal.SIGKILL, _KILL_GRACE),
        ):
            if number is not None:
                self.signal_group(number)
            with trio.move_on_after(grace):
                await self.wait()
                break

    def _release(self) -> None:
        if self._popen.returncode is None:
            self.signal_group(signal.SIGKILL)
            # In an uninterruptible system call it outlives SIGKILL for a while; subprocess reaps it later.
            self._popen.poll()
        os.close(self._pidfd)
        self._stdout.close()
        self._stderr.close()


def _stream(pipe: IO[bytes] | None) -> trio.lowlevel.FdStream:
    assert pipe is not None
    descriptor = os.dup(pipe.fileno())
    pipe.close()
    return trio.lowlevel.FdStream(descriptor)


def _widen(pipe: IO[bytes] | None) -> None:
    """Ask for a larger pipe: twice the throughput of long answers. The system may refuse."""
    if pipe is not None:
        try:
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        except OSError:
            return


def _spawn(argv: Sequence[str], env: Mapping[str, str], cwd: Path, lifeline: Lifeline) -> Process:
    popen = subprocess.Popen(
        wait_for_go(argv),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(env),
        cwd=cwd,
        bufsize=0,
        start_new_session=True,
        pass_fds=(lifeline.theirs,),
    )
    try:
        lifeline.tie(popen.pid)
        assert popen.stdin is not None
        with suppress(BrokenPipeError):  # killed already: whoever reads its output learns how it ended
            popen.stdin.write(GO)
        return Process(popen)
    except OSError:  # out of file descriptors
        with popen:
            popen.kill()
        raise


@asynccontextmanager
async def open_process(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> AsyncIterator[Process]:
    """Run `argv` with exactly `env` in `cwd`; when the block ends, so has the process, within three seconds.

    Raises OSError when it cannot be started; a program that is not there is an exit with status 127.
    """
    with closing(Lifeline()) as lifeline:
        process = _spawn(argv, env, cwd, lifeline)  # on this thread: a start takes 0.4 ms
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(process._drain_stderr)
                try:
                    yield process
                finally:
                    with trio.move_on_after(_CLOSE_BOUND, shield=True):
                        await process._close()
                    nursery.cancel_scope.cancel()
        finally:
            process._release()
