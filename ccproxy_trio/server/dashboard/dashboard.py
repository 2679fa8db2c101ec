"""What is behind the page: the one place where all that it shows comes together, looked at only when somebody looks.

Rules:

* Listeners look by themselves, each when it can take more; what one has seen serves the others for a moment. So no
  task runs here, and nothing is kept for a listener but what it was told last.
* It outlives the settings in force: other ones, and another way in, are followed.
"""

from __future__ import annotations

import time
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import trio
from quart import Response

from ccproxy_trio import __version__
from ccproxy_trio.claude.memory import MemoryReadings

from .events import INTERVAL, Listeners, Looked
from .page import build_page
from .retirements import Retirements
from .state import describe_instances, describe_pool, describe_settings
from .traffic import Traffic

if TYPE_CHECKING:
    from ccproxy_trio.server.endpoints import Endpoints
    from ccproxy_trio.server.observe import RequestRecord


class Dashboard:
    """The dashboard of one application."""

    def __init__(self) -> None:
        self._made = time.monotonic()
        self._traffic = Traffic()
        self._retirements = Retirements()
        self._memory = MemoryReadings()
        self._listeners = Listeners(self.look, self.look_closer)
        self._run = token_hex(4)
        self._start: float | None = None
        self._looked: Looked | None = None
        self._times = 0
        self._endpoints: Endpoints | None = None
        self._settings: dict[str, Any] = {}

    def follow(self, endpoints: Endpoints) -> None:
        """Show this pool and these settings from now on."""
        if self._endpoints is None:
            endpoints.claude.pool.observe(self._retirements.note)
        self._endpoints = endpoints
        self._settings = describe_settings(endpoints.settings)
        self._listeners.access = endpoints.access

    def note(self, record: RequestRecord) -> None:
        """Take note of a request that has ended."""
        self._traffic.note(record)

    async def page(self) -> Response:
        """The page itself, with nothing in it of this server."""
        page = build_page()
        return Response(page.body, content_type="text/html; charset=utf-8", headers=dict(page.headers))

    async def events(self) -> Response:
        """A stream of what it shows: first all, then what changes."""
        return self._listeners.listen()

    def look(self) -> Looked:
        """All that there is to see, not older than half of the time between two events."""
        now = trio.current_time()
        if self._looked is None or now - self._looked.time > INTERVAL / 2:
            self._times += 1
            if self._start is None:
                self._start = now - (time.monotonic() - self._made)
            self._looked = Looked(
                now, now - self._start, f"{self._run}-{self._times}", self._see(self._start, now)
            )
        return self._looked

    async def look_closer(self) -> None:
        """Have what takes longer read anew, if it is old."""
        assert self._endpoints is not None
        resources = self._endpoints.claude.pool.resources()
        await self._memory.refresh([each.value.pid for each in resources if each.value is not None])

    def _see(self, start: float, now: float) -> dict[str, Any]:
        assert self._endpoints is not None
        claude, settings = self._endpoints.claude, self._endpoints.settings
        return {
            "server": {
                "version": __version__,
                "cli": claude.cli.version,
                "demo": claude.cli.demo,
                "pools": settings.pool_settings.enabled,
            },
            "pool": describe_pool(claude.pool.statistics()),
            "instances": describe_instances(claude.pool.resources(), self._memory.latest, start),
            "minute": self._traffic.minute(now),
            "traffic": self._traffic.moments(start, now),
            "retirements": self._retirements.latest(start),
            "settings": self._settings,
        }
