"""Which version a CLI is, and which are too old.

Rules:
* What is asked may be anything: a script that hangs, that never stops writing, or that leaves something behind. So
  its time is bounded; it can write what a pipe holds and no more; it is done when it has exited, whoever has its pipe
  by then; and all that it has started ends with it, or with us.
* Of our variables it is given PATH and no other: a script finds its interpreter by it, as it will for an instance.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
from contextlib import closing
from typing import IO, TYPE_CHECKING

from .errors import CliUnusable
from .lifeline import Lifeline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

OLDEST_VERSION = (2, 1, 248)
"""Older ones ignore `client_composed`, and an `@/path` in a client's text would make them read files."""

_TIMEOUT = 20.0
_MOST = 64 * 1024
_QUOTED = 200


def ask_version(argv: Sequence[str], path: Path, environ: Mapping[str, str]) -> str:
    """Ask the CLI that `argv` starts for its version; blocks for the tenth of a second that this takes.

    Raises CliUnusable, in which the CLI is called `path`, when it cannot be executed or does not tell.
    """
    try:
        status, out, err = _run([*argv, "--version"], environ.get("PATH", os.defpath))
    except OSError as error:
        raise CliUnusable(f"{path} cannot be executed: {error.strerror}", path) from error
    except subprocess.TimeoutExpired:
        raise CliUnusable(f"{path} --version gave no answer within {_TIMEOUT:g} s", path) from None
    match = re.match(rb"(\d+\.\d+\.\d+)", out)
    if status != 0 or match is None:
        what = f"exited with {status}" if status else "printed no version"
        raise CliUnusable(f"{path} --version {what}: {_quote(err or out)}", path)
    return match[1].decode()


def refuse_version(version: str) -> str | None:
    """Why a CLI that says this of its version must not be used; None when it may."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    if found is not None and tuple(map(int, found.groups())) >= OLDEST_VERSION:
        return None
    oldest = ".".join(map(str, OLDEST_VERSION))
    return f"version {version or '(not told)'}; {oldest} or later is needed"


def _run(argv: Sequence[str], search_path: str) -> tuple[int, bytes, bytes]:
    with (
        closing(Lifeline()) as lifeline,
        subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": search_path},
            bufsize=0,
            start_new_session=True,
            pass_fds=(lifeline.theirs,),
        ) as child,
    ):
        try:
            lifeline.tie(child.pid)
            if not _exits(child):
                raise subprocess.TimeoutExpired(argv, _TIMEOUT)
        finally:
            # Whatever happened: subprocess waits for it now, without a bound; and what it leaves behind may have
            # closed the lifeline. Until it has been waited for, the group's number is nobody else's.
            os.killpg(child.pid, signal.SIGKILL)
        return child.wait(), _read(child.stdout), _read(child.stderr)


def _exits(child: subprocess.Popen[bytes]) -> bool:
    """Wait for the exit, to the moment: subprocess would only look now and then."""
    pidfd = os.pidfd_open(child.pid)
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        return bool(poll.poll(_TIMEOUT * 1000))
    finally:
        os.close(pidfd)


def _read(pipe: IO[bytes] | None) -> bytes:
    assert pipe is not None
    os.set_blocking(pipe.fileno(), False)
    return pipe.read(_MOST) or b""


def _quote(said: bytes) -> str:
    text = "".join(each if each.isprintable() else " " for each in said.decode("utf-8", "replace"))
    return " ".join(text.split())[:_QUOTED] or "nothing printed"
