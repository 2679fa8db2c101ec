"""What a step of a resource has to pass: it works, fails, takes long, or never ends.

A gate is an async callable without arguments, so any function of your own is one too. Give it delays that are small
integers: events then tie, and most races need a tie to show.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import trio

if TYPE_CHECKING:
    from random import Random

Gate: TypeAlias = Callable[[], Awaitable[object]]
"""Awaited before the step: returns to let it happen, raises to make it fail."""


async def ok() -> None:
    """Let it happen, after one turn of the scheduler."""
    await trio.lowlevel.checkpoint()


async def error() -> None:
    """Fail with an `OSError`, after one turn of the scheduler."""
    await trio.lowlevel.checkpoint()
    raise OSError("the gate is shut")


async def never() -> None:
    """Never end; only a cancellation leads out."""
    await trio.sleep_forever()


def slow(seconds: float) -> Gate:
    """Let it happen after `seconds`."""

    async def gate() -> None:
        await trio.sleep(seconds)

    return gate


def raises(kind: type[Exception], *arguments: object) -> Gate:
    """Fail with a new `kind(*arguments)` each time, after one turn of the scheduler."""

    async def gate() -> None:
        await trio.lowlevel.checkpoint()
        raise kind(*arguments)

    return gate


def die_later(seconds: float, kind: type[Exception] | None = None, *arguments: object) -> Gate:
    """For `Gates.life`: end after `seconds`, with a new `kind(*arguments)`, or quietly if there is no `kind`."""

    async def gate() -> None:
        await trio.sleep(seconds)
        if kind is not None:
            raise kind(*arguments)

    return gate


def in_turn(*gates: Gate) -> Gate:
    """The first call passes the first gate, the second the second; the last gate stays for all that follow."""
    if not gates:
        raise ValueError("in_turn() needs at least one gate")
    calls = 0

    async def gate() -> None:
        nonlocal calls
        chosen = gates[min(calls, len(gates) - 1)]
        calls += 1
        await chosen()

    return gate


def drawn(source: Random, *gates: Gate) -> Gate:
    """Each call passes one of the gates, drawn from a seeded `source`. Name one twice to make it likelier."""
    if not gates:
        raise ValueError("drawn() needs at least one gate")

    async def gate() -> None:
        await source.choice(gates)()

    return gate


@dataclass(slots=True)
class Gates:
    """One gate for each step of a resource. Assign to a field, or put a whole `Gates()` in place, while a pool runs.

    A step takes its gate when it begins; one that waits in a gate stays there.
    """

    create: Gate = ok
    """Before the factory makes a resource."""
    check: Gate = ok
    """Before `GatedFactory.check`."""
    reset: Gate = ok
    """Before `GatedFactory.reset`."""
    close: Gate = ok
    """Before a resource is closed in order; not of one that died with an error, or was cancelled."""
    life: Gate = never
    """Begun when a resource is made. When it ends the resource has died by itself, of the error if it raised one."""

    @classmethod
    def every(cls, gate: Gate) -> Gates:
        """The same gate at create, check, reset and close; resources live for ever."""
        return cls(create=gate, check=gate, reset=gate, close=gate)
