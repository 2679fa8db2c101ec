"""All checks in their order, each told as soon as it is done."""

from __future__ import annotations

import logging
import signal
from functools import partial
from typing import TYPE_CHECKING

import trio

from ccproxy_trio.claude.errors import CliUnusable
from ccproxy_trio.doctor._finding import Finding
from ccproxy_trio.doctor._instance import try_instance
from ccproxy_trio.doctor._limits import check_files, check_memory, read_available_memory, read_hard_limit
from ccproxy_trio.doctor._port import check_port
from ccproxy_trio.doctor._program import (
    check_authentication,
    check_binary,
    check_upstream,
    check_version,
    locate,
)
from ccproxy_trio.settings import SettingsError
from ccproxy_trio.signals import heed_children

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ccproxy_trio.settings import Settings


def examine(
    load: Callable[[], Settings],
    environ: Mapping[str, str],
    *,
    turn: bool,
    report: Callable[[Finding], None],
    announce: Callable[[str], None],
) -> None:
    """Look at everything that a server with these settings needs, and report each finding.

    With `turn`, an instance is asked one short question; what that costs is announced before. For the main thread,
    outside of trio. Raises KeyboardInterrupt at SIGINT and SIGTERM; no child is left then, either.
    """
    heed_children()
    # What the pool would log here is in the findings.
    logging.getLogger("ccproxy_trio").addHandler(logging.NullHandler())
    try:
        settings = load()
    except SettingsError as error:
        text, *problems = str(error).splitlines()
        report(Finding("settings", "failed", text.rstrip(":"), "; ".join(each.strip() for each in problems)))
        return
    report(Finding("settings", "ok", f"{settings.file or 'no file; defaults, environment and flags'}"))
    cli = locate(settings.claude, environ)
    report(check_binary(cli))
    report(check_version(cli))
    report(check_authentication(settings.claude, environ))
    upstream = check_upstream(settings.claude, settings.server, environ)
    report(upstream)
    memory = None
    if isinstance(cli, CliUnusable):
        for check in ("start", "probe", "turn"):
            report(Finding(check, "skipped", "there is no CLI to start"))
    else:
        no_turn = "" if turn else "not wanted (--no-turn)"
        if upstream.state == "failed":
            no_turn = "the question would not reach the API"
        trial = partial(
            try_instance, settings, cli, environ, no_turn=no_turn, report=report, announce=announce
        )
        memory = trio.run(_until_signal, trial)
    report(check_files(settings, read_hard_limit()))
    report(check_memory(settings, read_available_memory(), memory))
    report(check_port(settings.server))


async def _until_signal(trial: Callable[[], Awaitable[int | None]]) -> int | None:
    # As an event: a KeyboardInterrupt may come out of any line of any task.
    memory, done = None, False
    async with trio.open_nursery() as nursery:
        await nursery.start(_cancel_at_signal, nursery.cancel_scope)
        memory = await trial()
        done = True
        nursery.cancel_scope.cancel()
    if not done:
        raise KeyboardInterrupt
    return memory


async def _cancel_at_signal(scope: trio.CancelScope, *, task_status: trio.TaskStatus[None]) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        await anext(signals)
        scope.cancel()
