"""The pool's factory: opens instances of one CLI, after probing once what each version of it can do.

What the pool builds on is in part undocumented and changes with the version. So before the first conversation a
process of its own, without any credential and without a reachable API, is asked to take in a message for the history
and to forget it. When it does not forget, every instance serves one conversation and is replaced.

The binary may be replaced while we run, for it updates itself when its user starts it. So what counts is the version
that each process tells of itself; and whoever waits for `noticed` hears of it when a start finds another binary, or
another version.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio
from attrs import frozen

from .errors import CliUnusable, InstanceError, NotRewound
from .instance import open_instance
from .version import refuse_version

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .instance import Instance
    from .source import Source


@frozen
class Trial:
    """What a probe has found."""

    version: str
    """What the CLI calls itself."""
    rewinds: bool
    """Whether it forgets a conversation when it is told to."""


class Launcher:
    """Opens instances of `source`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.trial: Trial | None = None
        """What the latest probe found, None before the first."""
        self.noticed = trio.Event()
        """Set when there may be another binary than `source` has."""
        self._lock = trio.Lock()

    @property
    def version(self) -> str | None:
        """What the CLI's latest version calls itself, None before the first probe."""
        return None if self.trial is None else self.trial.version

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Instance]:
        """A started instance. Raises OSError or InstanceError."""
        source = self.source
        if not source.is_on_disk():
            self.noticed.set()
        async with open_instance(source.launch, source.timeouts) as instance:
            instance.reusable = await self._can_rewind(source, instance.version)
            yield instance

    async def try_out(self, source: Source, within: float) -> Trial:
        """Probe what is to take the place of the present source, for so many seconds at most.

        Raises CliUnusable when it cannot be started or does not do what instances must.
        """
        trial: Trial | None = None
        try:
            with trio.fail_after(within):
                trial = await _probe(source)
        except* (InstanceError, OSError, trio.TooSlowError) as group:
            found: BaseException = group
            while isinstance(found, BaseExceptionGroup):
                found = found.exceptions[0]
            what = f"did not get ready within {within:g} s" if isinstance(found, trio.TooSlowError) else found
            raise CliUnusable(f"{source.cli.path} does not work: {what}", source.cli.path) from found
        assert trial is not None
        if not source.is_on_disk():
            raise CliUnusable(f"{source.cli.path} is being replaced", source.cli.path)
        return trial

    def adopt(self, source: Source, trial: Trial | None) -> None:
        """Start instances from `source` from now on; `trial` is what a probe has found of it."""
        self.source, self.trial = source, trial

    async def _can_rewind(self, source: Source, version: str) -> bool:
        async with self._lock:
            if source is not self.source:
                return False  # another was adopted while it started: it is soon to be replaced
            if self.trial is None or self.trial.version != version:
                if (objection := refuse_version(version)) is not None:
                    raise InstanceError(f"the claude process is {objection}")
                if self.trial is not None:
                    self.noticed.set()
                self.trial = None  # a probe that fails leaves no answer, of another version least of all
                trial = await _probe(source)
                if source is self.source:
                    self.trial = trial
                return trial.rewinds
            return self.trial.rewinds


async def _probe(source: Source) -> Trial:
    async with open_instance(source.probe, source.timeouts) as instance:
        if (objection := refuse_version(instance.version)) is not None:
            raise InstanceError(f"the claude process is {objection}")
        await instance.remember("This message is here to be forgotten.")
        try:
            await instance.reset()
        except NotRewound:
            return Trial(instance.version, rewinds=False)
        return Trial(instance.version, rewinds=True)
