"""The composition root: settings to CLI, pool, application and HTTP server, in one nursery that ends in order.

The server is inside the pool: it stops accepting and lets requests under way finish while instances are still there;
then the pool closes, and no child is left. A second signal ends the waiting.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

import hypercorn.trio
import trio

from ccproxy_trio.claude.errors import CliUnusable
from ccproxy_trio.claude.locate import Cli, locate_cli
from ccproxy_trio.claude_pool import open_claude_pool
from ccproxy_trio.listen import CannotListen, open_listener
from ccproxy_trio.logs import configure_logging
from ccproxy_trio.notify import ServiceManager
from ccproxy_trio.reload import Reload
from ccproxy_trio.server.app import Application, create_app, put_transport_in_place
from ccproxy_trio.server.hosts import is_loopback
from ccproxy_trio.server.observe import open_tracing
from ccproxy_trio.server.transport import hypercorn_config
from ccproxy_trio.signals import heed_children, watch_hangups, watch_signals
from ccproxy_trio.start import announce, describe, explain_cli

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from ccproxy_trio.hangups import Hangups
    from ccproxy_trio.settings import Settings

log = logging.getLogger("ccproxy_trio")

USAGE_ERROR = 2
CRASH = 1


def run(settings: Settings, read: Callable[[], Settings], hangups: Hangups) -> int:
    """Serve until SIGINT or SIGTERM; at SIGHUP `read` gives the settings anew.

    Returns the process's exit status: 0, 1 for a crash, 2 for a start in vain.
    """
    configure_logging(settings.log)
    heed_children()
    manager = ServiceManager.take(os.environ)
    claude = settings.claude
    try:
        cli = locate_cli(claude.cli_path, claude.auth, os.environ, demo=claude.demo)
    except CliUnusable as error:
        sys.stderr.write(explain_cli(error) + "\n")
        return USAGE_ERROR
    try:
        # Before trio runs, so that a port in use is told at once, and the first clients wait while the pool warms up.
        listener = open_listener(settings.server)
    except CannotListen as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR
    with listener:
        try:
            trio.run(_serve, settings, read, hangups, cli, listener, manager)
        except Exception:
            log.exception("the server ended by an error")
            return CRASH
    return 0


async def _serve(
    settings: Settings,
    read: Callable[[], Settings],
    hangups: Hangups,
    cli: Cli,
    listener: socket.socket,
    manager: ServiceManager,
) -> None:
    put_transport_in_place(settings)
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        # Around the pool, so that a signal finds its handler from the first child to the last.
        await nursery.start(watch_signals, stop, nursery.cancel_scope)
        async with (
            open_tracing(settings.server.grace) as tracers,
            open_claude_pool(settings, cli=cli) as claude,
        ):
            beyond = not is_loopback(listener.getsockname()[0])
            app = create_app(claude, settings, tracers)
            reload = manager.around(Reload(app, read, reachable=beyond))
            await nursery.start(watch_hangups, hangups, reload, stop)
            announce(describe(_address(listener), cli, settings, beyond_loopback=beyond))
            await manager.tell_ready(f"listens on {_address(listener)}")
            nursery.start_soon(manager.keep_told)
            await serve_http(app, settings, listener, stop, manager)
        nursery.cancel_scope.cancel()


async def serve_http(
    app: Application, settings: Settings, listener: socket.socket, stop: trio.Event, manager: ServiceManager
) -> None:
    """Serve an application on a listening socket until `stop` is set, then let requests under way finish.

    For `server.drain_delay` seconds more it takes new requests, while it says that it is not ready. Then the socket
    is closed; after `server.grace` further seconds, or when this is cancelled, what is still under way is cut.
    """
    server = settings.server
    config = hypercorn_config(
        host=server.host,
        port=server.port,
        grace=server.grace,
        keep_alive_timeout=server.keep_alive_timeout,
        max_header_size=server.max_header_size,
    )
    config.bind = [f"fd://{os.dup(listener.fileno())}"]  # hypercorn closes what it is given
    config.errorlog = _quiet_log()

    async def stopped() -> None:
        await stop.wait()
        app.draining = True
        await manager.tell_stopping("finishing requests under way")
        if server.drain_delay:
            log.info("not ready any more; new requests are still taken for %g s", server.drain_delay)
            await trio.sleep(server.drain_delay)
        listener.close()
        log.info(
            "stopping; requests under way have %g s to finish, a second signal ends them now", server.grace
        )

    await hypercorn.trio.serve(app, config, shutdown_trigger=stopped)


def _quiet_log() -> logging.Logger:
    """Where hypercorn may warn, but not repeat the start block's address."""
    quiet = logging.getLogger("ccproxy_trio.hypercorn")
    quiet.setLevel(quiet.level or logging.WARNING)  # unless log.levels says otherwise
    return quiet


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
