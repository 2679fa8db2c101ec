"""`hypercorn -k trio ccproxy_trio.asgi:app`: the same server, with hypercorn in charge of sockets and signals.

The settings come from the environment and the files that `ccproxy-trio serve` would read; host, port, grace and
keep-alive are hypercorn's own options here. The lifespan owns the nursery, the pool and the application: what fails
at the start is told to hypercorn, which then ends.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccproxy_trio.claude.errors import CliUnusable
from ccproxy_trio.claude.locate import locate_cli
from ccproxy_trio.claude_pool import open_claude_pool
from ccproxy_trio.server.app import create_app
from ccproxy_trio.server.transport import repair_hypercorn
from ccproxy_trio.settings import Settings, SettingsError, load
from ccproxy_trio.start import describe, explain_start

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from quart_trio import QuartTrio

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

log = logging.getLogger("ccproxy_trio")


class Application:
    """An ASGI application whose lifespan is the pool's life."""

    def __init__(self) -> None:
        self._app: QuartTrio | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is None:
            raise RuntimeError("a request came before the lifespan began")
        else:
            await self._app(scope, receive, send)  # type: ignore[arg-type] # Quart's narrower ASGI types

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()  # lifespan.startup
        try:
            settings = load(environ=os.environ, cwd=Path.cwd())
        except SettingsError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        try:
            cli = locate_cli(
                settings.claude.cli_path, settings.claude.auth, os.environ, demo=settings.claude.demo
            )
        except CliUnusable as error:
            await send({"type": "lifespan.startup.failed", "message": explain_start(error, settings)})
            return
        repair_hypercorn(write_timeout=settings.server.write_timeout)
        _take_signals_as_hypercorn_means_them()
        try:
            async with open_claude_pool(settings, cli, os.environ) as claude:
                self._app = create_app(claude, settings)
                sys.stdout.write(describe("the addresses that hypercorn names", cli, settings) + "\n")
                sys.stdout.flush()
                await send({"type": "lifespan.startup.complete"})
                await receive()  # lifespan.shutdown
        except Exception as error:
            # hypercorn would log this and go on with a dead pool.
            log.critical("the pool ended by an error", exc_info=error)
            raise SystemExit(1) from error
        await send({"type": "lifespan.shutdown.complete"})


def _take_signals_as_hypercorn_means_them() -> None:
    """Leave SIGTERM to hypercorn's parent process, or, when there is none, shut down on it as on SIGINT.

    hypercorn's workers have the default action for SIGTERM: one that goes to the process group, or that the parent
    sends when another worker is done, would cut every stream. A handler, unlike SIG_IGN, is not inherited.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return
    if multiprocessing.parent_process() is not None:
        signal.signal(signal.SIGTERM, lambda *_: None)
    else:
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


repair_hypercorn(write_timeout=Settings().server.write_timeout)
app = Application()
