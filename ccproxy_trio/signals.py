"""The signals. SIGINT and SIGTERM: the first one asks for an orderly end, the second one cuts what is under way.
SIGHUP asks for the settings to be read again; but one that says that the terminal has gone is as good as a SIGTERM.
SIGCHLD is not ours to ignore, though whoever starts us may do so.

The signals are taken as events, never as exceptions: a `KeyboardInterrupt` may come out of any line of any task.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ccproxy_trio.hangups import Hangups

_ENDS = (signal.SIGINT, signal.SIGTERM)


def heed_children() -> None:
    """Be told how a child has ended, even where our parent does not care how its own do. For the main thread only.

    To ignore SIGCHLD is inherited, and has the kernel forget a process as soon as it has ended.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


async def watch_signals(
    stop: trio.Event, end: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Set `stop` at the first signal, cancel `end` at the second, and ignore all others, for the process is to end.

    For the main thread only.
    """
    # It is what the receiver leaves in force. What is left to be done then is bounded, but for Python's own end, and
    # that takes as long again. By default one more signal would break it off, even one that the receiver has taken
    # but not told, and the status would be that of a crash.
    for number in _ENDS:
        signal.signal(number, signal.SIG_IGN)
    with trio.open_signal_receiver(*_ENDS) as signals:
        task_status.started()
        await anext(signals)
        stop.set()
        await anext(signals)
        end.cancel()


async def watch_hangups(
    hangups: Hangups,
    reload: Callable[[], Awaitable[None]],
    stop: trio.Event,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """At each SIGHUP, and for one noted before, call `reload`, or set `stop` if the terminal has gone.

    Several that come during a reload are one. For the main thread only.
    """
    with trio.open_signal_receiver(signal.SIGHUP) as signals:
        task_status.started()
        if not hangups.noted:
            await anext(signals)
        while True:
            if hangups.terminal_has_gone:
                stop.set()
            else:
                await reload()
            await anext(signals)
