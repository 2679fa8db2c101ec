"""The life of one resource, in one task.

* The keeper enters the factory's context and leaves it, in the same task; done in two, trio's cancel scopes get out
  of order (IBM/mcp-context-forge#3737). It also runs `check` and `reset`, so that no acquire or release is ever in
  the middle of one.
* Everything awaited is bounded: one cancel scope whose deadline moves from create to never to close, and one around
  each hook. The scope is shielded: whoever is cancelled outside, the resource is closed in order, on the pool's word.
* So any other cancellation comes from inside the factory's context: an inner nursery whose watcher raised. The
  resource has died. It is out of circulation before its context is left.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

import trio

if TYPE_CHECKING:
    from ._engine import Engine
    from ._slots import Slot

T = TypeVar("T")

Factory: TypeAlias = Callable[[], AbstractAsyncContextManager[T]]
"""Makes a resource: entered and left in one task, as a whole or not at all."""

Hook: TypeAlias = Callable[[T], Awaitable[object]]
"""Looks after a resource: it returns if all is well, and raises if the resource is to be retired."""


async def keep(engine: Engine[T], slot: Slot[T], factory: Factory[T]) -> None:
    """Create the resource of `slot`, tend it, and close it. Raises nothing that the resource raised."""
    failure: Exception | None = None
    scope = slot.scope = trio.CancelScope(shield=True)
    try:
        try:
            with scope:
                if engine.still_wanted(slot):
                    await _live(engine, slot, factory, scope)
            if scope.cancelled_caught:
                failure = _too_slow(engine, slot)
        except* Exception as group:  # noqa: BLE001 -- it is counted, told and logged by the engine
            failure = _sole(group)
    finally:
        engine.gone(slot, failure)


async def _live(engine: Engine[T], slot: Slot[T], factory: Factory[T], scope: trio.CancelScope) -> None:
    scope.deadline = trio.current_time() + engine.config.create_timeout
    async with factory() as value:
        # Too late after all, at the very tick: leave before anybody hears of it.
        await trio.lowlevel.checkpoint_if_cancelled()
        scope.deadline = math.inf
        slot.value = value
        try:
            engine.created(slot)
            await _tend(engine, slot)
        finally:
            scope.deadline = trio.current_time() + engine.config.close_timeout
            engine.leave(slot)
    if slot.born is None:
        raise RuntimeError("the factory's context ended before the resource was ready")


async def _tend(engine: Engine[T], slot: Slot[T]) -> None:
    """Do what the engine orders, until it is to retire."""
    while True:
        await slot.ordered.wait()
        slot.ordered = trio.Event()
        if slot.order == "check" and engine.check is not None:
            error = await _attempt(engine.check, slot, engine.config.check_timeout, "check")
            if slot.reason is None:
                engine.was_checked(slot, error)
        elif slot.order == "reset" and engine.reset is not None:
            error = await _attempt(engine.reset, slot, engine.config.reset_timeout, "reset")
            if slot.reason is None:
                engine.was_reset(slot, error)
        if slot.reason is not None:
            return


async def _attempt(hook: Hook[T], slot: Slot[T], seconds: float, name: str) -> Exception | None:
    """Run a hook for at most `seconds`; what went wrong."""
    error: Exception | None = None
    try:
        with trio.move_on_after(seconds) as scope:
            slot.hook_scope = scope
            await hook(slot.value)
        if scope.cancelled_caught:
            error = trio.TooSlowError(f"{name} took longer than {seconds} s")
    except* Exception as group:  # noqa: BLE001 -- it is returned, to be counted and told
        error = _sole(group)
    finally:
        slot.hook_scope = None
    return error


def _too_slow(engine: Engine[T], slot: Slot[T]) -> Exception:
    if slot.born is None:
        return trio.TooSlowError(f"create took longer than {engine.config.create_timeout} s")
    return trio.TooSlowError(f"close took longer than {engine.config.close_timeout} s")


def _sole(group: ExceptionGroup[Exception]) -> Exception:
    """What is inside groups of one."""
    while len(group.exceptions) == 1:
        inner = group.exceptions[0]
        if not isinstance(inner, ExceptionGroup):
            return inner
        group = cast("ExceptionGroup[Exception]", inner)
    return group
