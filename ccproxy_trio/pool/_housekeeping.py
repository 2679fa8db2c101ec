"""The pool's two clocks: one closes what is too old, at the very time; one has the idle checked, round by round."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import trio

if TYPE_CHECKING:
    from ._engine import Engine

T = TypeVar("T")


async def sweep_when_due(engine: Engine[T]) -> None:
    """Sleep until something is due, and sweep. The engine moves the deadline forward when something is due sooner."""
    while True:
        with trio.CancelScope(deadline=engine.sweep()) as engine.alarm:
            await trio.sleep_forever()


async def check_in_rounds(engine: Engine[T]) -> None:
    """Every `health_check_interval` seconds, check each resource that is idle then, one at a time."""
    engine.round_due = trio.current_time() + engine.config.health_check_interval
    while True:
        with trio.CancelScope(deadline=engine.round_due) as engine.round_alarm:
            await trio.sleep_forever()
        engine.round_due = max(engine.round_due + engine.config.health_check_interval, trio.current_time())
        for slot in reversed(list(engine.roster.idle())):
            if slot.state == "idle":
                await engine.begin_check(slot).wait()
