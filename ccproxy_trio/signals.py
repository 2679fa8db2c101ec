"""The signals. SIGINT and SIGTERM: the first one asks for an orderly end, the second one cuts what is under way.
SIGHUP asks for the settings to be read again; but one that says that the terminal has gone is as good as a SIGTERM.

The signals are taken as events, never as exceptions: a `KeyboardInterrupt` may come out of any line of any task.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def watch_signals(
    stop: trio.Event, end: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Set `stop` at the first signal, cancel `end` at the second. For the main thread only."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        await anext(signals)
        stop.set()
        await anext(signals)
        end.cancel()


async def watch_hangups(
    reload: Callable[[], Awaitable[None]],
    stop: trio.Event,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """At each SIGHUP call `reload`, or set `stop` if the terminal has gone. For the main thread only.

    Several that come during a reload are one. Whoever ignored the signal from the start on, as nohup has it, does not
    end with the terminal.
    """
    lives_there = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and _has_terminal()
    with trio.open_signal_receiver(signal.SIGHUP) as signals:
        task_status.started()
        async for _ in signals:
            if lives_there and not _has_terminal():
                stop.set()
            else:
                await reload()


def _has_terminal() -> bool:
    """Whether this process belongs to a terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
