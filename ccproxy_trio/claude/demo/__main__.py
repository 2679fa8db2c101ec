"""The stand-in's pipes and signals: `python -I __main__.py FLAGS`, with the flags of the CLI.

One thread waits for stdin and for the next word of the turn at once, so that control requests are answered in
mid-stream. What goes to stdout goes in blocking writes: a reader that does not read holds the turn up, and nothing
piles up here. Exit codes are the CLI's: 0 at the end of stdin or of the session, 1 when the last result was an error
or a line was malformed, 143 at SIGTERM, 129 at SIGHUP, 0 at SIGINT.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import ModuleType

if not __package__:
    # Started by its path: the files beside this one become a package, with no change to the search path.
    __package__ = "ccproxy_demo"
    sys.modules[__package__] = ModuleType(__package__)
    sys.modules[__package__].__path__ = [str(Path(__file__).resolve().parent)]

from .conversation import VERSION
from .session import Malformed, Options, Session

_LONGEST_LINE = 268_000_000
_LONGEST_WAIT = 3600.0


def main(arguments: list[str]) -> int:
    if "--version" in arguments:
        _write(1, f"{VERSION} (ccproxy demo)\n".encode())
        return 0
    options = dict(pairwise(arguments))
    turns = options.get("--max-turns", "")
    session = Session(
        Options(
            model=options.get("--model"),
            effort=options.get("--effort"),
            max_turns=int(turns) if turns.isdecimal() else None,
        ),
        os.environ,
    )
    signal.signal(signal.SIGTERM, lambda *_: session.faults.ignore_term or os._exit(143))
    signal.signal(signal.SIGHUP, lambda *_: os._exit(129))
    try:
        return serve(session)
    except Malformed as error:
        _write(2, f"{error}\n".encode())
        return 1
    except KeyboardInterrupt:
        _write(1, session.interrupt())
        return 0


def serve(session: Session) -> int:
    """Talk until stdin ends and the turn is over, or the session is ended; returns the exit code."""
    _write(1, session.greet())
    tail: list[bytes] = []
    reading = True
    while reading or session.due is not None or session.faults.ignore_term:
        if _wait(session, reading):
            data = os.read(0, 65536)
            reading = bool(data)
            # At its end an unfinished line counts as one.
            for line in _split(tail, data or (b"\n" if tail else b"")):
                _write(1, session.receive(line))
                if session.ended:
                    return int(session.failed)
        if session.due is not None and session.due <= time.monotonic():
            _write(1, session.proceed())
    return int(session.failed)


def _wait(session: Session, reading: bool) -> bool:
    """Until stdin can be read or the session is due; True when stdin can be read."""
    wait = None if session.due is None else min(max(0.0, session.due - time.monotonic()), _LONGEST_WAIT)
    return bool(select.select([0] if reading else [], [], [], wait)[0])


def _split(tail: list[bytes], data: bytes) -> list[bytes]:
    """The lines that `data` completes; what follows the last newline stays in `tail`."""
    first, *rest = data.split(b"\n")
    tail.append(first)
    if not rest:
        if sum(map(len, tail)) > _LONGEST_LINE:
            raise Malformed(f"Error parsing streaming input line: more than {_LONGEST_LINE} bytes")
        return []
    lines = [b"".join(tail), *rest[:-1]]
    tail[:] = [rest[-1]] if rest[-1] else []
    return lines


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


try:
    code = main(sys.argv[1:])
except BrokenPipeError:
    code = 1  # nobody reads any more: there is nobody to tell
os._exit(code)
