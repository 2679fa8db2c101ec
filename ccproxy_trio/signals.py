"""SIGINT and SIGTERM: the first one asks for an orderly end, the second one cuts what is under way.

The signals are taken as events, never as exceptions: a `KeyboardInterrupt` may come out of any line of any task.
"""

from __future__ import annotations

import signal

import trio


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
