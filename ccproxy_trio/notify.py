"""What a service manager such as systemd is told of the server's life, by the protocol of sd_notify(3).

Rules:
* The manager's variables are taken out of the environment at once: nothing that is started later may speak for us.
* READY is told when the server listens, not when instances are warm: from then on clients wait in place of being
  refused, and a CLI that is slow or at fault is `/readyz`'s business. A manager would kill the server for it.
* Telling never fails and never keeps anything waiting for long. A manager that does not listen is told of in the log,
  once.
* After STOPPING nothing is told but that the server lives: a READY then would be a lie.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from typing import TYPE_CHECKING

import trio
from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

log = logging.getLogger("ccproxy_trio")

_BOUND = 2.0
_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


@define(eq=False)
class ServiceManager:
    """The manager that started this process; telling it anything does nothing where there is none."""

    address: str = ""
    """Of its datagram socket: a path, or an abstract name after a NUL; empty when there is none."""
    watchdog: float | None = None
    """Seconds within which it wants to hear each time that the server lives."""
    _stopping: bool = field(default=False, init=False)
    _warned: bool = field(default=False, init=False)

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> ServiceManager:
        """Find out from the environment, and take its variables out of it. Of what makes no sense the log tells."""
        name, period, pid = (environ.pop(variable, "") for variable in _VARIABLES)
        if not name.startswith(("/", "@")) or len(name) < 2:
            if name:
                log.warning(
                    "NOTIFY_SOCKET is not used: found %r; a path or @ and a name can be used", name[:60]
                )
            return cls()
        address = "\0" + name[1:] if name.startswith("@") else name
        if not period or (pid and pid != str(os.getpid())):
            return cls(address)
        if not (period.isascii() and period.isdecimal() and int(period) > 0):
            log.warning(
                "WATCHDOG_USEC is not used: found %r; microseconds from 1 up can be used", period[:60]
            )
            return cls(address)
        return cls(address, int(period) / 1e6)

    async def tell_ready(self, status: str) -> None:
        """That the server listens. `status` is for people, one line."""
        await self._tell("READY=1", f"STATUS={status}")

    async def tell_stopping(self, status: str) -> None:
        """That the server has begun to end."""
        self._stopping = True
        await self._tell("STOPPING=1", f"STATUS={status}", anyway=True)

    def around(self, reload: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """`reload`, told of when it begins and when it is done."""

        async def told() -> None:
            # The clock tells a manager of notify-reload which of its signals this answers.
            await self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
            await reload()
            await self._tell("READY=1")

        return told

    async def keep_told(self) -> None:
        """Tell it for ever, or not at all if it does not want to know, that the server's loop goes round."""
        while self.watchdog is not None:
            await self._tell("WATCHDOG=1", anyway=True)
            await trio.sleep(self.watchdog / 3)

    async def _tell(self, *lines: str, anyway: bool = False) -> None:
        if not self.address or (self._stopping and not anyway):
            return
        reason: object = f"nothing was taken within {_BOUND:g} s"
        # A socket for each message, as the manager may have been started anew and have another by the same name.
        with trio.move_on_after(_BOUND), trio.socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messenger:
            try:
                # The kernel tells only a connected socket's owner when there is room again.
                await messenger.connect(self.address)
                await messenger.send("\n".join(lines).encode())
            except OSError as error:
                reason = os.strerror(error.errno) if error.errno else error
            else:
                return
        if not self._warned:
            self._warned = True
            log.warning("the service manager cannot be told %s: %s", lines[0], reason)
