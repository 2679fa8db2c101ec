"""Cancel at any checkpoint.

Timeouts strike only where time passes, so they never hit the task that was handed its resource a moment ago and has
not run yet. A task that cancels after some checkpoints does.
"""

from __future__ import annotations

import math
import random
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import trio

from ._nursery import open_flat_nursery

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Sequence


class Chaos:
    """A task, `run`, that again and again sleeps, lets some checkpoints pass, and cancels one of the known scopes.

    Args:
      seed: of its own source of chance; the same seed in a seeded scheduler strikes in the same places.
      checkpoints: how many it lets pass at most, after each sleep.
      pauses: seconds, one of which is drawn for each sleep; at least one above 0. The default ties with timeouts and
          delays that are integers.
    """

    cancelled: int
    """How many scopes it has cancelled."""

    def __init__(self, seed: int, *, checkpoints: int = 8, pauses: Sequence[float] = (0, 1, 1)) -> None:
        """Make it; `run` starts it."""
        if checkpoints < 0:
            raise ValueError(f"checkpoints = {checkpoints!r}: must be 0 or more")
        if not all(0 <= pause < math.inf for pause in pauses) or not any(pauses):
            raise ValueError(f"pauses = {pauses!r}: must be seconds, 0 or more, and one of them above 0")
        self.cancelled = 0
        self._random = random.Random(seed)
        self._checkpoints = checkpoints
        self._pauses = tuple(pauses)
        self._scopes: dict[trio.CancelScope, None] = {}

    @contextmanager
    def register(self, scope: trio.CancelScope) -> Generator[trio.CancelScope]:
        """Let it cancel `scope` while the body runs: `with trio.CancelScope() as scope, chaos.register(scope):`."""
        self._scopes[scope] = None
        try:
            yield scope
        finally:
            self._scopes.pop(scope, None)

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await trio.sleep(self._random.choice(self._pauses))
            for _ in range(self._random.randint(0, self._checkpoints)):
                await trio.lowlevel.checkpoint()
            if self._scopes:
                scope = self._random.choice(list(self._scopes))
                del self._scopes[scope]
                scope.cancel()
                self.cancelled += 1


@asynccontextmanager
async def open_chaos(
    seed: int, *, checkpoints: int = 8, pauses: Sequence[float] = (0, 1, 1)
) -> AsyncGenerator[Chaos]:
    """Run a `Chaos` for the body of an `async with`. An exception of the body comes out as it is, not in a group."""
    chaos = Chaos(seed, checkpoints=checkpoints, pauses=pauses)
    async with open_flat_nursery() as nursery:
        nursery.start_soon(chaos.run)
        yield chaos
        nursery.cancel_scope.cancel()
