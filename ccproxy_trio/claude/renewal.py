"""Another CLI takes the place of the one that instances are started from: found on disk, or chosen by new settings.

Rules:
* A binary that is new is tried out first, by one process without a credential, and only one that works is adopted;
  until then instances go on being what they are.
* A file that is still being written is found not to work, or to be another one after the trial; then it is looked at
  again soon.
* What instances are started from changes in one step without an await, and then all of them are replaced: one after
  the other, but at once where the stand-in comes or goes, so that no echo is taken for an answer.
* A binary that does not work is told once, not at each look.
* Looks are `interval` apart; a start that finds another binary causes one at once, unless that binary is known not
  to work.
"""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import trio
from attrs import evolve, frozen

from .errors import CliUnusable
from .source import look_at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .launcher import Launcher
    from .source import Footprint, Wanted

_UNSETTLED = 2.0
"""Seconds between two looks at a file that changes."""

log = logging.getLogger("ccproxy_trio.claude")


@frozen
class Plan:
    """What instances are to be started from, and how it is looked after."""

    wanted: Wanted
    interval: float
    """Seconds between two looks at the disk."""
    patience: float
    """Seconds that a trial may take."""


class ReplaceAll(Protocol):
    """Replaces every instance, the idle ones at once or `one_by_one`."""

    def __call__(self, *, one_by_one: bool) -> object:
        """Begin with it."""
        ...


class Renewal:
    """Keeps a launcher's source what the plan says, and what is on disk."""

    def __init__(self, launcher: Launcher, plan: Plan, replace_all: ReplaceAll) -> None:
        self._launcher = launcher
        self._plan = plan
        self._replace_all = replace_all
        self._lock = trio.Lock()
        self._pause = trio.CancelScope()
        self._told = ""
        self._useless: Footprint | None = None
        self._unsettled = False

    async def run(self) -> None:
        """Look at the disk now and then, for ever."""
        while True:
            seconds = min(self._plan.interval, _UNSETTLED) if self._unsettled else self._plan.interval
            with trio.CancelScope(deadline=trio.current_time() + seconds) as self._pause:
                await self._launcher.noticed.wait()
            noticed = self._launcher.noticed.is_set()
            if noticed:
                self._launcher.noticed = trio.Event()
                if self._useless is not None and look_at(self._launcher.source.cli.path) == self._useless:
                    continue
            async with self._lock:
                await self._look(again=noticed)

    async def follow(self, plan: Plan) -> None:
        """Go by another plan; when it wants another CLI, that is found and adopted, or CliUnusable is raised.

        If it raises, nothing has changed; else nothing is awaited after the change.
        """
        async with self._lock:
            wanted = evolve(plan.wanted, given=self._plan.wanted.given)
            if wanted == self._plan.wanted:
                plan = evolve(plan, wanted=wanted)
                await self._look(search=True)
            else:
                await self._adopt(plan)
            self._plan = plan
            self._pause.cancel()  # it is as long as the former plan's interval

    async def _look(self, *, search: bool = False, again: bool = False) -> None:
        """Adopt what is on disk if it works.

        Unless told to `search`, only another file in the same place counts; and the same one if it is to be tried
        `again`.
        """
        path = self._launcher.source.cli.path
        if self._launcher.source.is_on_disk() and not (search or again):
            self._calm()
            return
        try:
            await self._adopt(self._plan, again=again)
        except CliUnusable as error:
            self._unsettled = self._useless is not None and look_at(path) != self._useless
            if not self._unsettled and str(error) != self._told:
                self._told = str(error)
                log.warning("the claude CLI has changed, and instances stay what they are: %s", error)

    async def _adopt(self, plan: Plan, *, again: bool = False) -> None:
        source, present = plan.wanted.find(), self._launcher.source
        version, trial = present.cli.version, self._launcher.trial
        if again or not source.has_binary_of(present):
            self._useless = source.footprint
            trial = await self._launcher.try_out(source, plan.patience)
            version = trial.version
        source = evolve(source, cli=evolve(source.cli, version=version))
        self._calm()
        if source != present:
            self._launcher.adopt(source, trial)
            self._replace_all(one_by_one=source.cli.demo == present.cli.demo)
        if source.cli != present.cli or not source.has_binary_of(present):
            log.info("instances are started from %s %s now", source.cli.path, version)

    def _calm(self) -> None:
        self._told, self._useless, self._unsettled = "", None, False


@asynccontextmanager
async def open_renewal(launcher: Launcher, plan: Plan, replace_all: ReplaceAll) -> AsyncIterator[Renewal]:
    """Look after a launcher for the body of an `async with`. What leaves the body comes out as it is."""
    renewal = Renewal(launcher, plan, replace_all)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(renewal.run)
            yield renewal
            nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        if len(group.exceptions) != 1:
            raise
        sole = group.exceptions[0]
    else:
        return
    raise sole
