"""The settings are read again while the server runs: all that is new counts from one moment on, or nothing does.

Rules:
* Whatever is wrong, in the settings or with the CLI that they name, is told and changes nothing.
* What can be slow, which is to read a file and to try out another CLI, comes first and holds up no request; then
  everything is put in force in one step without an await, so that no request meets half of it.
* What cannot change before a restart is named, each time, and keeps its value.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio
from attrs import frozen

from ccproxy_trio.claude.errors import CliUnusable
from ccproxy_trio.logs import configure_logging
from ccproxy_trio.pool import PoolClosed
from ccproxy_trio.server.transport import ensure_descriptors
from ccproxy_trio.settings import Problem, SettingsError, compare

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccproxy_trio.server.app import Application
    from ccproxy_trio.settings import Settings

log = logging.getLogger("ccproxy_trio")

_LONGEST_READ = 30.0


@frozen
class Reload:
    """How the settings of a running server are read again."""

    app: Application
    read: Callable[[], Settings]
    """Reads them as the start did, from the same sources. Raises SettingsError."""
    reachable: bool = False
    """Whether other machines can reach the server, which then must not be without a key."""

    async def __call__(self) -> None:
        """Read them, and put in force what is new; what came of it is logged, whatever it is."""
        try:
            await self._take_over()
        except (SettingsError, CliUnusable) as error:
            log.error("nothing has changed, as the settings that were read again cannot be used: %s", error)
        except PoolClosed:
            log.info("the settings are not read again, as the server ends")
        except Exception:
            log.exception("the settings could not be read again")

    async def _take_over(self) -> None:
        loaded = await self._read()
        running = self.app.endpoints.settings
        change = compare(running, loaded)
        if self.reachable:
            _require_keys(change.settings)
        claude = await self.app.endpoints.claude.reconfigure(change.settings)
        self.app.put_in_force(claude, change.settings)
        configure_logging(change.settings.log)
        ensure_descriptors(change.settings.server.max_connections, change.settings.pool_settings.max_size)
        changed = [_describe(key, running, change.settings) for key in change.changed]
        log.info(
            "read the settings again (%s); changed: %s",
            change.settings.file or "no file",
            ", ".join(changed) or "nothing",
        )
        if change.waiting:
            log.warning("needs a restart: %s", ", ".join(change.waiting))

    async def _read(self) -> Settings:
        with trio.move_on_after(_LONGEST_READ):
            return await trio.to_thread.run_sync(self.read, abandon_on_cancel=True)
        where = str(self.app.endpoints.settings.file or "the sources")
        raise SettingsError([Problem(where, f"not read within {_LONGEST_READ:g} s")])


def _require_keys(settings: Settings) -> None:
    if not (settings.server.keys or settings.server.allow_anyone):
        where = settings.origin("server.keys")
        allowed = "at least one while other machines can reach this server, or allow_anyone"
        raise SettingsError(
            [Problem("server.keys" if where == "default" else where, "found no key", allowed)]
        )


def _describe(key: str, before: Settings, now: Settings) -> str:
    """Name an option, and of the keys those that came or went; never a value."""
    if key != "server.keys":
        return key
    old, new = before.server.keys, now.server.keys
    told = [
        *(f"added {name}" for name in new if name not in old),
        *(f"removed {name}" for name in old if name not in new),
        *(f"changed {name}" for name in new if name in old and new[name] != old[name]),
    ]
    return f"{key} ({', '.join(told)})"
