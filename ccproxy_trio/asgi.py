"""`hypercorn -k trio ccproxy_trio.asgi:app`: the same server, with hypercorn in charge of sockets and workers.

The settings come from the environment and the files that `ccproxy-trio serve` would read; address, grace and
keep-alive are hypercorn's own options here. The lifespan owns the nursery, the pool and the application.

Rules:
* What fails at the start is told to hypercorn, which then ends; what fails later ends the process. hypercorn
  would log either and go on without a pool.
* Without worker processes (`-w 0`) SIGINT and SIGTERM are taken here. hypercorn has no handler for SIGTERM, and
  would take SIGINT as an exception in whichever task was running.
* In a worker process the signals are its parent's business, who tells the worker by other means. A SIGTERM that
  goes to the whole process group, or that the parent sends when another worker is done first, would cut every
  stream. The handler against it does nothing; SIG_IGN would be inherited by the children.
* SIGHUP has a process read its settings again. hypercorn's parent has new workers for old by it, so it is for each
  worker to be told.
* A worker whose parent is gone was to be killed with it, for in any other case the parent waits for its workers. It
  ends at once, and the kernel ends its instances.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypercorn.trio.run
import trio
from hypercorn.trio.worker_context import WorkerContext

from ccproxy_trio.claude.errors import CliUnusable
from ccproxy_trio.claude.locate import Cli, locate_cli
from ccproxy_trio.claude_pool import open_claude_pool
from ccproxy_trio.hangups import Hangups
from ccproxy_trio.logs import configure_logging
from ccproxy_trio.reload import Reload
from ccproxy_trio.server.app import create_app, put_transport_in_place
from ccproxy_trio.server.observe import open_tracing
from ccproxy_trio.server.transport import repair_hypercorn
from ccproxy_trio.settings import Settings, SettingsError, load
from ccproxy_trio.signals import heed_children, watch_hangups, watch_signals
from ccproxy_trio.start import announce, describe, explain_cli

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ccproxy_trio.server.app import Application as Served

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

log = logging.getLogger("ccproxy_trio")


class _Context(WorkerContext):
    """hypercorn's state of the worker; the way to ask for its orderly end is otherwise out of our reach."""

    current: _Context

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        _Context.current = self


class Application:
    """An ASGI application whose lifespan is the pool's life."""

    def __init__(self) -> None:
        self._app: Served | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is None:
            raise RuntimeError("a request came before the lifespan began")
        else:
            await self._app(scope, receive, send)  # type: ignore[arg-type] # Quart's narrower ASGI types

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()  # lifespan.startup
        hangups = Hangups.take()
        heed_children()
        start = _prepare()
        if isinstance(start, str):
            await send({"type": "lifespan.startup.failed", "message": start})
            return
        try:
            await self._live_with_pool(*start, hangups, receive, send)
        except Exception as error:
            log.critical("the server ended by an error", exc_info=error)
            raise SystemExit(1) from error
        await send({"type": "lifespan.shutdown.complete"})

    async def _live_with_pool(
        self,
        settings: Settings,
        read: Callable[[], Settings],
        cli: Cli,
        hangups: Hangups,
        receive: Receive,
        send: Send,
    ) -> None:
        put_transport_in_place(settings)
        worker = trio.lowlevel.current_task().parent_nursery
        assert worker is not None  # only trio's own first task has none
        stop = trio.Event()
        async with trio.open_nursery() as nursery:
            await nursery.start(_stop_in_order, stop, worker.cancel_scope)
            async with (
                open_tracing(settings.server.grace) as tracers,
                open_claude_pool(settings, cli=cli) as claude,
            ):
                self._app = create_app(claude, settings, tracers)
                await nursery.start(watch_hangups, hangups, Reload(self._app, read), stop)
                where = "the addresses that hypercorn names"
                # Whichever they are, without keys the application lets nobody in from another machine.
                beyond = bool(settings.server.keys) or settings.server.allow_anyone
                announce(describe(where, cli, settings, beyond_loopback=beyond))
                await send({"type": "lifespan.startup.complete"})
                await receive()  # lifespan.shutdown
            nursery.cancel_scope.cancel()


def _prepare() -> tuple[Settings, Callable[[], Settings], Cli] | str:
    """What to serve with, and how the settings are read again; or why that cannot be."""
    try:
        if not trio.lowlevel.in_trio_run():
            return "ccproxy-trio: this worker does not run trio. Start it with: hypercorn -k trio"
        read = partial(load, environ=os.environ, cwd=Path.cwd())
        settings = read()
        configure_logging(settings.log)
        claude = settings.claude
        return settings, read, locate_cli(claude.cli_path, claude.auth, os.environ, demo=claude.demo)
    except SettingsError as error:
        return str(error)
    except CliUnusable as error:
        return explain_cli(error)
    except OSError as error:
        return f"ccproxy-trio: {error}"


async def _stop_in_order(
    stop: trio.Event, worker: trio.CancelScope, *, task_status: trio.TaskStatus[None]
) -> None:
    parent = multiprocessing.parent_process()
    async with trio.open_nursery() as nursery:
        if parent is None:
            await nursery.start(watch_signals, stop, worker)
        else:
            signal.signal(signal.SIGTERM, lambda *_: None)
            nursery.start_soon(_end_with_parent, parent.sentinel)
        task_status.started()
        await stop.wait()
        await _Context.current.terminate.set()


async def _end_with_parent(sentinel: int) -> None:
    await trio.lowlevel.wait_readable(sentinel)
    os._exit(1)


repair_hypercorn(write_timeout=Settings().server.write_timeout)
hypercorn.trio.run.WorkerContext = _Context  # type: ignore[assignment, attr-defined] # the worker has not made its own yet
app = Application()
